"""Arranging paths along the axes of their coordinates."""

from __future__ import annotations

import os
from itertools import islice, product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from polystore_core.errors import InvalidOption, InvalidPath
from polystore_core.paths._algebra import check_several
from polystore_core.paths._axes import axis_rank, standard_axis
from polystore_core.paths._coordinates import Coordinates
from polystore_core.paths._natural import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from polystore_core.paths._pattern import PathPattern

__all__ = ["PathGrid", "group_paths"]

_SHOWN = 3
"""How many examples an error message lists."""


class PathGrid(NamedTuple):
    """Paths on a regular grid of coordinates.

    Attributes
    ----------
    axes : tuple of str
        Standard names of the axes, outermost first: plate, well, row, column, field, axes without a
        standard name, then t, channel, z as in OME-NGFF. An axis along which only one value occurs is kept.
    values : dict of str to tuple
        The values that occur along each axis, sorted; an index counts along them.
    paths : dict of tuple of int to str
        For each index (one number per axis) its path, in the order of the indices with the last axis
        running fastest. Indices without a path are holes.

    Examples
    --------
    >>> from polystore_core.paths import PathPattern
    >>> pattern = PathPattern("w{channel:d}_z{z:d}.tif")
    >>> grid = pattern.grid(["w1_z5.tif", "w1_z10.tif", "w2_z5.tif"], holes="allow")
    >>> grid.values
    {'channel': (1, 2), 'z': (5, 10)}
    >>> grid.paths
    {(0, 0): 'w1_z5.tif', (0, 1): 'w1_z10.tif', (1, 0): 'w2_z5.tif'}
    >>> list(grid.holes())
    [(1, 1)]
    """

    axes: tuple[str, ...]
    values: Mapping[str, tuple[int | str, ...]]
    paths: Mapping[tuple[int, ...], str]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis."""
        return tuple(len(self.values[axis]) for axis in self.axes)

    def coordinates(self, index: Sequence[int]) -> Coordinates:
        """Coordinates at an index, under the standard names of the axes.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> grid = PathPattern("{well}_s{site:d}.tif").grid(["A01_s3.tif"])
        >>> grid.coordinates((0, 0))
        Coordinates(well='A01', field=3)
        """
        return Coordinates({axis: self.values[axis][i] for axis, i in zip(self.axes, index, strict=True)})

    def holes(self) -> Iterator[tuple[int, ...]]:
        """Indices for which there is no path, in order."""
        return (index for index in product(*map(range, self.shape)) if index not in self.paths)

    def stack(self, order: Sequence[str] | None = None) -> list[str | None]:
        """Paths as one stack, ``None`` at the holes.

        Parameters
        ----------
        order
            All axes, the last running fastest; ImageJ hyperstacks are ``("t", "z", "channel")``. By default
            the order of :attr:`axes`.

        Raises
        ------
        InvalidOption
            If ``order`` does not hold every axis once.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> names = ["w1_z1.tif", "w1_z2.tif", "w2_z1.tif", "w2_z2.tif"]
        >>> PathPattern("w{channel:d}_z{z:d}.tif").grid(names).stack(("z", "channel"))
        ['w1_z1.tif', 'w2_z1.tif', 'w1_z2.tif', 'w2_z2.tif']
        """
        wanted = self.axes if order is None else tuple(map(standard_axis, order))
        if sorted(wanted) != sorted(self.axes):
            raise InvalidOption(
                f"order= must hold each of {', '.join(self.axes)} once, not {', '.join(wanted)}"
            )
        places = [wanted.index(axis) for axis in self.axes]
        indices = product(*(range(len(self.values[axis])) for axis in wanted))
        return [self.paths.get(tuple(index[place] for place in places)) for index in indices]


def group_paths(
    pattern: PathPattern, paths: Iterable[str | os.PathLike[str]], *, by: tuple[str, ...], holes: str
) -> dict[Coordinates, PathGrid]:
    """Arrange paths in one grid per combination of the axes ``by``; see :meth:`PathPattern.group`."""
    if holes not in ("error", "allow"):
        raise InvalidOption(f"holes= is 'error' or 'allow', not {holes!r}")
    check_several(paths)
    found = _parse_all(pattern, [os.fspath(path) for path in paths])
    outer = _outer_axes(pattern, by)
    axes = _common_axes(found)
    absent = [axis for axis in outer if axis not in axes]
    if absent:
        raise InvalidPath(f"no path has a value for {', '.join(absent)}, by which they should be grouped")
    inner = tuple(axis for axis in axes if axis not in outer)
    values = {axis: _sorted_values({place[axis] for _, place in found}) for axis in axes}
    positions = {axis: {value: i for i, value in enumerate(values[axis])} for axis in axes}

    members: dict[tuple[int, ...], dict[tuple[int, ...], str]] = {}
    for path, place in found:
        outer_index = tuple([positions[axis][place[axis]] for axis in outer])
        index = tuple([positions[axis][place[axis]] for axis in inner])
        grid = members.setdefault(outer_index, {})
        if index in grid:
            raise InvalidPath(
                f"{grid[index]!r} and {path!r} have the same coordinates {Coordinates(place)!r}; "
                "leave one out, or name in the pattern what tells them apart",
                path=path,
            )
        grid[index] = path
    inner_values = {axis: values[axis] for axis in inner}
    groups = {
        Coordinates({axis: values[axis][i] for axis, i in zip(outer, outer_index, strict=True)}): PathGrid(
            inner, inner_values, dict(sorted(members[outer_index].items()))
        )
        for outer_index in sorted(members)
    }
    if holes == "error":
        _refuse_holes(groups)
    return groups


def _parse_all(pattern: PathPattern, paths: list[str]) -> list[tuple[str, dict[str, int | str]]]:
    if not paths:
        raise InvalidPath("no paths were given to be arranged")
    matches = [pattern.match(path) for path in paths]
    misfits = [path for path, match in zip(paths, matches, strict=True) if match is None]
    if misfits:
        shown = ", ".join(map(repr, misfits[:_SHOWN])) + ", ..." * (len(misfits) > _SHOWN)
        raise InvalidPath(
            f"{len(misfits)} of {len(paths)} paths do not fit the pattern {pattern.text!r}: {shown}; "
            f"a name that fits is {pattern.example!r}",
            path=misfits[0],
        )
    return [(path, match.by_axis()) for path, match in zip(paths, matches, strict=True) if match is not None]


def _outer_axes(pattern: PathPattern, by: tuple[str, ...]) -> tuple[str, ...]:
    outer = tuple(dict.fromkeys(map(standard_axis, by)))
    unknown = [axis for axis in outer if axis not in pattern.axes]
    if unknown:
        raise InvalidOption(
            f"pattern {pattern.text!r} has no axis {', '.join(map(repr, unknown))}; "
            f"by= takes any of {', '.join(pattern.axes)}"
        )
    return outer


def _common_axes(found: list[tuple[str, dict[str, int | str]]]) -> tuple[str, ...]:
    """Axes of all paths; an optional field must be in every name or in none."""
    axes = dict.fromkeys(axis for _, place in found for axis in place)
    for axis in axes:
        without = next((path for path, place in found if axis not in place), None)
        if without is not None:
            having = next(path for path, place in found if axis in place)
            raise InvalidPath(
                f"{without!r} has no {axis} but {having!r} has; arrange them separately", path=without
            )
    return tuple(sorted(axes, key=axis_rank))


def _sorted_values(values: set[int | str]) -> tuple[int | str, ...]:
    return tuple(
        sorted(values, key=lambda value: (value, ()) if isinstance(value, int) else natural_key(value))
    )


def _refuse_holes(groups: Mapping[Coordinates, PathGrid]) -> None:
    total = sum(prod(grid.shape) for grid in groups.values())
    missing = total - sum(len(grid.paths) for grid in groups.values())
    if not missing:
        return
    first = islice(
        (
            Coordinates({**place, **grid.coordinates(index)})
            for place, grid in groups.items()
            for index in grid.holes()
        ),
        _SHOWN,
    )
    shown = ", ".join(
        " ".join(f"{axis}={value}" for axis, value in coordinates.items()) for coordinates in first
    )
    raise InvalidPath(
        f"{missing} of {total} combinations have no path: {shown}{', ...' * (missing > _SHOWN)}; "
        "add them, group by the axis that is sparse (by='well'), or pass holes='allow' to leave them empty"
    )
