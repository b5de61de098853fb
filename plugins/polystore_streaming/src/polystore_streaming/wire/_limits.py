"""How much of anything a message may hold."""

from __future__ import annotations

__all__ = [
    "MAX_AXES",
    "MAX_COLUMNS",
    "MAX_FRAME_BYTES",
    "MAX_HEADER_BYTES",
    "MAX_PIECE_BYTES",
    "MAX_REPLY_BYTES",
    "MAX_TEXT",
]

MAX_HEADER_BYTES = 64 * 1024
"""Of a header, checked before it is unpacked."""

MAX_REPLY_BYTES = 256 * 1024 * 1024
"""Of what a viewer answers to one request."""

MAX_PIECE_BYTES = 1024 * 1024
"""Of one piece of an inline frame, before compression."""

MAX_FRAME_BYTES = 1024 * 1024 * 1024
"""Of an inline frame, put together."""

MAX_TEXT = 4096
"""Characters of a path, a title or a reason."""

MAX_AXES = 16
"""Axes of an array, and axes of a position."""

MAX_COLUMNS = 256
"""Arrays in one frame."""
