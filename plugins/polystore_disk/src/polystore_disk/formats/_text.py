"""``.txt``: text in UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from polystore_core.errors import CorruptData, UnsupportedData
from polystore_core.formats import read_all, write_all

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["Text", "decode_utf8", "encode_utf8"]


def encode_utf8(text: str, suffix: str) -> bytes:
    """Return ``text`` in UTF-8, or say which character has no place in it."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnsupportedData(
            f"{suffix!r} holds text in UTF-8; character {error.start} is the lone surrogate "
            f"{text[error.start]!r}: save its bytes as .bin"
        ) from error


def decode_utf8(content: bytes, suffix: str) -> str:
    """Return the text that UTF-8 ``content`` holds, or say where it is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorruptData(
            f"{suffix!r} holds text in UTF-8; byte {error.start} is not ({error.reason})"
        ) from error


class Text:
    """The codec of ``.txt``: UTF-8, every newline and byte-order mark as it is.

    Examples
    --------
    >>> import io
    >>> from polystore_disk.formats import Text
    >>> file = io.BytesIO()
    >>> Text().encode("10 µm", file, threads=1)
    >>> file.seek(0)
    0
    >>> Text().decode(file, copy=True, max_bytes=100, threads=1)
    '10 µm'
    """

    def encode(self, data: Data, file: BinaryIO, *, threads: int) -> None:
        """Write ``data``, which must be a string.

        Raises
        ------
        UnsupportedData
            If ``data`` is no string, or holds a lone surrogate, which UTF-8 cannot express.
        """
        if not isinstance(data, str):
            raise UnsupportedData(f"'.txt' holds text; got {type(data).__name__}: save str(data)")
        write_all(file, encode_utf8(data, ".txt"))

    def decode(self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int) -> str:
        """Return the content of the file.

        Raises
        ------
        CorruptData
            If the file is not UTF-8, or larger than ``max_bytes``.
        """
        return decode_utf8(read_all(file, max_bytes), ".txt")
