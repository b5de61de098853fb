"""Chunks encoded and decoded by zarrs, without zarr's global configuration.

The package zarrs offers itself to zarr-python as a codec pipeline that is chosen for the whole process. Here
its pipeline is called array by array. What was measured of 0.2.3, and is dealt with here:

- Its compression libraries are other versions than those of numcodecs, so that zstd and gzip come out in
  other bytes; blosc does not, unless it uses zstd. It puts the chunks of a shard in an order of its own.
  Such arrays are encoded by zarr-python.
- It never stores a chunk that is full of the fill value. It is told one that the chunk does not hold.
- Its threads do not live on in a forked child, which would wait for ever for them. There it works in one.
"""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.core.metadata import ArrayV3Metadata
from zarr.storage import LocalStore
from zarrs._internal import ChunkItem, CodecPipelineImpl

from polystore_core import CorruptData, StorageError
from polystore_zarr._grid import Grid
from polystore_zarr._regions import file_parts, shape_of
from polystore_zarr._snapshot import Snapshot

if TYPE_CHECKING:
    from polystore_zarr._chunk_store import ArrayReader
    from polystore_zarr._regions import FilePart, Region

    Array = np.ndarray[Any, Any]

__all__ = ["encodes_alike", "retrieve", "store"]

_KINDS = "biufc"
_PLAIN = frozenset({"bytes", "transpose", "crc32c"})
_BLOSC = frozenset({"lz4", "lz4hc", "blosclz", "zlib"})
_ONES: dict[str, Any] = {"b": True, "f": 1.0, "c": [1.0, 0.0]}
_ZEROS: dict[str, Any] = {"b": False, "f": 0.0, "c": [0.0, 0.0]}

_forked = False


def _note_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def encodes_alike(metadata: Any) -> bool:
    """Whether zarrs encodes an array byte by byte as zarr-python does."""
    if not isinstance(metadata, ArrayV3Metadata) or not _holds(metadata):
        return False
    return all(_is_alike(codec.to_dict()) for codec in metadata.codecs)


def _is_alike(codec: Any) -> bool:
    if codec["name"] == "blosc":
        return bool(codec["configuration"]["cname"] in _BLOSC)
    return codec["name"] in _PLAIN


def _holds(metadata: Any) -> bool:
    return bool(metadata.shape) and metadata.dtype.to_native_dtype().kind in _KINDS


def store(metadata: Any, directory: str, region: Region, block: Array, *, threads: int) -> int:
    """Encode whole chunks into a directory; return the bytes stored.

    Parameters
    ----------
    metadata
        Of an array that :func:`encodes_alike` accepts.
    directory
        Where its chunks go, by their keys.
    region
        Ends where chunks end.
    block
        Its values.
    threads
        How many chunks may be encoded at a time.
    """
    steps = metadata.chunk_grid.chunk_shape
    grid = Grid(metadata.shape, steps)
    parts = list(file_parts(region, grid))
    whole = _padded(block, region, steps, metadata.fill_value)
    start = [part.start // step * step for part, step in zip(region, steps, strict=True)]
    firsts = whole[tuple(slice(None, None, step) for step in steps)].ravel() == 0
    for fills, chosen in ((_ONES, firsts), (_ZEROS, ~firsts)):
        items = [
            _item(metadata, part, steps, whole.shape, start)
            for part, wanted in zip(parts, chosen, strict=True)
            if wanted
        ]
        if items:
            fill = fills.get(block.dtype.kind, int(fills is _ONES))
            pipeline = _pipeline({**metadata.to_dict(), "fill_value": fill}, directory, threads)
            pipeline.store_chunks_with_indices(items, whole, True)
    return sum(os.stat(f"{directory}/{metadata.encode_chunk_key(part.position)}").st_size for part in parts)


def _padded(block: Array, region: Region, steps: tuple[int, ...], fill: Any) -> Array:
    """Return a block whose last chunks are whole, as they are stored."""
    missing = [(0, -(part.stop - part.start) % step) for part, step in zip(region, steps, strict=True)]
    if any(after for _, after in missing):
        return np.pad(block, missing, constant_values=fill)
    return np.ascontiguousarray(block)


def _item(
    metadata: Any, part: FilePart, steps: tuple[int, ...], shape: tuple[int, ...], start: list[int]
) -> ChunkItem:
    corner = [index * step - first for index, step, first in zip(part.position, steps, start, strict=True)]
    place = [slice(first, first + step) for first, step in zip(corner, steps, strict=True)]
    return ChunkItem(
        metadata.encode_chunk_key(part.position), [slice(0, step) for step in steps], steps, place, shape
    )


def retrieve(metadata: Any, reader: ArrayReader, region: Region, *, threads: int) -> Array | None:
    """Decode a part of an array; ``None`` if zarrs cannot.

    Parameters
    ----------
    metadata
        Of the array.
    reader
        Of a directory; it is asked about every file before that is decoded.
    region
        What to read.
    threads
        How many chunks may be decoded at a time.
    """
    snapshot = reader.snapshot
    assert isinstance(snapshot, Snapshot)
    root = snapshot.directory
    if not _holds(metadata):
        return None
    steps = metadata.chunk_grid.chunk_shape if hasattr(metadata, "chunk_grid") else metadata.chunks
    out = np.empty(shape_of(region), metadata.dtype.to_native_dtype())
    if not out.dtype.isnative:
        return None
    try:
        pipeline = _pipeline(metadata.to_dict(), root, threads)
    except TypeError:
        return None
    items, keys = [], []
    for part in file_parts(region, Grid(metadata.shape, steps)):
        key = metadata.encode_chunk_key(part.position)
        keys.append(key)
        reader.check(key)
        items.append(ChunkItem(key, part.source, steps, part.target, out.shape))
    try:
        pipeline.retrieve_chunks_and_apply_index(items, out)
    except Exception as error:
        reader.check_replaced(keys)
        if isinstance(error, OSError) and error.errno is None:
            raise CorruptData(str(error)) from error
        raise
    reader.check_replaced(keys)
    if root == snapshot.path and not snapshot.is_current():
        raise StorageError("the array was replaced while it was read", errno=errno.EAGAIN)
    return out


def _pipeline(metadata: Any, directory: str, threads: int) -> CodecPipelineImpl:
    most = 1 if _forked else threads
    return CodecPipelineImpl(
        json.dumps(metadata),
        store_config=LocalStore(directory),
        validate_checksums=True,
        chunk_concurrent_minimum=min(4, most),
        chunk_concurrent_maximum=most,
        num_threads=most,
    )
