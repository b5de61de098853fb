"""Frames: pieces of a file that are either whole or not there.

A frame is ``magic (4) | length (4) | checksum (4) | id (8) | payload``, little-endian; the checksum is the
CRC-32 of length, id and payload. The magic holds bytes that UTF-8 text cannot hold, so that it is never found
inside a payload; zeros are no frame.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HEADER_BYTES", "MAGIC", "Frame", "encode_frame", "parse_frames"]

MAGIC = b"\xf7PS\xff"
_HEADER = struct.Struct("<4sII8s")
HEADER_BYTES = _HEADER.size


class Frame(NamedTuple):
    """One frame and where it lies in the file: bytes ``start`` to ``end``."""

    start: int
    end: int
    id: bytes
    payload: bytes


def encode_frame(identity: bytes, payload: bytes) -> bytes:
    """Wrap a payload; the identity has eight bytes."""
    return _HEADER.pack(MAGIC, len(payload), _checksum(identity, payload), identity) + payload


def parse_frames(content: bytes) -> Iterator[Frame]:
    """Yield every whole frame in its order; skip whatever is torn, zeroed or overwritten in between.

    Examples
    --------
    >>> whole = encode_frame(b"12345678", b"payload")
    >>> [frame.payload for frame in parse_frames(bytes(100) + whole[:-1] + whole)]
    [b'payload']
    """
    at = content.find(MAGIC)
    while at != -1:
        frame = _parse(content, at)
        if frame is not None:
            yield frame
        at = content.find(MAGIC, at + 1 if frame is None else frame.end)


def _parse(content: bytes, at: int) -> Frame | None:
    if at + HEADER_BYTES > len(content):
        return None
    _, length, checksum, identity = _HEADER.unpack_from(content, at)
    end = at + HEADER_BYTES + length
    if end > len(content):
        return None
    payload = content[at + HEADER_BYTES : end]
    if _checksum(identity, payload) != checksum:
        return None
    return Frame(at, end, identity, payload)


def _checksum(identity: bytes, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(identity, zlib.crc32(len(payload).to_bytes(4, "little"))))
