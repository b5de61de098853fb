"""File descriptors that a forked child does not inherit.

A lock of the kernel belongs to the open file, which a forked child shares. Were the child to keep its
copy, a lock would outlive the process that took it. So the copies are closed in the child at once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "call_in_forked_child",
    "close_private",
    "duplicate_private",
    "open_private",
    "read_at",
    "read_regular",
    "require_regular",
    "write_all",
    "write_all_at",
]

_PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_FLAGS = _PLAIN | getattr(os, "O_NOFOLLOW", 0)
_guard = threading.Lock()
_open: set[int] = set()
_callbacks: list[Callable[[], None]] = []


def open_private(path: str, flags: int, mode: int = 0o666) -> int:
    """Open a file that neither a forked child nor a started program gets to see.

    Links are refused, and a pipe is not waited for.
    """
    with _guard:
        fd = os.open(path, flags | _FLAGS, mode)
        _open.add(fd)
    return fd


def require_regular(fd: int, path: str) -> os.stat_result:
    """Refuse what would block, never end or hold nothing; return what is known about the file."""
    status = os.fstat(fd)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a device, pipe or socket, not a file", path)
    return status


def read_regular(path: str) -> bytes:
    """Read a whole file, and nothing that is not a file."""
    fd = os.open(path, os.O_RDONLY | _PLAIN)
    try:
        return read_at(fd, require_regular(fd, path).st_size, 0)
    finally:
        os.close(fd)


def duplicate_private(fd: int) -> int:
    """Make a second descriptor of an open file, as private as the first, for somebody to close on his own."""
    with _guard:
        copy = os.dup(fd)
        _open.add(copy)
    return copy


def close_private(fd: int) -> None:
    """Close what :func:`open_private` opened; harmless in a forked child, where it is closed already.

    What is written through such a descriptor can be done without, so that an error here is none.
    """
    with _guard:
        if fd in _open:
            _open.discard(fd)
            with contextlib.suppress(OSError):
                os.close(fd)


def read_at(fd: int, length: int, start: int) -> bytes:
    """Read that many bytes, fewer only at the end of the file; pread(2) alone may stop anywhere."""
    pieces: list[bytes] = []
    while length > 0 and (piece := os.pread(fd, length, start)):
        pieces.append(piece)
        start += len(piece)
        length -= len(piece)
    return b"".join(pieces)


def write_all(fd: int, content: bytes | memoryview) -> None:
    """Write everything; write(2) alone may stop anywhere."""
    done = os.write(fd, content)
    while done < len(content):
        done += os.write(fd, memoryview(content)[done:])


def write_all_at(fd: int, content: bytes, start: int) -> None:
    """Like :func:`write_all`, from a given position."""
    done = 0
    while done < len(content):
        done += os.pwrite(fd, content[done:], start + done)


def call_in_forked_child(callback: Callable[[], None]) -> None:
    """Have something forgotten in every forked child."""
    _callbacks.append(callback)


def _forget_in_child() -> None:
    for fd in _open:
        with contextlib.suppress(OSError):
            os.close(fd)
    _open.clear()
    _guard.release()
    for callback in _callbacks:
        callback()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_forget_in_child
    )
