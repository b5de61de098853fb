"""Where tifffile puts what in a file of plain pixels, so that tags and pixels are written together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from polystore_disk.formats._bytes import bytes_of

if TYPE_CHECKING:
    import numpy as np

__all__ = ["lay_out"]


def lay_out(array: np.ndarray[Any, Any], **arguments: Any) -> list[bytearray | memoryview]:
    """Return the pieces of the TIFF that ``tifffile.imwrite`` makes of ``array`` and ``arguments``.

    Parameters
    ----------
    array
        Numbers, of any shape that tifffile takes; they are stored as they are, without a compression.
    **arguments
        What tifffile is told besides.

    Returns
    -------
    list of bytearray or memoryview
        To be written one after the other: header and tags; the pixels, which are a view of ``array`` if that
        is contiguous; and the tags of further pages.
    """
    import numpy as np
    import tifffile

    pixels = np.ascontiguousarray(array)
    outline = _Outline()
    place = tifffile.imwrite(
        tifffile.FileHandle(cast("BinaryIO", outline), mode="wb", name="image.tif", size=0),
        shape=pixels.shape,
        dtype=pixels.dtype,
        returnoffset=True,
        **arguments,
    )
    begin, _ = cast("tuple[int, int]", place)  # the second is the length of the first page
    end = begin + pixels.nbytes
    return [outline.between(0, begin), bytes_of(pixels), outline.between(end, outline.size)]


class _Outline:
    """A file that keeps what is written where, and nothing of the holes between."""

    def __init__(self) -> None:
        self.size = 0
        self._position = 0
        self._written: list[tuple[int, bytes]] = []

    def between(self, begin: int, end: int) -> bytearray:
        """Return what was written from ``begin`` on, up to ``end``."""
        part = bytearray(end - begin)
        for position, content in self._written:
            if begin <= position < end:
                part[position - begin : position - begin + len(content)] = content
        return part

    def write(self, content: bytes) -> int:
        """Take all of ``content``; what was there before is written over."""
        self._written.append((self._position, bytes(content)))
        self._position += len(content)
        self.size = max(self.size, self._position)
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go anywhere, also behind the end."""
        self._position = offset + (0, self._position, self.size)[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def flush(self) -> None:
        """Do nothing: there is nothing behind it."""
