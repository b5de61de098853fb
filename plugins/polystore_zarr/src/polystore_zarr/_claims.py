"""What a compressed chunk says it will decode to, read before anything is allocated.

Sources: RFC 8878 section 3.1.1 (Zstandard frame header); the header of c-blosc 1, 16 bytes; RFC 1951 (deflate
expands at most 1032 times) and RFC 1950 (zlib); numcodecs' LZ4, whose first four bytes are the size.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COUNTED", "claimed_size"]

COUNTED = frozenset({"gzip", "zlib", "bz2", "lzma"})
"""Codecs whose chunks do not begin with their size: it is counted by decoding them piece by piece."""

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_DEFLATE = 1032
_GZIP_OR_ZLIB = 47
_STEP = 2**20


def claimed_size(codec: str, content: bytes | memoryview, limit: int) -> int | None:
    """Return the bytes that a chunk decodes to by its own account; ``None`` if it does not say.

    Parameters
    ----------
    codec
        Name of the last codec that was applied.
    content
        The chunk as stored.
    limit
        Counting stops here for a compression whose header tells nothing.

    Examples
    --------
    >>> import gzip
    >>> claimed_size("gzip", gzip.compress(bytes(5000)), 1000) > 1000
    True
    """
    reader = _READERS.get(codec)
    return None if reader is None else reader(content, limit)


def _zstd(content: bytes | memoryview, _limit: int) -> int | None:
    if len(content) < 6 or bytes(content[:4]) != _ZSTD_MAGIC:
        return None
    descriptor = content[4]
    single = descriptor >> 5 & 1
    width = (single, 2, 4, 8)[descriptor >> 6]
    if width == 0:
        return None
    start = 5 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    size = int.from_bytes(content[start : start + width], "little")
    return size + 256 if width == 2 else size


def _blosc(content: bytes | memoryview, _limit: int) -> int | None:
    return int.from_bytes(content[4:8], "little") if len(content) >= 16 else None


def _gzip(content: bytes | memoryview, limit: int) -> int | None:
    if len(content) * _DEFLATE <= limit:
        return None
    decoder, rest, size = zlib.decompressobj(_GZIP_OR_ZLIB), bytes(content), 0
    try:
        while size <= limit and (rest or not decoder.eof):
            part = decoder.decompress(rest, _STEP)
            size += len(part)
            rest = decoder.unconsumed_tail
            if not part and not rest:
                break
    except zlib.error:
        return None
    return size


def _lz4(content: bytes | memoryview, _limit: int) -> int | None:
    return int.from_bytes(content[:4], "little") if len(content) >= 4 else None


def _counted(decoder: Any, content: bytes | memoryview, limit: int) -> int | None:
    """Count what a decoder of the standard library makes of a chunk, without keeping it."""
    rest, size = bytes(content), 0
    try:
        while size <= limit and not decoder.eof:
            part = decoder.decompress(rest, _STEP)
            size += len(part)
            rest = b""
            if not part and decoder.needs_input:
                break
    except (OSError, ValueError, lzma.LZMAError):
        return None
    return size


_READERS: dict[str, Callable[[bytes | memoryview, int], int | None]] = {
    "zstd": _zstd,
    "blosc": _blosc,
    "gzip": _gzip,
    "zlib": _gzip,
    "lz4": _lz4,
    "bz2": lambda content, limit: _counted(bz2.BZ2Decompressor(), content, limit),
    "lzma": lambda content, limit: _counted(lzma.LZMADecompressor(), content, limit),
}
