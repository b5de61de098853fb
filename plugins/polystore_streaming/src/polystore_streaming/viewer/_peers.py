"""The senders that have said hello, and what each is in the middle of."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from polystore_core.errors import CorruptData
from polystore_streaming.wire import MAX_QUESTIONS, decompress_piece

if TYPE_CHECKING:
    from polystore_streaming.wire import Frame, Piece

__all__ = ["CREDITS", "Address", "Assembly", "Peer"]

CREDITS = 8
"""Frames that a sender may have unacknowledged."""

Address: TypeAlias = tuple[int, bytes]
"""Which socket, and who at its other end."""


class Assembly:
    """An inline frame of which not all pieces have come.

    Attributes
    ----------
    frame
        Its header.
    memory
        Its bytes, as far as they have come; what has not come takes no memory.
    cost
        Bytes that are reserved for it.
    is_kept
        False if there is no room for it: its pieces are checked and thrown away.
    """

    def __init__(self, frame: Frame, cost: int) -> None:
        self.frame = frame
        self.memory = np.empty(frame.size, np.uint8).data
        self.cost = cost
        self.is_kept = True
        self._filled = 0

    def add(self, piece: Piece, payload: memoryview) -> bool:
        """Add the next piece; True when the frame is complete."""
        end = piece.offset + piece.size
        if piece.offset != self._filled or end > self.frame.size:
            raise CorruptData(
                f"bytes {piece.offset} to {end} of {self.frame.size}, of which {self._filled} have come"
            )
        data = decompress_piece(payload, piece.size)
        if self.is_kept:
            self.memory[piece.offset : end] = data
        self._filled = end
        return end == self.frame.size


class Peer:
    """One sender, from its hello on.

    Attributes
    ----------
    address
        Where answers go.
    session
        What it calls this connection.
    memory
        What it handed over; ``None`` if its frames come inline.
    credits
        Frames that it may send before another one is acknowledged.
    has_sent
        Whether it has sent a frame; who only asks something has not.
    dropped
        Frames that it said it could never send.
    reserved
        Bytes that it takes of the mailbox's memory.
    heard
        When it last said something, by the monotonic clock.
    is_local
        Whether the kernel says that it is a process of the same user of this machine.
    has_left
        Whether it is gone, or has been dropped.
    """

    def __init__(self, address: Address, session: bytes, *, heard: float, is_local: bool) -> None:
        self.address = address
        self.session = session
        self.memory: memoryview | None = None
        self.credits = CREDITS
        self.questions = MAX_QUESTIONS
        self.has_sent = False
        self.dropped = 0
        self.reserved = 0
        self.heard = heard
        self.is_local = is_local
        self.has_left = False
        self.assembly: Assembly | None = None
