"""Printing what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks._compare import Row

__all__ = ["HEAD", "line"]

_WIDTHS = (46, 10, 10, 8, 8, 5, 14, 4)


def line(cells: Iterable[str]) -> str:
    """Lay the cells of one line out, the first to the left and the others to the right."""
    first, *others = cells
    return first.ljust(_WIDTHS[0]) + "".join(
        f" {cell:>{width}}" for cell, width in zip(others, _WIDTHS[1:], strict=True)
    )


HEAD = line(["", "ours", "peer", "median", "best", "pairs", "promised", ""])


def cells(row: Row) -> list[str]:
    """Return what a row shows."""
    return [
        row.name,
        _duration(row.ours),
        _duration(row.peer),
        f"{row.median:.2f}",
        f"{row.best:.2f}",
        str(row.repetitions),
        _promised(row),
        "" if row.target is None else "ok" if row.holds else "MISS",
    ]


def _duration(seconds: float) -> str:
    for limit, factor, unit in ((1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def _promised(row: Row) -> str:
    if row.target is None:
        return ""
    if row.added is None:
        return f"<= {row.target.limit:.2f}"
    return f"{row.added:+.2g} <= {row.target.limit:g} {row.target.unit}"
