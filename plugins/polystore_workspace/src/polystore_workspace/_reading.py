"""Reading targets: each value once, however many virtual files show parts of it."""

from __future__ import annotations

import copy as copying
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core import BatchError, CorruptData, PolyStoreError
from polystore_core.files import translate_os_error
from polystore_core.plugins import Batch, ReadRequest
from polystore_workspace._nesting import nested, nesting_level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polystore_core.data import Data
    from polystore_core.plugins import Backend
    from polystore_workspace._target import Target

__all__ = ["about_target", "read_targets"]


@dataclass(frozen=True, slots=True)
class _Taker:
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
    threads = request.batch.threads_each(len(work)) if work else 1
    level = nesting_level()

    def fetch(backend: str, address: str, path: str, *, copy: bool) -> Any:
        wanted = ReadRequest((address,), copy, request.options, Batch(workers=threads))
        with nested(level, path):
            (value,) = open_backend(backend).read(request=wanted)
        return value

    def read(number: int) -> None:
        (backend, address), takers = work[number]
        shared = len(takers) > 1 or bool(takers[0].index)
        try:
            value = fetch(backend, address, takers[0].path, copy=request.copy and not shared)
        except Exception as error:
            for taker in takers:
                failed[taker.position] = about_target(error, taker.path, address, backend)
            return
        for taker in takers:
            try:
                values[taker.position] = _part(value, taker.index, copy=request.copy) if shared else value
            except (CorruptData, MemoryError) as error:
                failed[taker.position] = about_target(error, taker.path, address, backend)

    batch = request.batch
    progress = batch.progress
    if progress is not None:
        batch = batch._replace(progress=lambda *_: progress(len(values) + len(failed), len(request.paths)))
    unfinished: BatchError | None = None
    try:
        batch.run([address for (_, address), _ in work], read)
    except BatchError as error:
        unfinished = error
    if len(values) < len(request.paths):
        raise _failure(request.paths, values, failed) from unfinished
    return [values[position] for position in range(len(request.paths))]


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


def _part(value: Any, index: tuple[int, ...], *, copy: bool) -> Data:
    """Return the part of a shared value at an index: a copy, or a view that cannot be written to."""
    if not isinstance(value, np.ndarray):
        if index:
            raise CorruptData(
                f"the workspace shows part {list(index)} of it, but it is a {type(value).__name__}, no array"
            )
        return copying.deepcopy(value)  # type: ignore[no-any-return]
    if len(index) > value.ndim or any(item >= size for item, size in zip(index, value.shape, strict=False)):
        raise CorruptData(
            f"the workspace shows part {list(index)} of it, but the array has shape {value.shape}"
        )
    place: tuple[Any, ...] = (*index, ...)
    part: np.ndarray[Any, Any] = value[place]
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
