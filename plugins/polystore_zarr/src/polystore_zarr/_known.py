"""What has been written of a chunk or shard that is filled piece by piece."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from polystore_core import CorruptData, PathExists
from polystore_zarr._nodes import ASIDE
from polystore_zarr._regions import described_region, shape_of

if TYPE_CHECKING:
    from polystore_zarr._regions import FilePart

    Array = np.ndarray[Any, Any]

__all__ = ["KEPT", "Known", "aside_of"]

KEPT = ".part"
"""End of the names of files that keep what is known of a chunk."""


class Known(NamedTuple):
    """What has been written of one chunk or shard: values, and where they are valid."""

    values: Array
    written: Array

    @classmethod
    def empty(cls, part: FilePart, dtype: np.dtype[Any]) -> Self:
        """Return that nothing has."""
        shape = shape_of(part.extent)
        return cls(np.zeros(shape, dtype), np.zeros(shape, bool))

    @classmethod
    def whole(cls, values: Array, part: FilePart) -> Self:
        """Return that all has."""
        shape = shape_of(part.extent)
        return cls(np.array(values).reshape(shape), np.ones(shape, bool))

    @staticmethod
    def packed_size(part: FilePart, dtype: np.dtype[Any]) -> int:
        """Return the bytes of :meth:`packed`."""
        count = prod(shape_of(part.extent))
        return count * dtype.itemsize + -(-count // 8)

    @classmethod
    def unpacked(cls, content: bytes, part: FilePart, dtype: np.dtype[Any], *, key: str, shown: str) -> Self:
        """Take it from what :meth:`packed` made of it.

        Raises
        ------
        CorruptData
            If that is not what is there.
        """
        shape = shape_of(part.extent)
        count = prod(shape)
        if len(content) != cls.packed_size(part, dtype):
            raise CorruptData(
                f"{shown!r}: what is kept of the unfinished chunk {key!r} is damaged; save all of the "
                "chunk in one region",
                path=shown,
            )
        values = np.frombuffer(content, dtype, count).reshape(shape).copy()
        bits = np.frombuffer(content, np.uint8, offset=values.nbytes)
        return cls(values, np.unpackbits(bits, count=count).view(bool).reshape(shape))

    def packed(self) -> bytes:
        """Return it as bytes: the values, then a bit for each."""
        return self.values.tobytes() + np.packbits(self.written).tobytes()

    def enter(self, part: FilePart, block: Array) -> None:
        """Write what a region has of it."""
        place = part.source
        self.values[place] = block
        self.written[place] = True

    def refuse_to_lose(self, part: FilePart, *, shown: str) -> None:
        """Raise if any of what a region has of it was written before.

        Raises
        ------
        PathExists
        """
        if self.written[part.source].any():
            raise PathExists(
                f"region {described_region(part.region)} of {shown!r} has been written already; pass "
                "overwrite=True to replace it",
                path=shown,
            )


def aside_of(key: str) -> str:
    """Return where what is known of a chunk is kept until it is whole."""
    return f"{ASIDE}/{key.replace('/', '.')}{KEPT}"
