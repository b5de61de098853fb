"""``.bin``: bytes as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from polystore_core.errors import UnsupportedData
from polystore_core.formats import read_all, write_all

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["Raw"]


class Raw:
    """The codec of ``.bin``: a file holds the bytes and nothing else.

    Examples
    --------
    >>> import io
    >>> from polystore_disk.formats import Raw
    >>> file = io.BytesIO()
    >>> Raw().encode(bytes([0, 255]), file, threads=1)
    >>> file.getvalue()
    b'\\x00\\xff'
    """

    def encode(self, data: Data, file: BinaryIO, *, threads: int) -> None:
        """Write ``data``, which must be bytes.

        Raises
        ------
        UnsupportedData
            If ``data`` is anything else.
        """
        if not isinstance(data, bytes):
            raise UnsupportedData(f"'.bin' holds bytes; got {type(data).__name__}: save its bytes")
        write_all(file, data)

    def decode(self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int) -> bytes:
        """Return the content of the file.

        Raises
        ------
        CorruptData
            If the file is larger than ``max_bytes``.
        """
        return read_all(file, max_bytes)
