"""Moving bytes between files and the memory of arrays, without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import CorruptData

if TYPE_CHECKING:
    import numpy as np

__all__ = ["bytes_of", "fill"]


def fill(file: BinaryIO, target: memoryview) -> None:
    """Read exactly ``len(target)`` bytes into ``target``, a flat view of bytes.

    Raises
    ------
    CorruptData
        If the file ends before.
    """
    done = 0
    while done < len(target):
        count = file.readinto(target[done:])  # type: ignore[attr-defined]
        if not count:
            raise CorruptData(f"the file ends {len(target) - done:,} bytes too early")
        done += count


def bytes_of(array: np.ndarray[Any, Any]) -> memoryview:
    """Return the memory of a C-contiguous array as a flat view of bytes, without a copy."""
    import numpy as np

    if array.nbytes == 0:
        return memoryview(bytearray())
    return memoryview(array.reshape(-1).view(np.uint8).data)
