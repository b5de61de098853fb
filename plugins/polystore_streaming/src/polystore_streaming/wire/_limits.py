"""How much of anything a message may hold."""

from __future__ import annotations

__all__ = [
    "ALIGNMENT",
    "MAX_ANSWER_BYTES",
    "MAX_AXES",
    "MAX_COLUMNS",
    "MAX_CREDITS",
    "MAX_FRAME_BYTES",
    "MAX_HEADER_BYTES",
    "MAX_PIECE_BYTES",
    "MAX_QUESTIONS",
    "MAX_REPLY_BYTES",
    "MAX_SIZE",
    "MAX_TEXT",
]

MAX_HEADER_BYTES = 64 * 1024
"""Of a header to a viewer, checked before it is unpacked."""

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""Of a header from a viewer, the value of an answer included."""

MAX_REPLY_BYTES = 256 * 1024 * 1024
"""Of the arrays that a viewer answers with to one request."""

MAX_PIECE_BYTES = 1024 * 1024
"""Of one piece of an inline frame, before compression."""

MAX_FRAME_BYTES = 512 * 1024 * 1024
"""Of an inline frame, put together."""

MAX_SIZE = 1 << 48
"""Of any size, offset or length of an axis, and of the number of elements of an array."""

MAX_CREDITS = 1024
"""Frames that a sender may have unacknowledged."""

MAX_QUESTIONS = 32
"""Requests of one sender that are not answered yet."""

ALIGNMENT = 64
"""Of frames in shared memory, and of arrays in a frame or an answer: their offsets are multiples of it."""

MAX_TEXT = 4096
"""Characters of a path, a title or a reason."""

MAX_AXES = 16
"""Axes of an array, and axes of a position."""

MAX_COLUMNS = 256
"""Arrays in one frame."""
