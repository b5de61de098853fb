"""What a file format is: a small codec between a value and a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["Format"]


class Format(Protocol):
    """A codec for one file format, registered in the entry-point group ``polystore.formats``.

    The entry point's name is the suffix, its bracket lists the data kinds that the format holds, so
    that both are known without importing the codec::

        [project.entry-points."polystore.formats"]
        ".pgm" = "my_package:Pgm [array]"

    The entry point names a class without constructor arguments. Options of a format are the further
    keyword-only parameters of its two methods; their annotations are checked.
    """

    def encode(self, data: Data, file: BinaryIO, *, threads: int) -> None:
        """Write ``data`` to ``file``, an empty, seekable file for reading and writing, maybe in memory.

        Parameters
        ----------
        data
            A value of one of the kinds that the format declares; not to be changed.
        file
            Becomes the target only after this method has returned.
        threads
            Upper bound on the threads the codec may use.

        Raises
        ------
        UnsupportedData
            If the format cannot hold the value exactly.
        """

    def decode(self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int) -> Data:
        """Read a value from ``file``, positioned at its beginning; ``file.fileno()`` works.

        Parameters
        ----------
        file
            Closed by the caller afterwards, so a view must hold a mapping of its own.
        copy
            False allows a read-only view of the file; a format without views ignores it.
        max_bytes
            Decoding must not allocate more than this; the claimed size is checked before.
        threads
            Upper bound on the threads the codec may use.

        Raises
        ------
        CorruptData
            If the file is damaged, or claims more than ``max_bytes``.
        """
