"""Reading TIFF: what a file claims is checked before anything is unpacked."""

from __future__ import annotations

import io
import json
import math
from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import CorruptData, InvalidOption, PolyStoreError
from polystore_core.formats import file_size, is_real_failure, require_room
from polystore_disk.formats._image_size import jpeg2000_size, jpeg_size
from polystore_disk.formats._quiet import quiet_libraries

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import tifffile

    Array = np.ndarray[Any, Any]
    Source = tifffile.TiffPageSeries | tifffile.TiffPage

__all__ = ["read_tiff"]

_BOUNDED = frozenset({1, 2, 3, 4, 5, 8, 32773, 32946, 34926, 50000})
"""Compressions whose decoder is told how much to unpack: none, CCITT, LZW, deflate, PackBits, zstd."""
_SIZED = {7: jpeg_size, 33003: jpeg2000_size, 33005: jpeg2000_size, 34712: jpeg2000_size}
"""Compressions whose every tile has a header of its own: JPEG and JPEG 2000."""
_SMALL = 1 << 16
"""Bytes of a file below which reading all of it at once is cheaper than the many seeks to its tags."""
_WORTH_THREADS = 1 << 22
"""Bytes below which starting threads for one image costs more than it saves."""


def read_tiff(file: BinaryIO, *, max_bytes: int, threads: int, series: int, page: int | None) -> Array:
    """Return one series, or one page, as an array that owns its memory, in native byte order."""
    import tifffile

    size = file_size(file)
    if size < _SMALL:
        file = io.BytesIO(file.read(size))
    try:
        with quiet_libraries(), tifffile.TiffFile(file, name="image.tif", _multifile=False) as tiff:
            source = _choose(tiff, series, page)
            _require_sane(source, file, size, max_bytes)
            workers = threads if source.nbytes >= _WORTH_THREADS else 1
            array = source.asarray(maxworkers=workers)
            expected = source.shape
    except PolyStoreError:
        raise
    except Exception as error:  # a damaged file can make tifffile raise nearly anything
        if is_real_failure(error):
            raise
        raise CorruptData(f"not a TIFF that can be read: {error}") from error
    if array.shape != expected or array.dtype.hasobject:
        raise CorruptData(f"the TIFF claims shape {expected}, its data have shape {array.shape}")
    return _own(array)


def _choose(tiff: tifffile.TiffFile, series: int, page: int | None) -> Source:
    count = len(tiff.pages)
    if count == 0:
        raise CorruptData("the TIFF holds no image")
    if page is not None:
        if not 0 <= page < count:
            raise InvalidOption(f"no page {page}: the TIFF has {count} pages, 0 to {count - 1}")
        return tiff.pages[page].aspage()
    if count == 1 and series == 0 and _is_all(only := tiff.pages[0].aspage()):
        return only
    found = tiff.series
    if not found:
        raise CorruptData("the TIFF holds no image that can be read")
    if not 0 <= series < len(found):
        raise InvalidOption(f"no series {series}: the TIFF has {len(found)} series, 0 to {len(found) - 1}")
    return found[series]


def _is_all(page: tifffile.TiffPage) -> bool:
    """Whether the only page notes its own shape as the image's; then its series need not be worked out."""
    return page.description == json.dumps({"shape": page.shape})


def _require_sane(source: Source, file: BinaryIO, size: int, max_bytes: int) -> None:
    """Check what is claimed: memory, place in the file, kind of compression."""
    key = source.keyframe
    if key.dtype is None or source.dtype is None or 0 in source.shape:
        raise CorruptData("the TIFF holds no pixels of a dtype that can be read")
    pixels = math.prod(source.shape)
    require_room(pixels * source.dtype.itemsize + math.prod(key.chunks) * key.dtype.itemsize, max_bytes)
    begin = getattr(source, "dataoffset", None)
    if begin is not None:
        _require_inside([begin], [pixels * key.bitspersample // 8], size)
        return
    pages = _pages(source)
    missing = pages.count(None)
    if missing:
        raise CorruptData(
            f"{missing} of the {len(pages)} planes are not in the file: load what there is with "
            "page=0, page=1, ..."
        )
    for page in pages:
        if page is not None:
            _require_inside(page.dataoffsets, page.databytecounts, size)
            _require_bounded(page, file)


def _pages(source: Source) -> list[tifffile.TiffPage | tifffile.TiffFrame | None]:
    import tifffile

    return [source] if isinstance(source, tifffile.TiffPage) else list(source)


def _require_bounded(page: tifffile.TiffPage | tifffile.TiffFrame, file: BinaryIO) -> None:
    """Refuse a compression whose decoder is not told how much to unpack, unless its own header tells."""
    key = page.keyframe
    if key is None:
        raise CorruptData("the TIFF holds a page that belongs to no image")
    compression = int(key.compression)
    if compression in _BOUNDED:
        return
    if compression not in _SIZED:
        raise CorruptData(
            f"the TIFF is compressed with {getattr(key.compression, 'name', compression)}, "
            "which is not read: unpack it with tifffile, save it as .tif"
        )
    limit = 16 * max(math.prod(key.chunks), 4096)
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if count:
            file.seek(offset)
            require_room(_SIZED[compression](file.read(count)).working, limit)


def _require_inside(offsets: Iterable[int], counts: Iterable[int], size: int) -> None:
    for offset, count in zip(offsets, counts, strict=False):
        if offset + count > size:
            raise CorruptData(
                f"the TIFF is cut short: pixels at {offset:,} to {offset + count:,}, "
                f"the file holds {size:,} bytes"
            )


def _own(array: Array) -> Array:
    """Return the array, or a copy where it is a view, read-only or byte-swapped."""
    if array.dtype.isnative and array.flags.writeable and array.base is None:
        return array
    return array.astype(array.dtype.newbyteorder("="))
