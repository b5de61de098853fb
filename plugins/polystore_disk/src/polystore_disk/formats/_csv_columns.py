"""From the cells of a CSV column to an array, and what dtype an array will come back with."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["Column", "dtype_read_back", "infer_column"]

_INTEGER = re.compile(r" *[+-]?(?:0|[1-9][0-9]*) *", re.ASCII)
_FLOAT = re.compile(
    r" *(?:[+-]?(?:(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[iI]nf|[nN]a[nN])|) *",
    re.ASCII,
)
_TRUTH = {"True": True, "False": False, "true": True, "false": False, "TRUE": True, "FALSE": False}
_LONGEST_NUMBER = 300


class Column(NamedTuple):
    """The cells of a column, without their quotes; ``quoted`` if any had some."""

    cells: list[str]
    quoted: bool


def infer_column(column: Column) -> Array:
    """Return the column as text, bool, int64, uint64 or float64, whichever fits first."""
    import numpy as np

    cells, quoted = column
    if not quoted:
        if cells and all(cell in _TRUTH for cell in cells):
            return np.array([_TRUTH[cell] for cell in cells], np.bool_)
        if cells and all(map(_INTEGER.fullmatch, cells)):
            return _integers(cells)
        if all(map(_FLOAT.fullmatch, cells)) and all(map(_fits_float, cells)):
            return np.array([float(cell.strip() or "nan") for cell in cells], np.float64)
    return np.array(cells, np.str_)


def _integers(cells: list[str]) -> Array:
    import numpy as np

    if max(map(len, cells)) < 25:
        values = [int(cell) for cell in cells]
        for dtype in (np.int64, np.uint64):
            limits = np.iinfo(dtype)
            if limits.min <= min(values) and max(values) <= limits.max:
                return np.array(values, dtype)
    return np.array(cells, np.str_)


def _fits_float(cell: str) -> bool:
    """Tell whether float64 holds the number: it would cut long integers and has an end."""
    if _INTEGER.fullmatch(cell):
        return len(cell) < _LONGEST_NUMBER and float(cell) == int(cell)
    return "n" in cell.lower() or not math.isinf(float(cell.strip() or "nan"))


def dtype_read_back(column: Array) -> np.dtype[Any] | None:
    """Return the dtype that a saved column comes back with; ``None`` if it cannot be saved."""
    import numpy as np

    kind = column.dtype.kind
    if kind == "U":
        longest = max(map(len, column.tolist()), default=0)
        return np.dtype(f"U{max(1, longest)}") if column.size else np.dtype(np.float64)
    if kind not in "biuf" or column.dtype.itemsize > 8:
        return None
    if kind == "f" or not column.size:
        return np.dtype(np.float64)
    if kind == "b":
        return np.dtype(np.bool_)
    return np.dtype(np.uint64 if int(column.max()) > np.iinfo(np.int64).max else np.int64)
