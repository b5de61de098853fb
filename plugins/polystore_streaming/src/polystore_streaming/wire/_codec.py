"""From messages to bytes and back, without trusting the bytes."""

from __future__ import annotations

from math import isfinite, prod
from typing import TYPE_CHECKING

import lz4.block
import msgspec
import numpy as np

from polystore_core.errors import CorruptData, InvalidOption
from polystore_streaming.wire._limits import (
    MAX_ANSWER_BYTES,
    MAX_HEADER_BYTES,
    MAX_PIECE_BYTES,
    MAX_REPLY_BYTES,
    MAX_SIZE,
)
from polystore_streaming.wire._messages import Frame, FromSender, FromViewer, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from polystore_streaming.wire._messages import ArraySpec, Request

__all__ = [
    "arrays_in",
    "check_frame",
    "check_sendable",
    "compress_piece",
    "decode_from_sender",
    "decode_from_viewer",
    "decompress_piece",
    "encode",
    "extent",
]

encode = msgspec.msgpack.Encoder().encode
"""Message -> bytes of its header."""

_from_sender = msgspec.msgpack.Decoder(FromSender)
_from_viewer = msgspec.msgpack.Decoder(FromViewer)


def decode_from_sender(header: bytes | memoryview) -> FromSender:
    """Decode and check the header of a message to a viewer.

    Raises
    ------
    CorruptData
        If it is too long, no msgpack, or does not fit its schema.

    Examples
    --------
    >>> from polystore_streaming.wire import Ping, decode_from_sender, encode
    >>> decode_from_sender(encode(Ping(number=7)))
    Ping(number=7)
    >>> decode_from_sender(encode({"type": "ping", "number": -1}))
    Traceback (most recent call last):
    ...
    polystore_core.errors.CorruptData: not a message of a sender: Expected `int` >= 0 - at `$.number`
    """
    try:
        message: FromSender = _from_sender.decode(_short(header, MAX_HEADER_BYTES))
    except (ValueError, RecursionError, OverflowError) as error:
        raise CorruptData(f"not a message of a sender: {error}") from None
    if isinstance(message, Frame):
        check_frame(message)
    return message


def decode_from_viewer(header: bytes | memoryview) -> FromViewer:
    """Decode and check the header of a message from a viewer.

    Raises
    ------
    CorruptData
        If it is too long, no msgpack, or does not fit its schema.
    """
    try:
        message: FromViewer = _from_viewer.decode(_short(header, MAX_ANSWER_BYTES))
    except (ValueError, RecursionError, OverflowError) as error:
        raise CorruptData(f"not a message of a viewer: {error}") from None
    if isinstance(message, Reply):
        _check_arrays(message.arrays, MAX_REPLY_BYTES)
    return message


def check_sendable(message: Frame | Request) -> None:
    """Check that a viewer will take a message, before it is on its way.

    Raises
    ------
    InvalidOption
        If it will not: a text is too long, or a name is no text at all.

    Examples
    --------
    >>> from polystore_streaming.wire import Request, check_sendable
    >>> check_sendable(Request(id=1, what="remove", layer="cells" * 1000))
    Traceback (most recent call last):
    ...
    polystore_core.errors.InvalidOption: a viewer does not take this: not a message of a sender: Expected \
`str` of length <= 4096 - at `$.layer`
    """
    try:
        decode_from_sender(encode(message))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidOption(f"a viewer does not take this: {error}") from error


def check_frame(frame: Frame) -> None:
    """Check what a schema cannot say: that a frame agrees with itself.

    Raises
    ------
    CorruptData
        If arrays overlap, leave the frame's memory or carry an impossible number, or axes do not fit.
    """
    _check_arrays(frame.arrays, frame.size)
    low, high = frame.contrast or (0.0, 0.0)
    if not all(map(isfinite, (*frame.scale, low, high, frame.point_size or 0.0, frame.sent))):
        raise CorruptData(f"frame of {frame.path!r}: scale, contrast, size and time must be finite")
    if low > high or (frame.point_size or 0.0) < 0 or any(step <= 0 for step in frame.scale):
        raise CorruptData(f"frame of {frame.path!r}: contrast is low, high; sizes and scales are above 0")
    if len(set(frame.axes)) != len(frame.axes) or "rgb" in frame.axes[:-1]:
        raise CorruptData(f"frame of {frame.path!r}: axes {frame.axes} repeat one, or go on after rgb")
    if len(frame.scale) not in (0, len(frame.axes) - ("rgb" in frame.axes)):
        raise CorruptData(f"frame of {frame.path!r}: {len(frame.scale)} scales for the axes {frame.axes}")
    if frame.role in ("image", "labels"):
        _check_image(frame)


def _check_image(frame: Frame) -> None:
    if len(frame.arrays) != 1:
        raise CorruptData(f"frame of {frame.path!r}: an image is one array, not {len(frame.arrays)}")
    (array,) = frame.arrays
    if len(frame.axes) != len(array.shape) or len(array.shape) < 2:
        raise CorruptData(f"frame of {frame.path!r}: {len(frame.axes)} axes for the shape {array.shape}")
    if "rgb" in frame.axes and (array.shape[-1] not in (3, 4) or len(array.shape) < 3):
        raise CorruptData(f"frame of {frame.path!r}: the shape {array.shape} holds no colours")
    if frame.role == "labels" and (array.dtype.startswith(("float", "complex")) or "rgb" in frame.axes):
        raise CorruptData(f"frame of {frame.path!r}: labels are integers, not {array.dtype} or colours")


def _check_arrays(arrays: Sequence[ArraySpec], size: int) -> None:
    end = 0
    for array in arrays:
        if array.offset < end:
            raise CorruptData(f"array {array.name!r} overlaps the one before it")
        end = array.offset + extent(array)
        if end > size:
            raise CorruptData(f"array {array.name!r} ends at byte {end} of {size}")
        if prod(length or 1 for length in array.shape) > MAX_SIZE:
            raise CorruptData(f"array {array.name!r} has the impossible shape {array.shape}")
    if len({array.name for array in arrays}) != len(arrays):
        raise CorruptData("two arrays have the same name")


def extent(array: ArraySpec) -> int:
    """Bytes that an array covers."""
    return np.dtype(array.dtype).itemsize * prod(array.shape)


def arrays_in(memory: memoryview, arrays: Iterable[ArraySpec]) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays in a piece of memory as read-only views, by name.

    The arrays keep the memory alive. What they describe must have been checked before.
    """
    views: dict[str, np.ndarray[Any, Any]] = {}
    for array in arrays:
        part = memory[array.offset : array.offset + extent(array)].toreadonly()
        views[array.name] = np.frombuffer(part, np.dtype(array.dtype).newbyteorder("<")).reshape(array.shape)
    return views


def compress_piece(piece: memoryview) -> bytes:
    """Compress a piece of an inline frame as one LZ4 block, without the size in front."""
    compressed: bytes = lz4.block.compress(piece, store_size=False)
    return compressed


def decompress_piece(compressed: bytes | memoryview, size: int) -> bytes:
    """Decompress a piece into exactly ``size`` bytes.

    Raises
    ------
    CorruptData
        If it holds anything else.
    """
    if not 0 < size <= MAX_PIECE_BYTES:
        raise CorruptData(f"a piece holds 1 to {MAX_PIECE_BYTES} bytes, not {size}")
    try:
        piece: bytes = lz4.block.decompress(compressed, uncompressed_size=size)
    except (lz4.block.LZ4BlockError, ValueError, OverflowError) as error:
        raise CorruptData(f"a piece of a frame cannot be decompressed: {error}") from None
    if len(piece) != size:
        raise CorruptData(f"a piece of a frame holds {len(piece)} bytes, not {size}")
    return piece


def _short(header: bytes | memoryview, limit: int) -> bytes | memoryview:
    if len(header) > limit:
        raise CorruptData(f"a header of {len(header)} bytes; {limit} are allowed")
    return header
