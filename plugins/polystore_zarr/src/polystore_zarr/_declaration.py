"""What a new array is, worked out once for all the arrays that are like it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_zarr._loops import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from zarr import AsyncArray
    from zarr.core.array_spec import ArrayConfigLike

    from polystore_zarr._codecs import Encoding
    from polystore_zarr._grid import Grid
    from polystore_zarr._ngff import ZarrFormat

__all__ = ["BY_REGION", "WRITE_ALL", "Declaration", "declare", "is_by_region"]

BY_REGION: Mapping[str, Any] = {"polystore": {"written": "by region"}}
"""Attributes of an array that is made empty, and complete when every region has been written."""

WRITE_ALL: ArrayConfigLike = {"write_empty_chunks": True}
"""So that a chunk that is missing is damage."""


class Declaration(NamedTuple):
    """A new array, wherever it is put.

    Attributes
    ----------
    metadata
        As zarr understands it; not to be changed.
    documents
        What says so, by name.
    """

    metadata: Any
    documents: Mapping[str, bytes]


def declare(
    dtype: np.dtype[Any],
    *,
    grid: Grid,
    encoding: Encoding,
    axes: Sequence[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
    zarr_format: ZarrFormat = 3,
) -> Declaration:
    """Declare an array; the last few are remembered, as many arrays of a pipeline are alike.

    Parameters
    ----------
    dtype
        One that :func:`check_dtype` accepts.
    grid, encoding, axes, attributes, zarr_format
        As for :func:`write_array`.
    """
    names = None if axes is None or zarr_format == 2 else tuple(axes)
    return _declared(
        dtype, grid, encoding, axes=names, attributes=json.dumps(attributes or {}), zarr_format=zarr_format
    )


@lru_cache(maxsize=64)
def _declared(
    dtype: np.dtype[Any],
    grid: Grid,
    encoding: Encoding,
    *,
    axes: tuple[str, ...] | None,
    attributes: str,
    zarr_format: ZarrFormat,
) -> Declaration:
    from polystore_zarr._chunk_store import KeptWriter

    store = KeptWriter()

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
            attributes=json.loads(attributes),
            dimension_names=axes,
            zarr_format=zarr_format,
            chunk_key_encoding=None if zarr_format == 3 else {"name": "v2", "separator": "/"},
            config=WRITE_ALL,
        )

    return Declaration(run(create()).metadata, store.content)


def is_by_region(attributes: Any) -> bool:
    """Whether the attributes are those of an array that is written by regions."""
    return isinstance(attributes, dict) and attributes.get("polystore") == BY_REGION["polystore"]
