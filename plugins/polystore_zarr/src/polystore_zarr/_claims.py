"""What a compressed chunk says it will decode to, read before anything is allocated.

Sources: RFC 8878 sections 3.1.1 and 3.1.2 (Zstandard frames and blocks, frames to skip); the header of
c-blosc 1, 16 bytes; RFC 1951 (deflate expands at most 1032 times) and RFC 1950 (zlib); numcodecs' LZ4, whose
first four bytes are the size.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numcodecs  # type: ignore[import-untyped]
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COUNTED", "claimed_size", "first_claim"]

COUNTED = frozenset({"zstd", "gzip", "zlib", "bz2", "lzma"})
"""Codecs of whose chunks all must be seen to know what they decode to."""

_BLOSC_HEADER = struct.Struct("<4x3I")
_ZSTD_MAGIC = 0xFD2FB528
_ZSTD_START = _ZSTD_MAGIC.to_bytes(4, "little")
_ZSTD_HEADER = 18
_ZSTD_SKIPPED = 0x184D2A50
_ZSTD_BLOCK = 128 * 2**10
_ZSTD_TRIAL = 64 * 2**20
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
        The chunk as stored; its beginning will do unless the codec is one of :data:`COUNTED`.
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


def first_claim(codec: str, content: bytes) -> int | None:
    """Return what a chunk of zstd or blosc decodes to by its first header; ``None`` if that may not be all.

    This takes a fraction of the time of :func:`claimed_size`, which also sees the frames of zstd that follow.

    Examples
    --------
    >>> first_claim("zstd", numcodecs.Zstd().encode(bytes(5000)))
    5000
    """
    if codec == "blosc" and len(content) >= _BLOSC_HEADER.size:
        claim, _, stored = _BLOSC_HEADER.unpack_from(content)
        return claim if stored <= len(content) else None
    if codec == "zstd" and len(content) >= _ZSTD_HEADER and content.startswith(_ZSTD_START):
        return _zstd_header(content, len(_ZSTD_START))[0]
    return None


def _zstd(content: bytes | memoryview, limit: int) -> int | None:
    """Add up the frames; those that do not say their size are measured if their blocks could be too much."""
    view = memoryview(content)
    size, place, says = 0, 0, True
    while len(view) - place >= 6:
        magic = int.from_bytes(view[place : place + 4], "little")
        if magic == _ZSTD_MAGIC:
            claim, blocks, place = _zstd_frame(view, place + 4)
            says = says and claim is not None
            size += blocks if claim is None else claim
        elif magic & ~15 == _ZSTD_SKIPPED:
            place += 8 + int.from_bytes(view[place + 4 : place + 8], "little")
        else:
            break
    if place == 0:
        return None
    return size if says or size <= limit else _zstd_measured(content, limit, size)


def _zstd_header(view: bytes | memoryview, place: int) -> tuple[int | None, int, int]:
    """Return what the header of a frame claims, where its blocks begin, and the length of its checksum."""
    descriptor = view[place]
    single = descriptor >> 5 & 1
    width = (single, 2, 4, 8)[descriptor >> 6]
    start = place + 1 + (not single) + (0, 1, 2, 4)[descriptor & 3]
    place = start + width
    claim = int.from_bytes(view[start:place], "little") + (256 if width == 2 else 0) if width else None
    return claim, place, 4 * (descriptor >> 2 & 1)


def _zstd_frame(view: memoryview, place: int) -> tuple[int | None, int, int]:
    """Return what a frame claims, what its blocks decode to at most, and where it ends."""
    claim, place, checksum = _zstd_header(view, place)
    most = 0
    while place + 3 <= len(view):
        header = int.from_bytes(view[place : place + 3], "little")
        last, kind, length = header & 1, header >> 1 & 3, header >> 3
        most += _ZSTD_BLOCK if kind == 2 else length
        place += 3 + (1 if kind == 1 else length)
        if last:
            break
    return claim, most, place + checksum


def _zstd_measured(content: bytes | memoryview, limit: int, most: int) -> int:
    """Decode what does not say its size into no more than is allowed; it is ``most`` at most."""
    codec = numcodecs.Zstd()
    try:
        codec.decode(content, out=np.empty(limit, np.uint8))
    except RuntimeError:
        return most if most > limit + _ZSTD_TRIAL else memoryview(codec.decode(content)).nbytes
    return limit


def _blosc(content: bytes | memoryview, _limit: int) -> int | None:
    return int.from_bytes(content[4:8], "little") if len(content) >= 16 else None


def _gzip(content: bytes | memoryview, limit: int) -> int | None:
    if len(content) * _DEFLATE <= limit:
        return None
    rest, size = bytes(content), 0
    try:
        while rest and size <= limit:
            decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
            while size <= limit and not decoder.eof:
                part = decoder.decompress(rest, _STEP)
                size += len(part)
                rest = decoder.unconsumed_tail
                if not part and not rest:
                    break
            rest = decoder.unused_data
    except zlib.error:
        pass
    return size


def _lz4(content: bytes | memoryview, _limit: int) -> int | None:
    return int.from_bytes(content[:4], "little") if len(content) >= 4 else None


def _counted(make: Callable[[], Any], content: bytes | memoryview, limit: int) -> int | None:
    """Count what decoders of the standard library make of the streams of a chunk, without keeping it."""
    rest, size = bytes(content), 0
    try:
        while rest and size <= limit:
            decoder = make()
            while size <= limit and not decoder.eof:
                part = decoder.decompress(rest, _STEP)
                size += len(part)
                rest = b""
                if not part and decoder.needs_input:
                    break
            rest = decoder.unused_data if decoder.eof else b""
    except (OSError, ValueError, lzma.LZMAError):
        pass
    return size


_READERS: dict[str, Callable[[bytes | memoryview, int], int | None]] = {
    "zstd": _zstd,
    "blosc": _blosc,
    "gzip": _gzip,
    "zlib": _gzip,
    "lz4": _lz4,
    "bz2": lambda content, limit: _counted(bz2.BZ2Decompressor, content, limit),
    "lzma": lambda content, limit: _counted(lzma.LZMADecompressor, content, limit),
}
