"""Names of wells: ``A01`` is row 0, column 0; rows after ``Z`` are ``AA``, ``AB``, ... (1536-well plates)."""

from __future__ import annotations

import re

from polystore_core.errors import InvalidOption

__all__ = ["well_indices", "well_name"]

_well = re.compile("([A-Za-z]{1,2})([0-9]{1,3})").fullmatch


def well_indices(well: str) -> tuple[int, int]:
    """Row and column of a well, counted from 0.

    Parameters
    ----------
    well
        One or two letters and the column number from 1, in any letter case: ``"A01"``, ``"A1"``, ``"AF48"``.

    Raises
    ------
    InvalidOption
        If the text does not name a well.

    Examples
    --------
    >>> from polystore_core.paths import well_indices
    >>> well_indices("A01"), well_indices("P24"), well_indices("AF48")
    ((0, 0), (15, 23), (31, 47))
    """
    match = _well(str(well))
    if match is None or int(match[2]) == 0:
        raise InvalidOption(
            f"{well!r} is not a well: letters for the row, then the column from 1, such as 'A01'"
        )
    row = 0
    for letter in match[1].upper():
        row = row * 26 + ord(letter) - ord("A") + 1
    return row - 1, int(match[2]) - 1


def well_name(row: int, column: int) -> str:
    """Name of the well at a row and column, both counted from 0; the column has at least two digits.

    Raises
    ------
    InvalidOption
        If the row is not within 0-701 (``ZZ``) or the column not within 0-998.

    Examples
    --------
    >>> from polystore_core.paths import well_name
    >>> well_name(0, 0), well_name(15, 23), well_name(31, 47)
    ('A01', 'P24', 'AF48')
    """
    if not (0 <= row < 702 and 0 <= column < 999):
        raise InvalidOption(f"row {row}, column {column} is not a well: rows are 0-701, columns 0-998")
    first, second = divmod(row, 26)
    letters = chr(ord("A") + first - 1) * (first > 0) + chr(ord("A") + second)
    return f"{letters}{column + 1:02d}"
