"""The calls of the platform behind :func:`file_lock`."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from polystore_core.files import _turnstile

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["POSIX_LOCKS", "THIS_PLATFORM_LOCKS", "WINDOWS_LOCKS", "LockCalls", "polling_locks"]

_POLL_SECONDS = 0.005


class LockCalls(NamedTuple):
    """How an open lock file is locked.

    Attributes
    ----------
    join
        ``join(fd)`` takes a place in the queue, if there is one, and returns its ticket.
    attempt
        ``attempt(fd, ticket)`` locks without waiting and says whether it could.
    wait
        ``wait(fd, ticket)`` blocks until it has locked.
    release
        ``release(fd)``.
    """

    join: Callable[[int], int | None]
    attempt: Callable[[int, int | None], bool]
    wait: Callable[[int, int | None], None]
    release: Callable[[int], None]


def _flock_attempt(fd: int, ticket: int | None) -> bool:
    import fcntl

    if not _turnstile.is_turn(fd, ticket):
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            return False
        raise
    return True


def _flock_wait(fd: int, ticket: int | None) -> None:
    import fcntl

    _turnstile.wait_for_turn(fd, ticket)
    fcntl.flock(fd, fcntl.LOCK_EX)


def _flock_release(fd: int) -> None:
    import fcntl

    fcntl.flock(fd, fcntl.LOCK_UN)
    _turnstile.leave(fd)


def polling_locks(attempt: Callable[[int], bool], release: Callable[[int], None]) -> LockCalls:
    """Build a blocking lock out of one that only tries, for platforms that have no better.

    Parameters
    ----------
    attempt
        ``attempt(fd)`` locks without waiting and says whether it could.
    release
        ``release(fd)``.
    """

    def wait(fd: int, ticket: int | None) -> None:
        while not attempt(fd):
            time.sleep(_POLL_SECONDS)

    return LockCalls(lambda fd: None, lambda fd, ticket: attempt(fd), wait, release)


def _portalocker_attempt(fd: int) -> bool:
    import portalocker

    try:
        with open(fd, "rb", closefd=False) as file:
            portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.LockException:
        return False
    return True


def _portalocker_release(fd: int) -> None:
    import portalocker

    with contextlib.suppress(portalocker.LockException), open(fd, "rb", closefd=False) as file:
        portalocker.unlock(file)


POSIX_LOCKS = LockCalls(_turnstile.draw_ticket, _flock_attempt, _flock_wait, _flock_release)
WINDOWS_LOCKS = polling_locks(_portalocker_attempt, _portalocker_release)
THIS_PLATFORM_LOCKS = WINDOWS_LOCKS if os.name == "nt" else POSIX_LOCKS
