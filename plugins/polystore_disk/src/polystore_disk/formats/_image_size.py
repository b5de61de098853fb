"""What compressed images claim to be, read from their headers without decoding them."""

from __future__ import annotations

import struct
from typing import NamedTuple

from polystore_core.errors import CorruptData

__all__ = ["ImageSize", "jpeg2000_size", "jpeg_size", "png_size"]

_PNG_CHANNELS = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_PROGRESSIVE = 0xC2
_JPEG_SCAN = 0xDA
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


class ImageSize(NamedTuple):
    """Size of the decoded image; ``working`` are the bytes that a decoder needs at most."""

    height: int
    width: int
    working: int
    body: int
    """Offset at which the header ends."""


def png_size(content: bytes) -> ImageSize:
    """Read the IHDR chunk, which a PNG begins with (W3C PNG, section 11.2.2)."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR" or len(content) < 33:
        raise CorruptData("not a PNG: its signature or header is missing")
    width, height, depth, colour = struct.unpack_from(">IIBB", content, 16)
    if colour not in _PNG_CHANNELS or depth not in (1, 2, 4, 8, 16) or not width or not height:
        raise CorruptData(
            f"not a PNG: its header claims {width} x {height}, depth {depth}, colour type {colour}"
        )
    channels = _PNG_CHANNELS[colour] + (colour in (0, 2))
    return ImageSize(height, width, height * width * channels * (2 if depth == 16 else 1), 33)


def jpeg_size(content: bytes) -> ImageSize:
    """Walk the marker segments to the frame header and the first scan (ITU-T T.81, annex B)."""
    if content[:2] != b"\xff\xd8":
        raise CorruptData("not a JPEG: its signature is missing")
    position, frame = 2, None
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker == 0xFF or marker in _JPEG_ALONE:
            position += 1 if marker == 0xFF else 2
            continue
        if marker == _JPEG_SCAN:
            if frame is None:
                break
            return frame._replace(body=position)
        (length,) = struct.unpack_from(">H", content, position + 2)
        if marker in _JPEG_FRAMES and position + 10 <= len(content):
            depth, height, width, channels = struct.unpack_from(">BHHB", content, position + 4)
            factor = (2 if depth > 8 else 1) * (3 if marker == _JPEG_PROGRESSIVE else 1)
            frame = ImageSize(height, width, height * width * max(channels, 3) * factor, 0)
            if not height or not width:
                raise CorruptData(f"not a JPEG that can be read: its header claims {width} x {height}")
        position += 2 + length
    raise CorruptData("not a JPEG: it holds no image")


def jpeg2000_size(content: bytes) -> ImageSize:
    """Read the SIZ marker, which a codestream begins with (ITU-T T.800, annex A.5.1)."""
    begin = content.find(b"\xff\x4f\xff\x51")
    if begin < 0 or begin + 44 > len(content):
        raise CorruptData("not a JPEG 2000 image: its header is missing")
    width, height, left, top = struct.unpack_from(">IIII", content, begin + 8)
    (channels,) = struct.unpack_from(">H", content, begin + 40)
    height, width = height - top, width - left
    if height <= 0 or width <= 0:
        raise CorruptData(f"not a JPEG 2000 image: its header claims {width} x {height}")
    return ImageSize(height, width, height * width * channels * 4, begin)
