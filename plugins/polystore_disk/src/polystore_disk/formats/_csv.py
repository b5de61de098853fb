"""``.csv``: tables of numbers and text."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal

from polystore_core.errors import UnsupportedData
from polystore_core.formats import read_all, require_room, write_all
from polystore_disk.formats._csv_cells import split_cells
from polystore_disk.formats._csv_columns import dtype_read_back, infer_column
from polystore_disk.formats._narrow import require_table
from polystore_disk.formats._text import decode_utf8, encode_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from polystore_core.data import Data

    Array = np.ndarray[Any, Any]

__all__ = ["Csv"]

_BYTES_PER_CELL = 100
"""Memory that a small cell takes while the file is read, generously."""


class Csv:
    """The codec of ``.csv``: RFC 4180 text in UTF-8 with one line of column names.

    A cell in quotes is text, a bare one a number or truth value: so ``"001"`` and ``1`` stay apart
    and a table comes back as it was saved. Integers come back as int64, floats as float64, truth
    values as bool, text as wide as its longest value. A column of another dtype is refused, unless
    ``keep_dtypes=False``.

    Bare cells of files from elsewhere: a column of integers is int64 (or uint64), of numbers float64,
    with empty cells as NaN; ``True``/``False`` in three spellings is bool; all else is text, also
    numbers with leading zeros such as ``007``, which are names.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from polystore_disk.formats import Csv
    >>> file = io.BytesIO()
    >>> Csv().encode({"well": np.array(["A01", "A02"]), "count": np.array([12, 7])}, file, threads=1)
    >>> print(file.getvalue().decode())
    "well","count"
    "A01",12
    "A02",7
    <BLANKLINE>
    """

    parallel: ClassVar[bool] = False

    def encode(self, data: Data, file: BinaryIO, *, threads: int, keep_dtypes: bool = True) -> None:
        """Write a table.

        Parameters
        ----------
        data
            Dictionary of column name to array of shape ``(rows,)``, all of one length.
        file, threads
            As in :class:`~polystore_core.formats.Format`.
        keep_dtypes
            True refuses a column that would come back with another dtype; False accepts that. The
            values come back equal in either case.

        Raises
        ------
        UnsupportedData
            If a column cannot be held, or would come back with another dtype.
        """
        table = require_table(data, "'.csv' holds a table, a dict of arrays of shape (rows,)")
        _require_equal_lengths(table)
        for name, column in table.items():
            _require_holdable(name, column, keep_dtypes)
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(table)
        writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))
        write_all(file, encode_utf8(text.getvalue(), ".csv"))

    def decode(
        self,
        file: BinaryIO,
        *,
        copy: bool,
        max_bytes: int,
        threads: int,
        delimiter: Literal[",", ";", "\t"] = ",",
    ) -> dict[str, Array]:
        """Return the table, columns in the order of the file.

        Parameters
        ----------
        file, copy, max_bytes, threads
            As in :class:`~polystore_core.formats.Format`.
        delimiter
            What separates the cells.

        Raises
        ------
        CorruptData
            If the file is not UTF-8, its rows differ in length, a name is doubled, a quote is not
            closed, or it may need more than ``max_bytes``.
        """
        text = decode_utf8(read_all(file, max_bytes), ".csv").removeprefix("\ufeff")
        cells = text.count(delimiter) + text.count("\n") + text.count("\r") + 1
        require_room(len(text) + cells * _BYTES_PER_CELL, max_bytes)
        names, columns = split_cells(text, delimiter)
        return {name: infer_column(column) for name, column in zip(names, columns, strict=True)}


def _require_equal_lengths(table: Mapping[str, Array]) -> None:
    shapes = {name: column.shape for name, column in table.items()}
    first = next(iter(shapes.values()))
    for name, shape in shapes.items():
        if len(shape) != 1 or shape != first:
            raise UnsupportedData(
                f"'.csv' holds columns of shape (rows,), all of one length; column {name!r} has shape "
                f"{shape}, the first {first}: save the table as .npz"
            )


def _require_holdable(name: str, column: Array, keep_dtypes: bool) -> None:
    back = dtype_read_back(column)
    if back is None:
        raise UnsupportedData(
            f"'.csv' holds integers, floats up to float64, bool and text; column {name!r} is {column.dtype}: "
            "save the table as .npz"
        )
    if keep_dtypes and back != column.dtype:
        raise UnsupportedData(
            f"column {name!r} is {column.dtype} and would come back from '.csv' as {back}: "
            "add keep_dtypes=False if that will do, or save the table as .npz"
        )
