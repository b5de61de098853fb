"""From files of the common form to an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_zarr._chunk_store import ChunkFiles
from polystore_zarr._direct._rows import decode
from polystore_zarr._grid import Grid
from polystore_zarr._regions import file_parts, shape_of, view_of
from polystore_zarr._threads import spread

if TYPE_CHECKING:
    from polystore_zarr._chunk_store import ArrayReader
    from polystore_zarr._direct._form import Form
    from polystore_zarr._regions import FilePart, Region

    Array = np.ndarray[Any, Any]

__all__ = ["load"]


def load(form: Form, metadata: Any, reader: ArrayReader, region: Region, *, threads: int) -> Array:
    """Decode a part of an array.

    Parameters
    ----------
    form, metadata
        Of the array.
    reader
        Gives the files.
    region
        What to read.
    threads
        How many chunks may be decoded at a time.

    Raises
    ------
    CorruptData
        If a file is missing or damaged.
    """
    out = np.empty(shape_of(region), form.dtype)
    key_of = metadata.chunk_key_encoding.encode_chunk_key
    if form.grid.shards is None:
        decode(form, form.grid, region, ChunkFiles(reader, key_of, form.chunk_bytes), out, threads=threads)
        return out
    grid = Grid(form.grid.files, form.grid.chunks)
    files = list(file_parts(region, form.grid))

    def load_shard(part: FilePart, inside: int) -> None:
        target = view_of(out, part.target)
        with reader.shard(key_of(part.position)) as shard:
            if shard is None:
                target[...] = form.fill
            else:
                decode(form, grid, part.source, shard, target, threads=inside)

    if len(files) >= 2 * threads:
        spread(lambda part: load_shard(part, 1), files, threads)
    else:
        for part in files:
            load_shard(part, threads)
    return out
