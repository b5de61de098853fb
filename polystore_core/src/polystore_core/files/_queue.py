"""What waits to be merged: a file of frames that many processes append to and one at a time empties.

The queue carries requests between processes, it is no journal: an appended frame promises nothing until
whoever empties the queue has committed it, and whoever appended it waits for that. A frame is there until it
is committed, then zeroed or cut off; a crash in between leaves it to be merged once more.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from polystore_core._os_errors import OsErrorTranslation
from polystore_core.files._descriptors import (
    close_private,
    open_private,
    read_at,
    write_all_at,
)
from polystore_core.files._frames import HEADER_BYTES, Frame, encode_frame, parse_frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

try:
    import fcntl
except ImportError:  # there is no group commit on Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Queue", "Ticket", "open_queue"]

_MOST_BYTES = 1 << 17
"""Length from which appending has to wait until the queue is empty; otherwise zeros would pile up."""


class Ticket(NamedTuple):
    """Where a frame was appended."""

    start: int
    frame: bytes


@contextlib.contextmanager
def open_queue(path: str, document: str | os.PathLike[str], *, create: bool) -> Iterator[Queue | None]:
    """Open the queue of a document; ``None`` if there is none and ``create`` is false."""
    with OsErrorTranslation(document, "update"):
        try:
            fd = open_private(path, os.O_RDWR | (os.O_CREAT if create else 0))
        except FileNotFoundError:
            if create:
                raise
            fd = -1
    if fd < 0:
        yield None
        return
    try:
        yield Queue(fd)
    finally:
        close_private(fd)


class Queue:
    """An open queue. Appending is free to all; the other calls need the lock of the document."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._blocked = False

    def append(self, payload: bytes) -> Ticket:
        """Append one frame in one write, so that frames of several processes never mix.

        What a write has torn off stays behind as no frame, and the whole is written again.
        """
        frame = encode_frame(os.urandom(8), payload)
        fcntl.flock(self._fd, fcntl.LOCK_SH)
        fcntl.fcntl(self._fd, fcntl.F_SETFL, os.O_APPEND)
        try:
            while os.write(self._fd, frame) < len(frame):
                pass
            return Ticket(os.lseek(self._fd, 0, os.SEEK_CUR) - len(frame), frame)
        finally:
            fcntl.fcntl(self._fd, fcntl.F_SETFL, 0)
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def is_committed(self, ticket: Ticket) -> bool:
        """Whether a frame is gone: nothing is left at its place, or a later frame lies there.

        Bytes that belong to no frame are a damaged queue, and then the answer is no.
        """
        found = read_at(self._fd, len(ticket.frame), ticket.start)
        if found == ticket.frame:
            return False
        if len(found) < HEADER_BYTES or not any(found[:HEADER_BYTES]):
            return True
        frames = parse_frames(self._content())
        return any(frame.start <= ticket.start < frame.end for frame in frames)

    def pending(self) -> list[Frame]:
        """All frames that wait, in the order of their arrival."""
        if os.fstat(self._fd).st_size > _MOST_BYTES:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            self._blocked = True
        return list(parse_frames(self._content()))

    def remove(self, frames: Sequence[Frame]) -> None:
        """Take out what :meth:`pending` returned, now that it is committed."""
        if not frames:
            self._unblock()
            return
        end = frames[-1].end
        try:
            if self._has_nothing_after(end):
                os.ftruncate(self._fd, 0)
            else:
                write_all_at(self._fd, bytes(end - frames[0].start), frames[0].start)
        finally:
            self._unblock()

    def withdraw(self, ticket: Ticket) -> None:
        """Take back a frame that could not be committed, so that it is not merged later unasked."""
        self._unblock()
        fcntl.flock(self._fd, fcntl.LOCK_SH)  # nobody shortens the file meanwhile
        try:
            if not self.is_committed(ticket):
                write_all_at(self._fd, bytes(len(ticket.frame)), ticket.start)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _content(self, start: int = 0) -> bytes:
        return read_at(self._fd, os.fstat(self._fd).st_size - start, start)

    def _has_nothing_after(self, end: int) -> bool:
        """Whether nobody has appended more; if so, nobody can until the descriptor is unblocked."""
        if not self._blocked:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._blocked = True
        rest = self._content(end)
        return next(parse_frames(rest), None) is None

    def _unblock(self) -> None:
        if self._blocked:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            self._blocked = False
