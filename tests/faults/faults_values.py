"""Values of every format of the disk backend, numbered so that an old one is told from a new one."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["SUFFIXES", "value_number", "value_of"]

SUFFIXES = (".npy", ".npz", ".tif", ".png", ".jpg", ".json", ".csv", ".txt", ".bin")

_BYTES = 100_000
"""More than a buffer holds, so that a value reaches the file in several writes."""


def value_of(suffix: str, number: int) -> Any:
    """The value with that number, up to 65,535."""
    rows = np.full(200, number, np.int64)
    match suffix:
        case ".npy" | ".tif":
            return np.full((200, 250), number, np.uint16)
        case ".npz":
            return {"number": rows, "pixels": np.full((100, 250), number, np.uint16)}
        case ".png":
            return np.full((60, 50), number, np.uint16)
        case ".jpg":
            return np.full((8 + number // 256, 8 + number % 256), 128, np.uint8)
        case ".json":
            return {"number": number, "rows": rows.tolist()}
        case ".csv":
            return {"number": rows}
        case ".txt":
            return f"{number}\n" * 1_000
        case _:
            return number.to_bytes(2, "little") * (_BYTES // 2)


def value_number(suffix: str, value: Any) -> int:
    """The number of a value that was read; AssertionError if it is not one value from end to end."""
    match suffix:
        case ".npy" | ".tif" | ".png":
            number = value[0, 0]
            assert (value == number).all()
            return int(number)
        case ".npz" | ".json" | ".csv":
            number = np.ravel(value["number"])[0]
        case ".jpg":
            number = (value.shape[0] - 8) * 256 + value.shape[1] - 8
        case ".txt":
            number = value.split("\n", 1)[0]
        case _:
            number = int.from_bytes(value[:2], "little")
    assert _equal(value, value_of(suffix, int(number)), tolerance=3 if suffix == ".jpg" else 0)
    return int(number)


def _equal(a: Any, b: Any, *, tolerance: int) -> bool:
    if isinstance(a, dict):
        return list(a) == list(b) and all(_equal(a[key], b[key], tolerance=tolerance) for key in a)
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and bool((np.abs(a.astype(np.int64) - b) <= tolerance).all())
    return bool(a == b)
