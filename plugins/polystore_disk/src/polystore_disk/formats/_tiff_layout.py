"""Where tifffile puts what in a file of plain pixels, so that tags and pixels are written together.

The tags say nothing of the values, and many images of a pipeline are alike: the last few are remembered.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from polystore_disk.formats._bytes import bytes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

__all__ = ["lay_out"]

_FEW_PAGES = 64
"""Pages of which the tags are remembered; each has some hundred bytes of them."""


def lay_out(array: np.ndarray[Any, Any], **arguments: Any) -> list[bytes | memoryview]:
    """Return the pieces of the TIFF that ``tifffile.imwrite`` makes of ``array`` and ``arguments``.

    Parameters
    ----------
    array
        Numbers, of any shape that tifffile takes; they are stored as they are, without a compression.
    **arguments
        What tifffile is told besides, ``photometric`` and ``ome`` in any case.

    Returns
    -------
    list of bytes or memoryview
        To be written one after the other: header and tags; the pixels, which are a view of ``array`` if that
        is contiguous; and the tags of further pages.
    """
    import numpy as np

    pixels = np.ascontiguousarray(array)
    shape, dtype = pixels.shape, pixels.dtype
    pages = prod(shape[:-3] if arguments["photometric"] == "rgb" else shape[:-2])
    if arguments["ome"] or pages > _FEW_PAGES:  # OME-XML has a UUID
        head, tail = _tags(shape, dtype, arguments)
    else:
        head, tail = _remembered_tags(shape, dtype, json.dumps(arguments))
    return [head, bytes_of(pixels), tail]


@lru_cache(maxsize=64)
def _remembered_tags(shape: tuple[int, ...], dtype: np.dtype[Any], arguments: str) -> tuple[bytes, bytes]:
    return _tags(shape, dtype, json.loads(arguments))


def _tags(shape: tuple[int, ...], dtype: np.dtype[Any], arguments: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return what comes before the pixels, and after them."""
    import tifffile

    outline = _Outline()
    place = tifffile.imwrite(
        tifffile.FileHandle(cast("BinaryIO", outline), mode="wb", name="image.tif", size=0),
        shape=shape,
        dtype=dtype,
        returnoffset=True,
        **arguments,
    )
    begin, _ = cast("tuple[int, int]", place)  # the second is the length of the first page
    end = begin + prod(shape) * dtype.itemsize
    return outline.between(0, begin), outline.between(end, outline.size)


class _Outline:
    """A file that keeps what is written where, and nothing of the holes between."""

    def __init__(self) -> None:
        self.size = 0
        self._position = 0
        self._written: list[tuple[int, bytes]] = []

    def between(self, begin: int, end: int) -> bytes:
        """Return what was written from ``begin`` on, up to ``end``."""
        part = bytearray(end - begin)
        for position, content in self._written:
            if begin <= position < end:
                part[position - begin : position - begin + len(content)] = content
        return bytes(part)

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
