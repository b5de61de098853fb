"""First come, first served: a queue in front of a lock, kept by the kernel.

``flock`` wakes all who wait and lets them race with whoever comes along, so that under load some
wait a hundred times longer than others. The queue orders them with locks on byte ranges of the lock
file (Linux "open file description" locks, fcntl(2)). Whoever comes draws a ticket, the time in
nanoseconds, and locks the byte of that number for writing; its turn has come when it can lock all
bytes below for reading, for then no earlier ticket is held. The read lock also keeps anyone from drawing
an earlier ticket. All locks go when the file is closed, so that the dead never block the queue.

The queue decides only about the order. Exclusion is the business of the lock behind it.
"""

from __future__ import annotations

import errno
import struct
import sys
import time

from polystore_core.files._filesystem import is_local

__all__ = ["draw_ticket", "is_turn", "leave", "wait_for_turn"]

_ATTEMPTS = 3
_AVAILABLE = sys.platform == "linux" and sys.maxsize > 2**32

if sys.platform == "linux":
    import fcntl

    _FLOCK = struct.Struct("hhqqi4x")
    """``struct flock`` of 64-bit Linux: type, whence, start, length, process (0 here)."""

    def draw_ticket(fd: int) -> int | None:
        """Join the queue; ``None`` where there is none and the lock alone decides."""
        if not _AVAILABLE or not is_local(fd):
            return None
        for _ in range(_ATTEMPTS):
            ticket = time.monotonic_ns()
            try:
                fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, 0, ticket, 1, 0))
            except OSError as error:
                if error.errno not in {errno.EAGAIN, errno.EACCES}:
                    return None
            else:
                return ticket
        return None

    def is_turn(fd: int, ticket: int | None) -> bool:
        """Whether nobody is before this ticket."""
        try:
            _lock_below(fd, ticket, fcntl.F_OFD_SETLK)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                return False
            raise
        return True

    def wait_for_turn(fd: int, ticket: int | None) -> None:
        """Block until nobody is before this ticket."""
        _lock_below(fd, ticket, fcntl.F_OFD_SETLKW)

    def leave(fd: int) -> None:
        """Leave the queue, also if a forked child should still hold a copy of the descriptor."""
        if _AVAILABLE:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_UNLCK, 0, 0, 0, 0))

    def _lock_below(fd: int, ticket: int | None, command: int) -> None:
        if ticket is not None:
            fcntl.fcntl(fd, command, _FLOCK.pack(fcntl.F_RDLCK, 0, 0, ticket, 0))

else:

    def draw_ticket(fd: int) -> int | None:
        """There is no queue on this platform."""
        return None

    def is_turn(fd: int, ticket: int | None) -> bool:
        """Everybody may try."""
        return True

    def wait_for_turn(fd: int, ticket: int | None) -> None:
        """Everybody may try."""

    def leave(fd: int) -> None:
        """Nothing to leave."""
