"""``.npz``: a table of arrays of any shapes, a ZIP archive with one ``.npy`` per column."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import CorruptData, PolyStoreError, UnsupportedData
from polystore_core.formats import check_member, file_size, is_real_failure, require_room
from polystore_disk.formats._narrow import require_table
from polystore_disk.formats._npy import read_array, read_header, write_array
from polystore_disk.formats._text import encode_utf8

if TYPE_CHECKING:
    from collections.abc import Container

    import numpy as np

    from polystore_core.data import Data

    Array = np.ndarray[Any, Any]

__all__ = ["Npz"]

_SUFFIX = ".npy"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Npz:
    """The codec of ``.npz``, numpy's archive: a table whose columns may have any dtype and shape.

    Notes
    -----
    Equal tables give equal files: the time stamps of the members are fixed.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from polystore_disk.formats import Npz
    >>> file = io.BytesIO()
    >>> Npz().encode({"area": np.array([3.5, 4.0]), "mask": np.ones((2, 2), bool)}, file, threads=1)
    >>> file.seek(0)
    0
    >>> list(Npz().decode(file, copy=True, max_bytes=1000, threads=1))
    ['area', 'mask']
    """

    def encode(self, data: Data, file: BinaryIO, *, threads: int, compress: bool = False) -> None:
        """Write a table.

        Parameters
        ----------
        data
            Dictionary of column name to array.
        file, threads
            As in :class:`~polystore_core.formats.Format`.
        compress
            True deflates each member: smaller and much slower.

        Raises
        ------
        UnsupportedData
            If a column name cannot be the name of a member, or ``.npy`` cannot hold a column.
        """
        table = require_table(data, "'.npz' holds a table, a dict of arrays")
        method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, column in table.items():
                _require_member_name(name)
                member = zipfile.ZipInfo(name + _SUFFIX, _EPOCH)
                member.compress_type = method
                member.external_attr = 0o644 << 16
                member.file_size = column.nbytes + (1 << 20)
                with archive.open(member, "w") as target:
                    write_array(target, column, f".npz column {name!r}")  # type: ignore[arg-type]

    def decode(self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int) -> dict[str, Array]:
        """Return the table, columns in the order of the archive.

        Raises
        ------
        CorruptData
            If the archive is damaged, holds anything but ``.npy`` members that are stored or
            deflated, or claims more than ``max_bytes``.
        """
        size = file_size(file)
        table: dict[str, Array] = {}
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                require_room(sum(member.file_size for member in members), max_bytes)
                for member in members:
                    name = _column_name(member, size, table)
                    with archive.open(member) as source:
                        header = read_header(source, member.file_size)  # type: ignore[arg-type]
                        table[name] = read_array(source, header, max_bytes)  # type: ignore[arg-type]
                        source.read(1)
        except PolyStoreError:
            raise
        except Exception as error:  # a damaged archive can make zipfile raise nearly anything
            if is_real_failure(error):
                raise
            raise CorruptData(f"not a .npz archive that can be read: {error}") from error
        return table


def _require_member_name(name: object) -> None:
    """Refuse a name that an archive would change, or that would lead out of a folder it is unpacked in."""
    if not isinstance(name, str):
        raise UnsupportedData(f"'.npz' column names are strings; got {name!r}: use {str(name)!r}")
    encode_utf8(name, ".npz")
    if len(name.encode()) > 0xFFFF - len(_SUFFIX):
        raise UnsupportedData(f"the column name {name[:40]!r}... is too long for '.npz'")
    if not _is_plain(name):
        raise UnsupportedData(
            f"'.npz' cannot hold a column named {name!r}: rename it, without a leading '/', '..', ':', "
            "'\\' or NUL"
        )


def _is_plain(name: str) -> bool:
    return not (name.startswith("/") or ".." in name.split("/") or set(name) & {"\\", "\0", ":"})


def _column_name(member: zipfile.ZipInfo, size: int, taken: Container[str]) -> str:
    """Return the column that a member holds, after checking what it claims."""
    name = member.filename
    if not name.endswith(_SUFFIX) or not _is_plain(name):
        raise CorruptData(f"the archive holds {name!r}, which is no column of a table")
    check_member(member, size)
    column = name.removesuffix(_SUFFIX)
    if column in taken:
        raise CorruptData(f"the archive holds the column {column!r} twice")
    return column
