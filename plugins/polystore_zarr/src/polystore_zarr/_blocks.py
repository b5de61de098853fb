"""A block that is written into a region of an array: where it belongs, and when it is refused."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from polystore_core import InvalidOption, StorageError, UnsupportedData
from polystore_zarr._regions import described_region, is_aligned, region_of, shape_of, widened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from polystore_zarr._grid import Grid
    from polystore_zarr._regions import Region
    from polystore_zarr._snapshot import SnapshotLike

    Array = np.ndarray[Any, Any]

__all__ = ["Block", "OnConflict", "block_for", "while_current"]

OnConflict = Literal["refuse", "serialise"]


class Block(NamedTuple):
    """Values, and the region that they are written into.

    Attributes
    ----------
    region
        Of the array.
    values
        Of the shape of the region, with all axes of the array.
    is_aligned
        Whether the region shares no file with any other.
    """

    region: Region
    values: Array
    is_aligned: bool


def block_for(
    values: Array,
    selection: Sequence[Any],
    grid: Grid,
    dtype: np.dtype[Any],
    *,
    on_conflict: OnConflict,
    shown: str,
) -> Block:
    """Find out where values belong in an array.

    Parameters
    ----------
    values
        Of the shape that the selection takes.
    selection
        The region, as :func:`region_of` takes it.
    grid, dtype, shown
        Of the array, and how the caller named it.
    on_conflict
        What to do where the region covers only a part of a chunk or shard.

    Raises
    ------
    UnsupportedData
        If the values do not fit.
    InvalidOption
        If the selection does not, or shares files with other regions and that is refused.
    """
    region, shape = region_of(selection, grid.shape)
    if values.dtype != dtype:
        raise UnsupportedData(
            f"{shown!r} holds {dtype}, the block is {values.dtype}; nothing is converted silently: "
            f"pass block.astype({str(dtype)!r}) if that is meant",
            path=shown,
        )
    if values.shape != shape:
        raise UnsupportedData(
            f"the region of {shown!r} takes {shape}, the block is {values.shape}", path=shown
        )
    aligned = is_aligned(region, grid)
    if not aligned and on_conflict == "refuse":
        raise InvalidOption(_conflict(region, grid, shown))
    return Block(region, values.reshape(shape_of(region)), aligned)


def _conflict(region: Region, grid: Grid, shown: str) -> str:
    """Say why a region is refused that covers files only in part, and what to do."""
    kind = "chunks" if grid.shards is None else "shards"
    return (
        f"region {described_region(region)} of {shown!r} covers some {kind} only in part, and writers that "
        f"share one could lose each other's values: {grid}. Write {described_region(widened(region, grid))}, "
        "take regions from polystore_zarr.plan_regions, or pass on_conflict='serialise'"
    )


@contextmanager
def while_current(array: SnapshotLike, *, shown: str) -> Iterator[None]:
    """Write into an array, and say so if another one took its place meanwhile.

    Raises
    ------
    StorageError
    """
    missing: FileNotFoundError | None = None
    try:
        yield
    except FileNotFoundError as error:
        if array.is_current():
            raise
        missing = error
    if not array.is_current():
        raise StorageError(
            f"{shown!r} was replaced as a whole while a region of it was written; the new array does not "
            "have the region. Write it again",
            path=shown,
        ) from missing
