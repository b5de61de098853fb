"""Reading targets: each value once, however many virtual files show parts of it."""

from __future__ import annotations

import copy as copying
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from polystore_core import BatchError, CorruptData, PolyStoreError
from polystore_core.files import translate_os_error
from polystore_core.plugins import Batch, ReadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polystore_core.data import Data
    from polystore_core.plugins import Backend
    from polystore_workspace._target import Target

__all__ = ["about_target", "nested", "nesting_level", "read_targets"]

_MOST_LEVELS = 8
"""How many workspaces may stand on one another; more than that is a circle."""

_levels = threading.local()


class _Taker(NamedTuple):
    """A path of the request that shows a value, or the part of it at an index."""

    position: int
    path: str
    index: tuple[int, ...]


def read_targets(
    request: ReadRequest,
    targets: Mapping[int, Target],
    failed: dict[int, Exception],
    open_backend: Callable[[str], Backend],
) -> list[Data]:
    """Read what the paths of a request show.

    Paths that show parts of one value are served by one read of it; different values are read in
    parallel within the thread budget of the request, and held no longer than needed.

    Parameters
    ----------
    request
        What was asked for; its options go to the backends of the targets.
    targets
        Position in the request -> its target.
    failed
        Position -> why there is no target; completed with what fails here.
    open_backend
        Gives the backend of that name.

    Raises
    ------
    BatchError
        If anything failed or the batch was cancelled. A single path raises its own error.
    """
    groups: dict[tuple[str, str], list[_Taker]] = {}
    for position, target in targets.items():
        taker = _Taker(position, request.paths[position], target.index)
        groups.setdefault((target.backend, target.address), []).append(taker)
    work = list(groups.items())
    values: dict[int, Data] = {}
    tried: list[int] = list(failed)
    threads = max(1, request.batch.threads // len(work)) if work else 1
    level = nesting_level()

    def read(number: int) -> None:
        (backend, address), takers = work[number]
        with nested(level, takers[0].path):
            _read_group(backend, address, takers, request, threads, open_backend, values, failed)
        tried.extend(taker.position for taker in takers)

    batch = request.batch
    progress = batch.progress
    if progress is not None:
        batch = batch._replace(progress=lambda *_: progress(len(tried), len(request.paths)))
    unfinished: BatchError | None = None
    try:
        batch.run([address for (_, address), _ in work], read)
    except BatchError as error:
        unfinished = error
    if len(values) < len(request.paths):
        raise _failure(request.paths, values, failed) from unfinished
    return [values[position] for position in range(len(request.paths))]


def nesting_level() -> int:
    """How many workspaces the request that this thread works at has come through."""
    return getattr(_levels, "value", 0)


class nested:
    """Context manager that counts how many workspaces stand on one another.

    Parameters
    ----------
    level
        Of the request that is being served, which may have come from another thread.
    path
        For the message.

    Raises
    ------
    CorruptData
        If there are so many that they must run in a circle.
    """

    def __init__(self, level: int, path: str) -> None:
        if level >= _MOST_LEVELS:
            raise CorruptData(
                f"{path!r} shows a virtual file that shows another, and so on, {_MOST_LEVELS} times: the "
                "workspaces show one another in a circle",
                path=path,
            )
        self._level = level

    def __enter__(self) -> None:
        self._outer = nesting_level()
        _levels.value = self._level + 1

    def __exit__(self, *_: object) -> None:
        _levels.value = self._outer


def about_target(error: Exception, path: str, target: str, backend: str) -> PolyStoreError:
    """Return the error to raise about a virtual path when its target could not be had."""
    if isinstance(error, OSError) and not isinstance(error, PolyStoreError):
        known: Exception = translate_os_error(error, path=target, operation="read")
    else:
        known = error
    message = f"{path!r} shows {target!r} of backend {backend!r}: "
    if isinstance(known, PolyStoreError) and not isinstance(known, BatchError):
        told = copying.copy(known)
        told.args = (f"{message}{known}",)
        told.backend = told.operation = None
        told.path = path
        if isinstance(told, OSError):
            told.filename = path
    else:
        told = PolyStoreError(f"{message}{type(error).__name__}: {error}", path=path)
    told.__cause__ = error
    return told


def _read_group(
    backend: str,
    address: str,
    takers: list[_Taker],
    request: ReadRequest,
    threads: int,
    open_backend: Callable[[str], Backend],
    values: dict[int, Data],
    failed: dict[int, Exception],
) -> None:
    """Read one value and give every taker its part."""
    shared = len(takers) > 1 or any(taker.index for taker in takers)
    wanted = ReadRequest((address,), request.copy and not shared, request.options, Batch(workers=threads))
    try:
        (value,) = open_backend(backend).read(request=wanted)
        if value is None:
            raise TypeError("it was read as None")
    except Exception as error:
        for taker in takers:
            failed[taker.position] = about_target(error, taker.path, address, backend)
        return
    for taker in takers:
        try:
            values[taker.position] = _part(value, taker.index, copy=request.copy) if shared else value
        except (CorruptData, MemoryError) as error:
            failed[taker.position] = about_target(error, taker.path, address, backend)


def _part(value: Any, index: tuple[int, ...], *, copy: bool) -> Data:
    """Return the part of a shared value at an index: a copy, or a view that cannot be written to."""
    if not isinstance(value, np.ndarray):
        if index:
            raise CorruptData(
                f"the workspace shows its part {list(index)}, but it is a {type(value).__name__}, not an array"
            )
        return copying.deepcopy(value)  # type: ignore[no-any-return]
    if len(index) > value.ndim or any(item >= size for item, size in zip(index, value.shape, strict=False)):
        raise CorruptData(
            f"the workspace shows its part {list(index)}, which is out of range: the array has shape {value.shape}"
        )
    part = value[(*index, ...)]
    if copy:
        return np.array(part, order="C")
    part.flags.writeable = False
    return part


def _failure(
    paths: tuple[str, ...], values: Mapping[int, Data], failed: Mapping[int, Exception]
) -> Exception:
    if len(paths) == 1 and failed:
        return failed[0]
    return BatchError.from_outcome(
        done=[path for position, path in enumerate(paths) if position in values],
        failed={path: failed[position] for position, path in enumerate(paths) if position in failed},
        not_started=[
            path for position, path in enumerate(paths) if position not in values and position not in failed
        ],
    )
