"""Opening a file for reading, and nothing that is not a file."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

from polystore_core import StorageError
from polystore_core.files import locate

__all__ = ["open_file"]

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_BUFFER_BYTES = 8192
"""Said out loud because ``open`` otherwise asks whether the file is a terminal."""


def open_file(path: str, *, root: str | None) -> BinaryIO:
    """Open a regular file; a named pipe would block and a device could be endless.

    Raises
    ------
    OSError
        As the operating system gave it.
    StorageError
        For a device, pipe or socket.
    AccessDenied
        If the path leads out of ``root``.
    """
    if root is None:
        descriptor = os.open(path, _READ)
    else:
        with locate(path, root=root) as place:
            descriptor = os.open(place.name, _READ | getattr(os, "O_NOFOLLOW", 0), dir_fd=place.dir_fd)
    try:
        _check_regular(descriptor, path)
        return open(path, "rb", _BUFFER_BYTES, opener=lambda *_: descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _check_regular(descriptor: int, path: str) -> None:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        raise StorageError(f"{path!r} is a device, pipe or socket, not a file", path=path, errno=errno.EINVAL)
