"""From the coordinates of a plane to its place in a plate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from polystore_core import InvalidOption, InvalidPath
from polystore_core.paths import PathPattern, well_indices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_core.paths import Coordinates

__all__ = [
    "LAYOUTS",
    "FieldPlace",
    "Layout",
    "check_label_name",
    "field_place",
    "fields_of",
    "layout_for",
]

_INSIDE = ("t", "channel", "z")
_OUTSIDE = ("plate", "acquisition", "well", "row", "column", "field")
_alphanumeric = re.compile("[A-Za-z0-9]+").fullmatch
_label_name = re.compile("[A-Za-z0-9_-]+").fullmatch


class Layout(NamedTuple):
    """Rows and columns of a plate."""

    rows: int
    columns: int


LAYOUTS = {
    6: Layout(2, 3),
    12: Layout(3, 4),
    24: Layout(4, 6),
    48: Layout(6, 8),
    96: Layout(8, 12),
    384: Layout(16, 24),
    1536: Layout(32, 48),
}
"""The plates of ANSI/SLAS 4, by number of wells."""


class FieldPlace(NamedTuple):
    """Where a field is.

    Attributes
    ----------
    row, column
        Of the well, counted from 0.
    name
        Of the field's group in its well.
    acquisition
        Number of the acquisition that it is of, if plate and paths have any.
    """

    row: int
    column: int
    name: str
    acquisition: int | None = None

    @property
    def well(self) -> str:
        """Path of the well in the plate: ``"A/1"``."""
        return f"{row_name(self.row)}/{self.column + 1}"

    @property
    def path(self) -> str:
        """Path of the field in the plate: ``"A/1/2"``."""
        return f"{self.well}/{self.name}"


def row_name(row: int) -> str:
    """Return the letters of a row: A, ..., Z, AA, ...

    Examples
    --------
    >>> row_name(0), row_name(31)
    ('A', 'AF')
    """
    first, second = divmod(row, 26)
    return (chr(ord("A") + first - 1) if first else "") + chr(ord("A") + second)


def layout_for(wells: Sequence[tuple[int, int]], number: int | None = None) -> Layout:
    """Return the smallest standard plate with these wells, or the one with that many wells.

    Raises
    ------
    InvalidOption
        If there is no such plate, or a well is not on it.

    Examples
    --------
    >>> layout_for([(0, 0), (7, 11)]), layout_for([(0, 0)], 384)
    (Layout(rows=8, columns=12), Layout(rows=16, columns=24))
    """
    if number is not None and number not in LAYOUTS:
        raise InvalidOption(f"layout takes {', '.join(map(str, LAYOUTS))} wells; got {number!r}")
    candidates = LAYOUTS.values() if number is None else [LAYOUTS[number]]
    for layout in candidates:
        if all(row < layout.rows and column < layout.columns for row, column in wells):
            return layout
    row, column = max(wells)
    raise InvalidOption(
        f"well {row_name(row)}{column + 1} is not on a plate of {number or max(LAYOUTS)} wells; "
        "leave layout= out, or choose a larger one"
    )


def field_place(coordinates: Coordinates, *, shown: str, acquisition: int | None = None) -> FieldPlace:
    """Return where the field of a plane is; a pattern without fields has one per well, ``"0"``.

    Parameters
    ----------
    coordinates
        Of the plane. Fields of an acquisition are called ``a2f1``: 1 in acquisition 2.
    shown
        What has them, for messages.
    acquisition
        Number of the acquisition, if the coordinates do not tell.

    Raises
    ------
    InvalidPath
        If the coordinates have no well.
    InvalidOption
        If they tell the acquisition and so does the caller.
    """
    well = coordinates.well
    if well is None:
        raise InvalidPath(
            f"{shown!r} names no well, so it has no place in a plate; use a pattern with {{well}}, or "
            "{row} and {column}",
            path=shown,
        )
    name = str(coordinates.get("field", 0))
    if not _alphanumeric(name):
        raise InvalidPath(f"field {name!r} of {shown!r} must be letters and digits in OME-NGFF", path=shown)
    acquisition = _acquisition_of(coordinates, acquisition, shown=shown)
    if acquisition is not None:
        name = f"a{acquisition}f{name}"
    try:
        row, column = well_indices(well)
    except InvalidOption as error:
        raise InvalidPath(f"{shown!r}: {error}", path=shown) from error
    return FieldPlace(row, column, name, acquisition)


def _acquisition_of(coordinates: Coordinates, given: int | None, *, shown: str) -> int | None:
    if "acquisition" not in coordinates:
        return given
    told = coordinates["acquisition"]
    if given is not None:
        raise InvalidOption(f"{shown!r} is of acquisition {told} by its name; leave acquisition= out")
    if not str(told).isdecimal():
        raise InvalidPath(
            f"acquisition {told!r} of {shown!r} must be a number in OME-NGFF; write {{acquisition:d}}",
            path=shown,
        )
    return int(told)


def fields_of(
    pattern: PathPattern, paths: Sequence[str], acquisition: int | None = None
) -> dict[FieldPlace, list[int]]:
    """Group paths by field: the position in ``paths`` of each plane.

    Raises
    ------
    InvalidPath, InvalidOption
        If a path does not fit, or the pattern has an axis that a plate has no place for.
    """
    strange = [axis for axis in pattern.axes if axis not in (*_INSIDE, *_OUTSIDE)]
    if strange:
        raise InvalidOption(
            f"pattern {pattern.text!r} has the axis {strange[0]!r}, which OME-NGFF plates have no place for; "
            "axes are well (or row and column), field, acquisition, t, channel and z"
        )
    fields: dict[FieldPlace, list[int]] = {}
    plates = set()
    for index, path in enumerate(paths):
        coordinates = pattern.parse(path)
        plates.add(coordinates.get("plate"))
        place = field_place(coordinates, shown=path, acquisition=acquisition)
        fields.setdefault(place, []).append(index)
    if len(plates) > 1:
        names = ", ".join(sorted(map(str, plates)))
        raise InvalidPath(f"the paths are of {len(plates)} plates ({names}); save each to a store of its own")
    return fields


def check_label_name(name: str) -> None:
    """Refuse what cannot be the name of a label image.

    Raises
    ------
    InvalidOption
    """
    if not _label_name(name):
        raise InvalidOption(f"labels takes a name of letters, digits, '_' and '-'; got {name!r}")
