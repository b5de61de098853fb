"""From an array to files of the common form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import google_crc32c
import numpy as np
from zarr.core.indexing import morton_order_iter

from polystore_zarr._regions import file_parts, view_of, within
from polystore_zarr._stored_form import NOTHING
from polystore_zarr._threads import spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_zarr._chunk_store import ArrayWriter
    from polystore_zarr._direct._form import Form
    from polystore_zarr._regions import FilePart, Region

    Array = np.ndarray[Any, Any]

__all__ = ["save"]


def save(
    form: Form, metadata: Any, writer: ArrayWriter, region: Region, block: Array, *, threads: int
) -> None:
    """Encode whole files.

    Parameters
    ----------
    form, metadata
        Of the array.
    writer
        Takes the files.
    region
        Ends where files end.
    block
        Its values.
    threads
        How many chunks may be encoded at a time.
    """
    parts = list(file_parts(region, form.grid))

    def save_chunk(part: FilePart) -> None:
        content = _encoded(form, block, region, part.extent)
        writer.write(metadata.encode_chunk_key(part.position), [content])

    def save_shard(part: FilePart, inside: int) -> None:
        places = form.chunks_of(part)
        pieces: dict[tuple[int, ...], Any] = {}

        def encode(chunk: FilePart) -> None:
            pieces[chunk.position] = _encoded(form, block, region, chunk.extent)

        spread(encode, places, inside)
        ordered = [place for place in morton_order_iter(form.counts) if place in pieces]
        contents = [pieces[place] for place in ordered]
        index = _index_of(form, ordered, [memoryview(content).nbytes for content in contents])
        writer.write(metadata.encode_chunk_key(part.position), [*contents, index])

    if form.grid.shards is None:
        spread(save_chunk, parts, threads)
    elif len(parts) >= 2 * threads:
        spread(lambda part: save_shard(part, 1), parts, threads)
    else:
        for part in parts:
            save_shard(part, threads)


def _encoded(form: Form, block: Array, region: Region, extent: Region) -> Any:
    """Return a chunk as it is stored; beyond the end of the array it is full of the fill value."""
    chunk = view_of(block, within(extent, region))
    if chunk.shape != form.grid.chunks:
        whole = np.full(form.grid.chunks, form.fill, form.dtype)
        whole[tuple(map(slice, chunk.shape))] = chunk
        chunk = whole
    content = np.ascontiguousarray(chunk).reshape(-1).view(np.uint8)
    return content if form.codec is None else form.codec.encode(content)


def _index_of(form: Form, places: Sequence[tuple[int, ...]], lengths: Sequence[int]) -> bytes:
    index = np.full((*form.counts, 2), NOTHING, np.uint64)
    start = 0
    for place, length in zip(places, lengths, strict=True):
        index[place] = start, length
        start += length
    content = index.tobytes()
    return content + int(google_crc32c.value(content)).to_bytes(4, "little")
