"""What codecs share: moving bytes whole or not at all, within a limit, and telling damage from failure."""

from __future__ import annotations

import errno
import io
import os
from typing import TYPE_CHECKING

from polystore_core.errors import CorruptData

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

__all__ = ["file_size", "is_real_failure", "read_all", "require_room", "write_all", "write_pieces"]

_WRITES_VECTORS = hasattr(os, "writev")


def file_size(file: BinaryIO) -> int:
    """Return the size of an open file in bytes; its position stays.

    Examples
    --------
    >>> import io
    >>> from polystore_core.formats import file_size
    >>> file_size(io.BytesIO(b"pixels"))
    6
    """
    here = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(here)
    return size


def require_room(claimed: int, max_bytes: int) -> None:
    """Refuse data that needs more memory than the caller allows, before any of it is allocated.

    Parameters
    ----------
    claimed
        Bytes that the file decodes to, by its own account or at worst.
    max_bytes
        What a load may take, as ``Format.decode`` is given it.

    Raises
    ------
    CorruptData
        If ``claimed`` bytes are more than ``max_bytes``.

    Examples
    --------
    >>> from polystore_core.formats import require_room
    >>> require_room(2**40, 2**29)
    Traceback (most recent call last):
        ...
    polystore_core.errors.CorruptData: the file unpacks to 1,099,511,627,776 bytes, more than the limit of \
536,870,912: load with max_bytes=1099511627776 if you trust it
    """
    if claimed > max_bytes:
        raise CorruptData(
            f"the file unpacks to {claimed:,} bytes, more than the limit of {max_bytes:,}: "
            f"load with max_bytes={claimed} if you trust it"
        )


def read_all(file: BinaryIO, max_bytes: int, *, expansion: int = 1) -> bytes:
    """Return the whole content of a file that is positioned at its beginning.

    Parameters
    ----------
    file
        Open for reading.
    max_bytes
        What a load may take.
    expansion
        How many times its size the file takes once it is decoded, at worst.

    Raises
    ------
    CorruptData
        If that would be more than ``max_bytes``.

    Examples
    --------
    >>> import io
    >>> from polystore_core.formats import read_all
    >>> read_all(io.BytesIO(b"pixels"), 100)
    b'pixels'
    """
    size = file_size(file)
    require_room(size * expansion, max_bytes)
    content = file.read(size)
    while len(content) < size and (more := file.read(size - len(content))):
        content += more
    return content


def write_all(file: BinaryIO, content: bytes | bytearray | memoryview) -> None:
    """Write every byte; an unbuffered file may take only a part at a time.

    Parameters
    ----------
    file
        Open for writing.
    content
        A flat view of bytes.

    Examples
    --------
    >>> import io
    >>> from polystore_core.formats import write_all
    >>> file = io.BytesIO()
    >>> write_all(file, b"pixels")
    >>> file.getvalue()
    b'pixels'
    """
    done = file.write(content)
    while done < len(content):
        done += file.write(memoryview(content)[done:])


def write_pieces(file: BinaryIO, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
    """Write several pieces one after the other, without joining them in memory.

    A file of the operating system takes them in one call: it has larger pages for a header and pixels that
    come together than for pixels that follow a header.

    Parameters
    ----------
    file
        Open for writing, positioned at its end.
    pieces
        Flat views of bytes.

    Examples
    --------
    >>> import io
    >>> from polystore_core.formats import write_pieces
    >>> file = io.BytesIO()
    >>> write_pieces(file, [b"header", memoryview(b"pixels")])
    >>> file.getvalue()
    b'headerpixels'
    """
    rest = list(pieces)
    if _WRITES_VECTORS and type(file) is io.BufferedRandom and type(file.raw) is io.FileIO:
        file.flush()
        done = os.writev(file.fileno(), rest)
        while rest and done >= len(rest[0]):
            done -= len(rest.pop(0))
        if rest:
            rest[0] = memoryview(rest[0])[done:]
        file.seek(0, os.SEEK_END)
    for piece in rest:
        write_all(file, piece)


def is_real_failure(error: BaseException) -> bool:
    """Tell whether reading failed for a reason other than the content: no memory, a broken disk.

    A damaged file can send a library to an impossible offset, which is no failure of the disk.

    Examples
    --------
    >>> import errno
    >>> from polystore_core.formats import is_real_failure
    >>> is_real_failure(OSError(errno.EIO, "broken disk")), is_real_failure(ValueError("bad header"))
    (True, False)
    """
    if isinstance(error, OSError):
        return error.errno not in {None, errno.EINVAL}
    return isinstance(error, MemoryError)
