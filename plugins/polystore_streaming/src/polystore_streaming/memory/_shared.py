"""Anonymous shared memory: made and sealed by the sender, checked and mapped by the viewer.

A ``memfd`` has no name, so nothing is left behind whoever is killed. It is sealed against shrinking: a peer
that truncated it would otherwise kill the reader with SIGBUS.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
from typing import TYPE_CHECKING

from polystore_core.errors import CorruptData

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CAN_SHARE", "make_shared", "map_received", "populate"]

_POPULATE_WRITE = 23
"""``MADV_POPULATE_WRITE`` of Linux 5.14, which Python has no name for."""

_HEADROOM = 128 * 1024 * 1024
"""Addresses that are left for threads and libraries, where addresses are limited."""

CAN_SHARE = hasattr(os, "memfd_create")
"""Whether this platform has anonymous memory to hand over; elsewhere frames go inline."""


def make_shared(size: int) -> tuple[mmap.mmap, int | None]:
    """Make memory of ``size`` bytes that no page is behind yet; of fewer where the system refuses that many.

    Returns
    -------
    memory : mmap.mmap
        Readable and writable.
    fd : int or None
        What to hand over; ``None`` where the platform, or its limits, leave only private memory.

    Raises
    ------
    OSError
        If not even one page can be had.
    """
    for granted in _halves(size):
        with contextlib.suppress(OSError), mmap.mmap(-1, _HEADROOM):
            return _anonymous_file(granted) if CAN_SHARE else (mmap.mmap(-1, granted), None)
        with contextlib.suppress(OSError), mmap.mmap(-1, _HEADROOM):
            return mmap.mmap(-1, granted), None
    return mmap.mmap(-1, mmap.PAGESIZE), None


def populate(memory: mmap.mmap, fd: int | None, begin: int, end: int) -> bool:
    """Put pages behind a part of the memory, so that writing to it costs no page faults and cannot fail.

    False if there is no memory left for that part.
    """
    begin -= begin % mmap.PAGESIZE
    length = min(end, len(memory)) - begin
    if not CAN_SHARE or length <= 0:
        return True
    while (failure := _populate_pages(memory, begin, length)) == errno.EINTR:
        pass
    if failure == errno.EINVAL:
        return fd is None or _reserve(fd, begin, length)
    return failure == 0


def map_received(fd: int, size: int) -> memoryview:
    """Map memory that a peer handed over, read-only, and close the descriptor.

    Raises
    ------
    CorruptData
        If it is not sealed against shrinking, or holds less than ``size`` bytes.
    """
    try:
        _check_seal(fd)
        actual = os.fstat(fd).st_size
        if not 0 < size <= actual:
            raise CorruptData(f"the shared memory holds {actual} bytes, not the {size} announced")
        return memoryview(mmap.mmap(fd, size, prot=mmap.PROT_READ))
    except OSError as error:
        raise CorruptData(f"what was handed over cannot be mapped: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            os.close(fd)


def _halves(size: int) -> Iterator[int]:
    while size > mmap.PAGESIZE:
        yield size
        size //= 2


def _anonymous_file(size: int) -> tuple[mmap.mmap, int]:
    fd = os.memfd_create("polystore", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, size)
        _seal(fd)
        return mmap.mmap(fd, size), fd
    except BaseException:
        os.close(fd)
        raise


def _populate_pages(memory: mmap.mmap, begin: int, length: int) -> int:
    """Return 0 or an error number. Other threads run meanwhile, unlike during ``mmap.madvise``."""
    pages = (ctypes.c_char * length).from_buffer(memory, begin)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.madvise(ctypes.c_void_p(ctypes.addressof(pages)), ctypes.c_size_t(length), _POPULATE_WRITE):
        return ctypes.get_errno()
    return 0


def _reserve(fd: int, begin: int, length: int) -> bool:
    """Have the kernel set pages aside, on one too old to put them behind the mapping at once."""
    try:
        os.posix_fallocate(fd, begin, length)
    except OSError:
        return False
    return True


def _seal(fd: int) -> None:
    import fcntl

    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)


def _check_seal(fd: int) -> None:
    import fcntl

    if not fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK:
        raise CorruptData("the shared memory is not sealed against shrinking")
