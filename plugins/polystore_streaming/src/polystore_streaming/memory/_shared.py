"""Anonymous shared memory: made and sealed by the sender, checked and mapped by the viewer.

A ``memfd`` has no name, so nothing is left behind whoever is killed. It is sealed against shrinking: a peer
that truncated it would otherwise kill the reader with SIGBUS.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os

from polystore_core.errors import CorruptData

__all__ = ["make_shared", "map_received", "populate"]

_POPULATE_WRITE = 23
"""``MADV_POPULATE_WRITE`` of Linux 5.14, which Python has no name for."""

_CAN_SHARE = hasattr(os, "memfd_create")


def make_shared(size: int) -> tuple[mmap.mmap, int | None]:
    """Make memory of ``size`` bytes that no page is behind yet.

    Returns
    -------
    memory : mmap.mmap
        Readable and writable.
    fd : int or None
        What to hand over; ``None`` where the platform, or its limits, leave only private memory.
    """
    if _CAN_SHARE:
        fd = -1
        try:
            fd = os.memfd_create("polystore", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(fd, size)
            _seal(fd)
            return mmap.mmap(fd, size), fd
        except OSError:
            if fd >= 0:
                os.close(fd)
    return mmap.mmap(-1, size), None


def populate(memory: mmap.mmap, begin: int, end: int) -> bool:
    """Put pages behind a part of the memory, so that writing to it costs no page faults and cannot fail.

    False if there is no memory left for that part.
    """
    begin -= begin % mmap.PAGESIZE
    try:
        memory.madvise(_POPULATE_WRITE, begin, min(end, len(memory)) - begin)
    except OSError as error:
        return error.errno not in {errno.ENOMEM, errno.ENOSPC, errno.EFAULT}
    except (AttributeError, ValueError):
        return True
    return True


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


def _seal(fd: int) -> None:
    import fcntl

    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)


def _check_seal(fd: int) -> None:
    import fcntl

    if not fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK:
        raise CorruptData("the shared memory is not sealed against shrinking")
