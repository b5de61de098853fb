"""Moving bytes between files and memory, whole or not at all, and never more than the limit."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import CorruptData

if TYPE_CHECKING:
    import numpy as np

__all__ = ["bytes_of", "file_size", "fill", "is_real_failure", "read_all", "require_room", "write_all"]


def file_size(file: BinaryIO) -> int:
    """Return the size of an open file in bytes; its position stays."""
    here = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(here)
    return size


def require_room(claimed: int, max_bytes: int) -> None:
    """Refuse data that needs more memory than the caller allows, before any of it is allocated.

    Raises
    ------
    CorruptData
        If ``claimed`` bytes are more than ``max_bytes``.
    """
    if claimed > max_bytes:
        raise CorruptData(
            f"the file unpacks to {claimed:,} bytes, more than the limit of {max_bytes:,}: "
            f"load with max_bytes={claimed} if you trust it"
        )


def read_all(file: BinaryIO, max_bytes: int) -> bytes:
    """Return the whole content of a file that is positioned at its beginning."""
    size = file_size(file)
    require_room(size, max_bytes)
    content = file.read(size)
    while len(content) < size and (more := file.read(size - len(content))):
        content += more
    return content


def write_all(file: BinaryIO, content: bytes | bytearray | memoryview) -> None:
    """Write every byte; an unbuffered file may take only a part at a time."""
    done = file.write(content)
    while done < len(content):
        done += file.write(memoryview(content)[done:])


def fill(file: BinaryIO, target: memoryview) -> None:
    """Read exactly ``len(target)`` bytes into ``target``, a flat view of bytes.

    Raises
    ------
    CorruptData
        If the file ends before.
    """
    done = 0
    while done < len(target):
        count = file.readinto(target[done:])  # type: ignore[attr-defined]
        if not count:
            raise CorruptData(f"the file ends {len(target) - done:,} bytes too early")
        done += count


def bytes_of(array: np.ndarray[Any, Any]) -> memoryview:
    """Return the memory of a C-contiguous array as a flat view of bytes, without a copy."""
    import numpy as np

    if array.nbytes == 0:
        return memoryview(bytearray())
    return memoryview(array.reshape(-1).view(np.uint8).data)


def is_real_failure(error: Exception) -> bool:
    """Tell whether reading failed for a reason other than the content: no memory, a broken disk.

    A damaged file can send a library to an impossible offset, which is no failure of the disk.
    """
    if isinstance(error, OSError):
        return error.errno not in {None, errno.EINVAL}
    return isinstance(error, MemoryError)
