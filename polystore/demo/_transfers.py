"""Moving values and measuring it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from polystore_core import PolyStoreError
from polystore_core.data import data_equal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polystore_core import FileManager

__all__ = ["Skipped", "Transfer", "measured", "round_trip", "storage_backends"]


@dataclass(frozen=True, slots=True)
class Transfer:
    """What moved where, and how fast.

    Attributes
    ----------
    step
        What was done.
    source, target
        From where to where: names of backends, or ``"pipeline"``.
    files
        How many values.
    size
        Bytes of their pixels, decoded.
    seconds
        Wall-clock time.
    verdict
        ``"identical"`` or ``"DIFFERENT"`` compared with what was saved, ``"no copy"`` if nothing was copied;
        empty where nothing is compared.
    """

    step: str
    source: str
    target: str
    files: int
    size: int
    seconds: float
    verdict: Literal["", "identical", "no copy", "DIFFERENT"] = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A backend that took no part.

    Attributes
    ----------
    backend
        Its name.
    reason
        Why.
    is_failure
        Whether something is wrong, rather than just not its job.
    """

    backend: str
    reason: str
    is_failure: bool


def measured(
    step: str, source: str, target: str, do: Callable[[], Sequence[Any]]
) -> tuple[list[Any], Transfer]:
    """Call ``do`` for the values that it moves; return them and what it took."""
    begin = perf_counter()
    values = list(do())
    seconds = perf_counter() - begin
    return values, Transfer(step, source, target, len(values), sum(value.nbytes for value in values), seconds)


def storage_backends(fm: FileManager) -> tuple[list[str], list[Skipped]]:
    """Tell the backends that take and give back values from those that do not."""
    able: list[str] = []
    skipped: list[Skipped] = []
    for info in fm.backends():
        try:
            lacking = [
                operation for operation in ("read", "write") if not fm.can(operation, backend=info.name)
            ]
        except PolyStoreError as error:
            skipped.append(Skipped(info.name, str(error), info.state not in ("blocked",)))
            continue
        if lacking:
            skipped.append(Skipped(info.name, f"cannot {' and '.join(lacking)}", is_failure=False))
        else:
            able.append(info.name)
    return able, skipped


def round_trip(fm: FileManager, backend: str, data: Sequence[Any], paths: Sequence[str]) -> list[Transfer]:
    """Save values, load them back and compare; existing files are replaced.

    One value is saved before the clock starts, so that nobody pays for the import of a library.
    """
    fm.save(data[0], paths[0], backend=backend)

    def save() -> Sequence[Any]:
        fm.save_batch(data, paths, backend=backend, progress=True)
        return data

    _, saved = measured("save", "pipeline", backend, save)
    back, loaded = measured(
        "load back", backend, "pipeline", lambda: fm.load_batch(paths, backend=backend, progress=True)
    )
    same = len(back) == len(data) and all(map(data_equal, data, back))
    return [saved, replace(loaded, verdict="identical" if same else "DIFFERENT")]
