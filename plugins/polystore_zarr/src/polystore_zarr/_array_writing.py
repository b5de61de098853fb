"""A new array in a directory, or in another store for it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Protocol

from polystore_zarr._engine import put
from polystore_zarr._loops import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from zarr import AsyncArray
    from zarr.core.array_spec import ArrayConfigLike

    from polystore_zarr._codecs import Encoding
    from polystore_zarr._engine import Engine
    from polystore_zarr._grid import Grid
    from polystore_zarr._ngff import ZarrFormat

    Array = np.ndarray[Any, Any]

__all__ = ["BY_REGION", "WRITE_ALL", "ArrayTarget", "create_array", "is_by_region", "write_array"]

BY_REGION: Mapping[str, Any] = {"polystore": {"written": "by region"}}
"""Attributes of an array that is made empty, and complete when every region has been written."""

WRITE_ALL: ArrayConfigLike = {"write_empty_chunks": True}
"""So that a chunk that is missing is damage."""


class ArrayTarget(Protocol):
    """A store for one new array, of which nothing is seen before it is finished."""

    size: int

    def finish(self) -> None:
        """Write what makes it an array."""


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

    stored = create_array(
        store,
        array.dtype,
        grid=grid,
        encoding=encoding,
        axes=axes,
        attributes=attributes,
        zarr_format=zarr_format,
    )
    if array.size:
        whole = tuple(slice(0, size) for size in grid.shape)
        put(stored, whole, array, engine=engine, threads=1 if alone else threads)
    store.finish()
    size: int = store.size
    return size


def is_by_region(attributes: Any) -> bool:
    """Whether the attributes are those of an array that is written by regions."""
    return isinstance(attributes, dict) and attributes.get("polystore") == BY_REGION["polystore"]


def create_array(
    store: Any,
    dtype: np.dtype[Any],
    *,
    grid: Grid,
    encoding: Encoding,
    axes: Sequence[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
    zarr_format: ZarrFormat = 3,
) -> AsyncArray[Any]:
    """Hand the documents of a new array to its store, and open it for writing.

    Parameters
    ----------
    store
        An :class:`ArrayWriter` or another store.
    dtype
        Of the array.
    grid, encoding, axes, attributes, zarr_format
        As for :func:`write_array`.
    """

    async def create() -> AsyncArray[Any]:
        from zarr.api.asynchronous import create_array

        return await create_array(
            store,
            shape=grid.shape,
            dtype=dtype,
            chunks=grid.chunks,
            shards=grid.shards,
            filters=encoding.filters,
            serializer=encoding.serializer,
            compressors=encoding.compressors,
            fill_value=None,
            attributes=dict(attributes or {}),
            dimension_names=axes if zarr_format == 3 else None,
            zarr_format=zarr_format,
            chunk_key_encoding=None if zarr_format == 3 else {"name": "v2", "separator": "/"},
            config=WRITE_ALL,
        )

    return run(create())
