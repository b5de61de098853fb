"""How an array is cut into chunks and shards."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from polystore_core import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Grid", "grid_of"]

_LARGE_PLANE = 64 * 2**20
"""Bytes from which a plane is cut into tiles."""

_TILE = 2048
_LINE = 2**22


class Grid(NamedTuple):
    """A regular grid.

    Attributes
    ----------
    shape
        Of the array.
    chunks
        Shape of a chunk: what is compressed, and the least that is read.
    shards
        Shape of a shard: the chunks that share a file. ``None`` gives every chunk a file of its own.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None = None

    @property
    def files(self) -> tuple[int, ...]:
        """Shape of what one file holds."""
        return self.shards or self.chunks

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of files along each axis."""
        return tuple(-(-size // step) for size, step in zip(self.shape, self.files, strict=True))

    def indices(self) -> Iterator[tuple[int, ...]]:
        """Indices of all files in order."""
        return product(*map(range, self.counts))

    def __str__(self) -> str:
        inside = "" if self.shards is None else f", each of chunks {_times(self.chunks)}"
        kind = "chunks" if self.shards is None else "shards"
        return f"array {_times(self.shape)} in {_times(self.counts)} {kind} of {_times(self.files)}{inside}"


def grid_of(
    shape: tuple[int, ...],
    itemsize: int,
    *,
    chunks: Sequence[int] | None = None,
    shards: Sequence[int] | None = None,
) -> Grid:
    """Return the grid for an array; by default one chunk per plane, the last two axes.

    Parameters
    ----------
    shape
        Of the array.
    itemsize
        Bytes per element: planes of 64 MiB and more are cut into tiles of 2048 x 2048.
    chunks, shards
        A size for each axis, or fewer for the last ones (the axes before them count as 1).

    Raises
    ------
    InvalidOption
        If the sizes do not fit; the message shows the grid.

    Examples
    --------
    >>> print(grid_of((3, 100, 200), 2))
    array 3 x 100 x 200 in 3 x 1 x 1 chunks of 1 x 100 x 200
    >>> print(grid_of((8, 100, 200), 2, chunks=(50, 50), shards=(4, 100, 100)))
    array 8 x 100 x 200 in 2 x 1 x 2 shards of 4 x 100 x 100, each of chunks 1 x 50 x 50
    """
    inner = _default(shape, itemsize) if chunks is None else _full("chunks", chunks, shape)
    if shards is None:
        return Grid(shape, inner)
    outer = _full("shards", shards, shape)
    if chunks is None:
        inner = tuple(min(one, many) for one, many in zip(inner, outer, strict=True))
    grid = Grid(shape, inner, outer)
    if any(many % one for one, many in zip(inner, outer, strict=True)):
        raise InvalidOption(
            f"shards must be whole multiples of chunks along every axis; got {grid}. "
            f"Shards that fit: {_times(_rounded(inner, outer))}"
        )
    return grid


def _default(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    plane = shape[-2:]
    if prod(plane) * itemsize >= _LARGE_PLANE:
        plane = tuple(min(size, _TILE if len(plane) == 2 else _LINE) for size in plane)
    return (1,) * (len(shape) - len(plane)) + tuple(max(1, size) for size in plane)


def _full(name: str, sizes: Sequence[int], shape: tuple[int, ...]) -> tuple[int, ...]:
    valid = all(type(size) is int and size > 0 for size in sizes)
    if not valid or len(sizes) > len(shape):
        raise InvalidOption(
            f"{name} takes up to {len(shape)} sizes from 1 for an array {_times(shape)}, such as "
            f"{_default(shape, 1)}; got {tuple(sizes)}"
        )
    return (1,) * (len(shape) - len(sizes)) + tuple(sizes)


def _rounded(inner: tuple[int, ...], outer: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-(-many // one) * one for one, many in zip(inner, outer, strict=True))


def _times(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes)) or "()"
