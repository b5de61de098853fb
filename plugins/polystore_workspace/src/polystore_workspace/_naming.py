"""The names that virtual files get when nobody says otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from polystore_core import InvalidOption, PathPattern
from polystore_core.paths import AXIS_ORDER, Coordinates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["default_pattern", "virtual_values"]

Values = dict[str, "int | str"]

_PREFIX = {"field": "s", "channel": "w", "t": "t", "z": "z"}
_WELL = re.compile(r"[A-Z]{1,2}\d{1,3}")


def virtual_values(place: Coordinates) -> Values:
    """Give coordinates under the standard names of their axes, with the well if row and column tell it.

    Examples
    --------
    >>> virtual_values(Coordinates(row=2, column=3, site=1))
    {'well': 'B03', 'row': 2, 'column': 3, 'field': 1}
    """
    values = place.by_axis()
    well = place.well
    return values if well is None else {"well": well, **values}


def default_pattern(
    values: Sequence[Values], stacked: Mapping[str, Sequence[int | str]], files: Sequence[str]
) -> PathPattern:
    """Write the pattern of the virtual names: a directory per well, then field, t, channel and z.

    Parameters
    ----------
    values
        Coordinates of each file.
    stacked
        Coordinates along the leading axes of the arrays.
    files
        Names of the files, for the suffix.

    Raises
    ------
    InvalidOption
        If the files have different suffixes.

    Examples
    --------
    >>> places = [{"well": "A01", "field": site, "channel": 1} for site in (1, 2)]
    >>> default_pattern(places, {"z": range(30)}, ["a.tif", "b.tif"])
    PathPattern('{well}/s{field:03d}_w{channel:d}_z{z:03d}.tif')
    """
    along: dict[str, set[int | str]] = {axis: set(items) for axis, items in stacked.items()}
    for place in values:
        for axis, value in place.items():
            along.setdefault(axis, set()).add(value)
    everywhere = (
        set(along).intersection(stacked, *values)
        if not values
        else {axis for axis in along if axis in stacked or all(axis in place for place in values)}
    )
    if "well" in along:
        along.pop("row", None)
        along.pop("column", None)
    if len(along.get("plate", ())) == 1:
        del along["plate"]
    folders = [axis for axis in ("plate", "well") if axis in along and axis in everywhere]
    axes = sorted((axis for axis in along if axis not in folders), key=_rank)
    parts = [_part(axis, along[axis], optional=axis not in everywhere) for axis in axes]
    name = re.sub(r"^(\[?)_", r"\1", "".join(parts))
    heads = [_field(axis, along[axis]) for axis in folders]
    path = "/".join([*heads, name] if name else heads)
    return PathPattern(path + _common_suffix(files))


def _part(axis: str, values: set[int | str], *, optional: bool) -> str:
    part = f"_{_PREFIX.get(axis, axis)}{_field(axis, values)}"
    return f"[{part}]" if optional else part


def _field(axis: str, values: set[int | str]) -> str:
    if axis == "well":
        return "{well}" if all(_WELL.fullmatch(str(value)) for value in values) else "{well:text}"
    if not all(isinstance(value, int) for value in values):
        return f"{{{axis}}}"
    return f"{{{axis}:d}}" if axis == "channel" else f"{{{axis}:03d}}"


def _rank(axis: str) -> tuple[int, str]:
    return (AXIS_ORDER.index(axis) if axis in AXIS_ORDER else AXIS_ORDER.index("field"), axis)


def _common_suffix(files: Sequence[str]) -> str:
    suffixes = {file[file.rindex(".") :].lower() for file in files}
    if len(suffixes) > 1:
        raise InvalidOption(
            f"the images end with {', '.join(sorted(suffixes))}; say how all shall be named: "
            "to='{well}_s{site:d}.tif'"
        )
    return suffixes.pop()
