"""The record that ``roifile`` reads and writes, with texts of any characters."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from typing import Any

from roifile import ROI_OPTIONS, ImagejRoi

from polystore_core.errors import CorruptData

__all__ = ["Native", "pack_float", "unpack_float"]

_HEADER2 = 60
_NAME, _PROPERTIES = 16, 40
"""Where header 2 tells of the texts: offset and length."""


@dataclass(slots=True)
class Native:
    """One ImageJ region.

    Attributes
    ----------
    roi
        What roifile reads and writes; its ``name`` and ``props`` stay empty.
    name, properties
        The two texts. roifile counts characters where the format counts UTF-16 units, so they are kept apart.
    """

    roi: ImagejRoi
    name: str = ""
    properties: str = ""

    @property
    def in_hyperstack(self) -> bool:
        """Whether the place is given by channel, slice and frame rather than by the position in a stack."""
        return bool(self.roi.c_position or self.roi.z_position or self.roi.t_position)

    def has(self, option: ROI_OPTIONS) -> bool:
        """Tell whether an option is set."""
        return bool(self.roi.options & option)

    def set(self, option: ROI_OPTIONS) -> None:
        """Set an option."""
        self.roi.options |= option

    def to_bytes(self) -> bytes:
        """Return the content of a ``.roi`` file."""
        content = bytearray(self.roi.tobytes())
        header2 = struct.unpack_from(">i", content, _HEADER2)[0]
        for text, field in ((self.name, _NAME), (self.properties, _PROPERTIES)):
            encoded = text.encode("utf-16-be")
            if encoded:
                struct.pack_into(">ii", content, header2 + field, len(content), len(encoded) // 2)
                content += encoded
        return bytes(content)

    @classmethod
    def from_bytes(cls, content: bytes) -> Native:
        """Read the content of a ``.roi`` file.

        Raises
        ------
        CorruptData
            If an offset or a length in it leads outside.
        """
        if len(content) < 64 or content[:4] != b"Iout":
            raise CorruptData("not an ImageJ region: it does not begin with 'Iout' and a header of 64 bytes")
        header2 = struct.unpack_from(">i", content, _HEADER2)[0]
        if not 0 < header2 <= len(content) - 52:
            return cls(_parsed(content))
        texts = [_text(content, header2 + field) for field in (_NAME, _PROPERTIES)]
        plain = bytearray(content)
        for field in (_NAME, _PROPERTIES):
            struct.pack_into(">ii", plain, header2 + field, 0, 0)
        return cls(_parsed(bytes(plain)), *texts)


def _parsed(content: bytes) -> ImagejRoi:
    """Let roifile read; what it would only log is an error here."""
    heard = _Heard()
    logger = logging.getLogger("roifile")
    logger.addFilter(heard)
    try:
        roi = ImagejRoi.frombytes(content)
    finally:
        logger.removeFilter(heard)
    return roi


class _Heard(logging.Filter):
    """Keeps roifile's remarks from the terminal: what matters in them is checked here."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let nothing through."""
        return False


def _text(content: bytes, field: int) -> str:
    offset, length = struct.unpack_from(">ii", content, field)
    if offset <= 0 or length <= 0:
        return ""
    if offset + 2 * length > len(content):
        raise CorruptData("a text leads beyond the end of the file")
    return content[offset : offset + 2 * length].decode("utf-16-be")


def pack_float(roi: Any, value: float) -> None:
    """Put a float where ImageJ keeps aspect ratio and width, three fields in roifile's eyes."""
    raw = struct.pack(">f", value)
    roi.arrow_style_or_aspect_ratio, roi.arrow_head_size, roi.rounded_rect_arc_size = struct.unpack(
        ">BBh", raw
    )


def unpack_float(roi: Any) -> float:
    """Return the float that :func:`pack_float` put there."""
    raw = struct.pack(">BBh", roi.arrow_style_or_aspect_ratio, roi.arrow_head_size, roi.rounded_rect_arc_size)
    return float(struct.unpack(">f", raw)[0])
