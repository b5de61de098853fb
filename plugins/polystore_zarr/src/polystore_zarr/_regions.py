"""Parts of an array, and how they lie on the grid of its files."""

from __future__ import annotations

from itertools import pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from polystore_core import InvalidOption
from polystore_zarr._grid import grid_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import EllipsisType

    import numpy.typing as npt

    from polystore_zarr._grid import Grid

__all__ = [
    "FilePart",
    "Region",
    "described_region",
    "file_parts",
    "is_aligned",
    "part_counts",
    "plan_regions",
    "region_of",
    "shape_of",
    "view_of",
    "widened",
    "within",
]

Region = tuple[slice, ...]
"""A slice with a start and a stop for each axis."""


class FilePart(NamedTuple):
    """What a region has in common with one file, a chunk or a shard.

    Attributes
    ----------
    position
        Of the file in the grid.
    extent
        What the file holds of the array.
    region
        What both have in common, in the array.
    source, target
        The same, in what the file holds and in the region.
    """

    position: tuple[int, ...]
    extent: Region
    region: Region
    source: Region
    target: Region

    @property
    def is_whole(self) -> bool:
        """Whether the region covers all that the file holds of the array."""
        return self.extent == self.region


def plan_regions(
    shape: Sequence[int],
    dtype: npt.DTypeLike,
    *,
    chunks: Sequence[int] | None = None,
    shards: Sequence[int] | None = None,
    parts: int | None = None,
) -> list[Region]:
    """Divide an array among writers so that no two of them share a chunk or shard.

    The regions cover the array, do not overlap, and end where files end. Give each to one worker and let it
    ``save(block, path, backend="zarr", region=region, shape=shape, ...)`` with the same sizes.

    Parameters
    ----------
    shape, dtype
        Of the array.
    chunks, shards
        As in a save; the same defaults.
    parts
        How many regions at most: neighbouring files go together, along the first axes first. By default
        each file is a region.

    Returns
    -------
    list of tuple of slice
        In C order; each slice has a start and a stop.

    Raises
    ------
    InvalidOption
        If the sizes do not fit the shape, or ``parts`` is not positive.

    Examples
    --------
    >>> plan_regions((40, 100, 100), "uint16", parts=2)
    [(slice(0, 20, None), slice(0, 100, None), slice(0, 100, None)), \
(slice(20, 40, None), slice(0, 100, None), slice(0, 100, None))]
    >>> len(plan_regions((40, 100, 100), "uint16", chunks=(50, 50), shards=(8, 100, 100)))
    5
    """
    sizes = tuple(int(size) for size in shape)
    grid = grid_of(sizes, np.dtype(dtype).itemsize, chunks=chunks, shards=shards)
    if parts is not None and parts < 1:
        raise InvalidOption(f"parts takes a number from 1; got {parts}")
    left = prod(grid.counts) if parts is None else parts
    axes = []
    for size, step, count in zip(sizes, grid.files, grid.counts, strict=True):
        pieces = max(1, min(count, left))
        left //= pieces
        edges = [min(size, step * (count * piece // pieces)) for piece in range(pieces)] + [size]
        axes.append([slice(start, stop) for start, stop in pairwise(edges)])
    return [region for region in product(*axes) if prod(shape_of(region)) or not prod(sizes)]


def region_of(
    selection: Sequence[slice | int | EllipsisType], shape: tuple[int, ...]
) -> tuple[Region, tuple[int, ...]]:
    """Return a region as slices with a start and a stop, and the shape of a block for it.

    Parameters
    ----------
    selection
        As numpy takes it, without steps: slices, numbers (which drop their axis from the block), one ``...``;
        axes that are left out are whole.
    shape
        Of the array.

    Raises
    ------
    InvalidOption
        If it does not fit the array.

    Examples
    --------
    >>> region_of((3, slice(None, 50)), (10, 100, 200))
    ((slice(3, 4, None), slice(0, 50, None), slice(0, 200, None)), (50, 200))
    """
    given = list(selection)
    if given.count(...) > 1 or len(given) - given.count(...) > len(shape):
        raise InvalidOption(
            f"region= has more axes than the array, whose shape is {shape}; got {selection!r}"
        )
    at = given.index(...) if ... in given else len(given)
    missing = [slice(None)] * (len(shape) - len(given) + given.count(...))
    region, block = [], []
    for axis, (part, size) in enumerate(zip([*given[:at], *missing, *given[at + 1 :]], shape, strict=True)):
        start, stop = _bounds(part, size)
        if not (0 <= start <= stop <= size) or (start == stop and size > 0):
            raise InvalidOption(
                f"region= takes slices without steps, or numbers, within {shape}; axis {axis} of "
                f"{selection!r} is not"
            )
        region.append(slice(start, stop))
        if isinstance(part, slice):
            block.append(stop - start)
    return tuple(region), tuple(block)


def _bounds(part: object, size: int) -> tuple[int, int]:
    """Return start and stop; impossible ones for what is no part of an axis."""
    match part:
        case slice(start=start, stop=stop, step=None | 1):
            low, high = (0 if start is None else start), (size if stop is None else stop)
            if isinstance(low, int | np.integer) and isinstance(high, int | np.integer):
                return _from_start(low, size), _from_start(high, size)
        case int() | np.integer() if not isinstance(part, bool):
            first = _from_start(part, size)
            return first, first + 1
    return -1, -1


def _from_start(place: int | np.integer[Any], size: int) -> int:
    return int(place) + (size if place < 0 else 0)


def shape_of(region: Region) -> tuple[int, ...]:
    """Return the shape of a region."""
    return tuple(part.stop - part.start for part in region)


def view_of(array: np.ndarray[Any, Any], region: Region) -> np.ndarray[Any, Any]:
    """Return a region of an array as a view, also of one without axes."""
    place: Any = (*region, ...)
    view: np.ndarray[Any, Any] = array[place]
    return view


def described_region(region: Region) -> str:
    """Write a region the way a user would index."""
    return f"[{', '.join(f'{part.start}:{part.stop}' for part in region)}]"


def part_counts(region: Region, grid: Grid) -> tuple[int, ...]:
    """Return how many files a region touches along each axis."""
    return tuple(
        -(-part.stop // step) - part.start // step for part, step in zip(region, grid.files, strict=True)
    )


def file_parts(region: Region, grid: Grid) -> Iterator[FilePart]:
    """Return what a region has of each file that it touches, in C order."""
    axes = [
        [
            _common(index, slice(index * step, min(size, (index + 1) * step)), part)
            for index in range(part.start // step, -(-part.stop // step))
        ]
        for part, step, size in zip(region, grid.files, grid.shape, strict=True)
    ]
    fields = range(len(FilePart._fields))
    return map(FilePart, *(product(*([part[field] for part in axis] for axis in axes)) for field in fields))


def _common(index: int, extent: slice, part: slice) -> tuple[int, slice, slice, slice, slice]:
    """Return what :class:`FilePart` has, along one axis."""
    start, stop = max(part.start, extent.start), min(part.stop, extent.stop)
    source = slice(start - extent.start, stop - extent.start)
    target = slice(start - part.start, stop - part.start)
    return index, extent, slice(start, stop), source, target


def is_aligned(region: Region, grid: Grid) -> bool:
    """Whether a region ends where files end, so that no other region shares a file with it."""
    return region == widened(region, grid)


def widened(region: Region, grid: Grid) -> Region:
    """Return the smallest region around this one that ends where files end."""
    return tuple(
        slice(part.start // step * step, min(size, -(-part.stop // step) * step))
        for part, step, size in zip(region, grid.files, grid.shape, strict=True)
    )


def within(region: Region, outer: Region) -> Region:
    """Return where a region lies in another one."""
    return tuple(
        slice(part.start - around.start, part.stop - around.start)
        for part, around in zip(region, outer, strict=True)
    )
