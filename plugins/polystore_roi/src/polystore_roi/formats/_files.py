"""What the formats share: reading in bounded memory, telling damaged files from failing disks."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import CorruptData, UnsupportedData
from polystore_roi._roi import Roi

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["is_real_failure", "read_all", "require_rois", "require_room", "write_all"]


def require_rois(data: Data, suffix: str) -> list[Roi]:
    """Return the list of regions that ``data`` is.

    Raises
    ------
    UnsupportedData
        If it is none, or holds regions of a class that no format knows.
    """
    if type(data) is not list:
        raise UnsupportedData(f"{suffix!r} holds a list of regions; got {type(data).__name__}")
    listed: list[Any] = data
    for roi in listed:
        if not isinstance(roi, Roi):
            raise UnsupportedData(f"{suffix!r} holds regions of polystore_roi; got {type(roi).__name__}")
    return listed


def require_room(claimed: int, max_bytes: int) -> None:
    """Refuse a file that would take more memory than the caller allows, before any of it is taken.

    Raises
    ------
    CorruptData
        If ``claimed`` bytes are more than ``max_bytes``.
    """
    if claimed > max_bytes:
        raise CorruptData(
            f"the file may unpack to {claimed:,} bytes, more than the limit of {max_bytes:,}: "
            f"load with max_bytes={claimed} if you trust it"
        )


def read_all(file: BinaryIO, max_bytes: int, *, expansion: int) -> bytes:
    """Return the content of a file that takes ``expansion`` times its size once it is decoded."""
    here = file.tell()
    size = file.seek(0, os.SEEK_END) - here
    file.seek(here)
    require_room(size * expansion, max_bytes)
    content = file.read(size)
    while len(content) < size and (more := file.read(size - len(content))):
        content += more
    return content


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write every byte; an unbuffered file may take only a part at a time."""
    rest = memoryview(content)
    while rest.nbytes:
        rest = rest[file.write(rest) :]


def is_real_failure(error: BaseException) -> bool:
    """Tell whether the operating system failed, rather than the file being damaged."""
    return isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}
    )
