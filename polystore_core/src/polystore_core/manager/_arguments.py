"""Checking what a batch was given, before the backend is asked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, overload

from polystore_core.data import normalize
from polystore_core.data._sizes import known_bytes
from polystore_core.errors import InvalidOption
from polystore_core.paths import normalize_path

if TYPE_CHECKING:
    from polystore_core.data import Data, SupportedData
    from polystore_core.plugins import CancelToken

__all__ = [
    "NormalizedValues",
    "Path",
    "batch_names",
    "batch_values",
    "check_flag",
    "checked_cancel",
    "checked_workers",
    "posix",
]

Path = str | os.PathLike[str]


class NormalizedValues(Sequence["Data"]):
    """Values of a batch, each normalised when the backend asks for it.

    So arrays of a device come to the host one at a time, not all at once.
    """

    def __init__(self, values: Sequence[SupportedData]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> Data: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Data]: ...

    def __getitem__(self, index: int | slice) -> Data | Sequence[Data]:
        if isinstance(index, slice):
            return [normalize(value) for value in self._values[index]]
        return normalize(self._values[index])

    def __iter__(self) -> Iterator[Data]:
        return map(normalize, self._values)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays, as far as that is known before any comes to the host."""
        return known_bytes(self._values)


def batch_names(paths: Sequence[Path], *, distinct: bool = False) -> tuple[str, ...]:
    """Normalise the paths of a batch.

    Raises
    ------
    InvalidOption
        If it is a single path or no list, or with ``distinct`` if one path occurs twice.
    """
    if isinstance(paths, (str, bytes)) or hasattr(paths, "__fspath__"):
        raise InvalidOption(f"a batch takes a list of paths; got the single path {os.fspath(paths)!r}")
    if not isinstance(paths, (list, tuple, Iterable)):
        raise InvalidOption(f"a batch takes a list of paths; got {type(paths).__name__} {paths!r}")
    names = tuple(map(normalize_path, paths))
    if distinct and len(set(names)) < len(names):
        seen: set[str] = set()
        repeated = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise InvalidOption(f"save_batch got the path {repeated!r} twice; give every value its own")
    return names


def batch_values(data: Sequence[SupportedData], paths: tuple[str, ...]) -> NormalizedValues:
    """Check that there is one value per path.

    Raises
    ------
    InvalidOption
        If ``data`` is no sequence of values, or of another length.
    """
    if not isinstance(data, (list, tuple)) and (
        isinstance(data, (str, bytes, Mapping))
        or not (hasattr(data, "__len__") and hasattr(data, "__getitem__"))
    ):
        raise InvalidOption(
            f"save_batch takes a sequence of values, one per path; got {type(data).__name__}. "
            "Put them in a list"
        )
    if len(data) != len(paths):
        raise InvalidOption(f"save_batch got {len(data)} values for {len(paths)} paths; give one each")
    return NormalizedValues(data)


def checked_workers(workers: object) -> int | None:
    """Refuse a thread budget that is not a positive number."""
    if workers is None:
        return None
    if not isinstance(workers, int) or workers < 1:
        raise InvalidOption(f"workers takes a whole number of threads, at least 1; got {workers!r}")
    return workers


def checked_cancel(cancel: CancelToken | None) -> CancelToken | None:
    """Refuse a token that cannot be asked whether it is set."""
    if cancel is not None and not hasattr(cancel, "is_set"):
        raise InvalidOption(
            f"cancel takes something with is_set(), such as a threading.Event; got {cancel!r}"
        )
    return cancel


def check_flag(name: str, value: object) -> None:
    """Refuse what does not equal True or False, as numpy's do: ``overwrite="no"`` would overwrite."""
    if value is not True and value is not False and value not in (True, False):
        raise InvalidOption(f"{name} takes True or False; got {value!r}")


def posix(path: Path) -> str:
    """Return a path as it was given, with ``/`` between its components."""
    text = os.fspath(path)
    return text.replace("\\", "/") if os.name == "nt" else text
