"""A new array in a directory, or in another store for it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Protocol

from polystore_zarr._declaration import declare
from polystore_zarr._engine import put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from polystore_zarr._codecs import Encoding
    from polystore_zarr._engine import Engine
    from polystore_zarr._grid import Grid
    from polystore_zarr._ngff import ZarrFormat

    Array = np.ndarray[Any, Any]

__all__ = ["ArrayTarget", "write_array"]


class ArrayTarget(Protocol):
    """A store for one new array, of which nothing is seen before it is finished."""

    size: int

    def finish(self, documents: Mapping[str, bytes]) -> None:
        """Write the documents that make it an array, by name."""


def write_array(
    array: Array,
    target: str | ArrayTarget,
    *,
    grid: Grid,
    encoding: Encoding,
    axes: Sequence[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
    threads: int = 1,
    zarr_format: ZarrFormat = 3,
    engine: Engine = "zarr-python",
) -> int:
    """Write an array into an empty directory; every chunk gets a file, also one of zeros only.

    Parameters
    ----------
    array
        Of native byte order and a dtype that :func:`check_dtype` accepts.
    target
        A directory that exists and is nobody else's, or another store for it.
    grid, encoding
        How it is cut and encoded.
    axes
        A name for each axis; Zarr v2 has no place for them.
    attributes
        JSON values to keep with the array.
    threads
        How many chunks may be encoded at a time.
    zarr_format
        Version of Zarr.
    engine
        What encodes.

    Returns
    -------
    int
        Bytes stored.
    """
    from polystore_zarr._chunk_store import ArrayWriter

    store: Any = ArrayWriter(target) if isinstance(target, str) else target
    alone = threads == 1 or (grid.shards is None and prod(grid.counts) == 1)

    declared = declare(
        array.dtype, grid=grid, encoding=encoding, axes=axes, attributes=attributes, zarr_format=zarr_format
    )
    if array.size:
        whole = tuple(slice(0, size) for size in grid.shape)
        put(declared.metadata, store, whole, array, engine=engine, threads=1 if alone else threads)
    store.finish(declared.documents)
    size: int = store.size
    return size
