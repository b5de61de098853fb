"""What differs between platforms, as plain functions that can be handed in."""

from __future__ import annotations

import errno
import functools
import os
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Iterator

__all__ = [
    "POSIX",
    "THIS_PLATFORM",
    "WINDOWS",
    "Platform",
    "rename_new",
    "retry_delays",
    "retrying_replace",
]

_SHARING_VIOLATIONS = frozenset({5, 32, 33})
"""Windows: access denied, sharing violation, lock violation."""

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1


class Platform(NamedTuple):
    """The calls that publish a finished temporary.

    Attributes
    ----------
    replace
        ``replace(source, target, dir_fd)``: rename over whatever file is there.
    publish_new
        ``publish_new(source, target, dir_fd)``: give the file its name unless that is taken
        (``FileExistsError``), in one step.
    sync_file
        ``sync_file(fd)``: force content and length to the medium.
    sync_directory
        ``sync_directory(directory, dir_fd)``: force the names to the medium.
    """

    replace: Callable[[str, str, int | None], None]
    publish_new: Callable[[str, str, int | None], None]
    sync_file: Callable[[int], None]
    sync_directory: Callable[[str, int | None], None]


def _posix_replace(source: str, target: str, dir_fd: int | None) -> None:
    os.replace(source, target, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)


def _posix_publish_new(source: str, target: str, dir_fd: int | None) -> None:
    try:
        os.link(source, target, src_dir_fd=dir_fd, dst_dir_fd=dir_fd, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        rename_new(source, target, dir_fd, dir_fd)
    else:
        os.unlink(source, dir_fd=dir_fd)


def rename_new(source: str, target: str, source_fd: int | None, target_fd: int | None) -> None:
    """Rename unless the target exists, in one step, by renameat2(2) of Linux.

    File systems without hard links (FAT, some network ones) have this instead. ``OSError`` with ``ENOSYS`` or
    ``EINVAL`` where there is no such call.
    """
    import ctypes

    call = getattr(_libc(), "renameat2", None) if sys.platform == "linux" else None
    if call is None:
        raise OSError(errno.ENOSYS, "this system cannot create a file only if it is missing", target)
    ends: list[int | bytes] = []
    for fd, name in ((source_fd, source), (target_fd, target)):
        ends += [_AT_FDCWD if fd is None else fd, os.fsencode(name)]
    if call(*ends, ctypes.c_uint(_RENAME_NOREPLACE)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


@functools.cache
def _libc() -> ctypes.CDLL:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def _posix_sync_file(fd: int) -> None:
    """Flush one file; on macOS fsync(2) stops at the drive's cache and F_FULLFSYNC does not."""
    import fcntl

    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is None:
        os.fsync(fd)
        return
    try:
        fcntl.fcntl(fd, full)
    except OSError as error:
        if error.errno not in {errno.ENOTSUP, errno.EINVAL, errno.ENOTTY}:
            raise
        os.fsync(fd)


def _posix_sync_directory(directory: str, dir_fd: int | None) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EBADF}:  # some network file systems have no such call
            raise
    finally:
        os.close(fd)


def retry_delays(total: float = 2.0) -> Iterator[float]:
    """Seconds to wait between attempts: doubling from one millisecond, ``total`` in all."""
    delay, spent = 0.001, 0.0
    while spent + delay <= total:
        yield delay
        spent += delay
        delay *= 2


def retrying_replace(
    replace: Callable[[str, str], None], wait: Callable[[float], None]
) -> Callable[[str, str, int | None], None]:
    """Wrap a rename so that a reader or virus scanner that holds the file for a moment does not fail it.

    Parameters
    ----------
    replace
        ``replace(source, target)``; ``os.replace`` on Windows.
    wait
        Called with seconds between two attempts; ``time.sleep`` outside tests.

    Returns
    -------
    callable
        Retries on ``winerror`` 5, 32 and 33 for two seconds in all; any other error is raised at once.
    """

    def patient_replace(source: str, target: str, dir_fd: int | None) -> None:
        for delay in retry_delays():
            try:
                return replace(source, target)
            except PermissionError as error:
                if getattr(error, "winerror", None) not in _SHARING_VIOLATIONS:
                    raise
            wait(delay)
        return replace(source, target)

    return patient_replace


def _windows_rename(source: str, target: str) -> None:
    os.rename(source, target)


def _no_directory_sync(directory: str, dir_fd: int | None) -> None:
    """Windows has no call for it; NTFS journals its names."""


POSIX = Platform(_posix_replace, _posix_publish_new, _posix_sync_file, _posix_sync_directory)

WINDOWS = Platform(
    retrying_replace(os.replace, time.sleep),
    retrying_replace(_windows_rename, time.sleep),
    os.fsync,
    _no_directory_sync,
)

THIS_PLATFORM = WINDOWS if os.name == "nt" else POSIX
