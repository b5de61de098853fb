"""Exchanging two directories in one step, where the operating system can."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import sys
from typing import Any

from polystore_core.files import temporary_name

__all__ = ["exchange"]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2
_NOT_KNOWN_HERE = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})


def exchange(first: str, second: str) -> None:
    """Let two existing paths on one file system change places.

    One step by ``renameat2(RENAME_EXCHANGE)`` on Linux and ``renamex_np(RENAME_SWAP)`` on macOS. Elsewhere,
    and on file systems without it (NFS), three renames: whoever opens ``second`` between the first two
    finds nothing, and a process killed there leaves its content under a hidden name beside it.

    Raises
    ------
    OSError
        As the operating system gave it.
    """
    number = _exchanged(first, second)
    if number == 0:
        return
    if number not in _NOT_KNOWN_HERE:
        raise OSError(number, os.strerror(number), second)
    aside = os.path.join(os.path.dirname(second), temporary_name())
    os.rename(second, aside)
    os.rename(first, second)
    os.rename(aside, first)


def _exchanged(first: str, second: str) -> int:
    """Return 0, or the number of the error."""
    names = os.fsencode(first), os.fsencode(second)
    if sys.platform == "linux" and hasattr(_libc(), "renameat2"):
        done = _libc().renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE))
    elif sys.platform == "darwin":
        done = _libc().renamex_np(*names, ctypes.c_uint(_RENAME_SWAP))
    else:
        return errno.ENOSYS
    return 0 if done == 0 else ctypes.get_errno()


@functools.cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)
