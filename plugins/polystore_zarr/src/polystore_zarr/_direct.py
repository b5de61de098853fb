"""Chunks of the common form encoded and decoded here: bytes, then at most one compression, perhaps in shards.

zarr-python hands every chunk through several coroutines, which for small chunks costs more than their
compression. Here threads go straight from array to file and back, with the same compression libraries and so
with the same bytes. What is of another form is left to zarr-python.

Sources: Zarr v3, and its codecs ``bytes``, ``zstd``, ``blosc``, ``gzip``, ``sharding_indexed``:
https://zarr-specs.readthedocs.io. The chunks of a shard are in Morton order, as zarr-python writes them.
"""

from __future__ import annotations

import sys
import threading
import zlib
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import google_crc32c
import numcodecs  # type: ignore[import-untyped]
import numpy as np
import zarr.codecs.blosc  # noqa: F401 - tells numcodecs that blosc must not start threads
from zarr.core.indexing import morton_order_iter

from polystore_core import CorruptData
from polystore_zarr._grid import Grid
from polystore_zarr._regions import file_parts, shape_of, within
from polystore_zarr._stored_form import NOTHING, PieceForm
from polystore_zarr._threads import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polystore_zarr._chunk_store import ArrayReader, ArrayWriter
    from polystore_zarr._regions import FilePart, Region

    Array = np.ndarray[Any, Any]

__all__ = ["Form", "form_of", "load", "save"]

_KINDS = "biufc"
_SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}
_INDEX = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]


class Form(NamedTuple):
    """How an array is stored, if it is stored in the common form.

    Attributes
    ----------
    grid
        Chunks and shards.
    dtype
        Native.
    fill
        The fill value.
    compression
        Name of the compression, or ``"bytes"``.
    codec
        Of numcodecs; ``None`` without compression.
    piece
        What a stored chunk may hold.
    """

    grid: Grid
    dtype: np.dtype[Any]
    fill: Any
    compression: str
    codec: Any
    piece: PieceForm

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk, decoded."""
        return self.piece.decoded


def form_of(metadata: Any) -> Form | None:
    """Return the form of an array; ``None`` if it is another one than the common."""
    dtype = metadata.dtype.to_native_dtype()
    if metadata.zarr_format != 3 or dtype.kind not in _KINDS or sys.byteorder != "little":
        return None
    files = chunks = metadata.chunk_grid.chunk_shape
    codecs = [codec.to_dict() for codec in metadata.codecs]
    sharded = codecs[0]["name"] == "sharding_indexed"
    if sharded:
        sharding = codecs[0]["configuration"]
        if len(codecs) > 1 or sharding["index_location"] != "end" or list(sharding["index_codecs"]) != _INDEX:
            return None
        chunks, codecs = sharding["chunk_shape"], sharding["codecs"]
    first, *others = codecs
    if first["name"] != "bytes" or first.get("configuration", {}).get("endian", "little") != "little":
        return None
    if len(others) > 1 or (others and others[0]["name"] not in _CODECS):
        return None
    name = others[0]["name"] if others else "bytes"
    codec = _CODECS[name](others[0].get("configuration", {})) if others else None
    fill = dtype.type() if metadata.fill_value is None else metadata.fill_value
    grid = Grid(metadata.shape, tuple(chunks), files if sharded else None)
    piece = PieceForm(prod(chunks) * dtype.itemsize, ("bytes", name) if others else ("bytes",))
    return Form(grid, dtype, fill, name, codec, piece)


def _blosc(settings: dict[str, Any]) -> Any:
    return numcodecs.Blosc(
        cname=settings["cname"],
        clevel=settings["clevel"],
        shuffle=_SHUFFLES[settings["shuffle"]],
        blocksize=settings["blocksize"],
        typesize=settings["typesize"],
    )


_DECOMPRESS: dict[str, Callable[[Any, Array], object]] = {
    "zstd": numcodecs.zstd.decompress,
    "blosc": numcodecs.blosc.decompress,
}
"""What ``decode`` of the codecs calls, without conversions that cost as much as reading a small chunk."""

_CODECS = {
    "zstd": lambda settings: numcodecs.Zstd(level=settings["level"], checksum=settings["checksum"]),
    "gzip": lambda settings: numcodecs.GZip(level=settings["level"]),
    "blosc": _blosc,
}


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
        places = _chunks_of(form, part, part.region)
        pieces: dict[tuple[int, ...], Any] = {}

        def encode(chunk: FilePart) -> None:
            pieces[chunk.position] = _encoded(form, block, region, chunk.extent)

        spread(encode, places, inside)
        ordered = [place for place in morton_order_iter(_counts(form)) if place in pieces]
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
    scratch = _Scratch(form)
    parts = list(file_parts(region, form.grid))

    def load_chunk(part: FilePart) -> None:
        key = metadata.encode_chunk_key(part.position)
        _place(form, key, reader.content(key), _view(out, part.target), part, scratch=scratch)

    def load_shard(part: FilePart, inside: int) -> None:
        key = metadata.encode_chunk_key(part.position)
        inside_out = _view(out, part.target)
        with reader.shard(key) as shard:

            def decode(chunk: FilePart) -> None:
                piece = None if shard is None else shard.chunk(chunk.position)
                _place(form, key, piece, _view(inside_out, chunk.target), chunk, scratch=scratch)

            spread(decode, _chunks_of(form, part, part.region), inside)

    if form.grid.shards is None:
        spread(load_chunk, parts, threads)
    elif len(parts) >= 2 * threads:
        spread(lambda part: load_shard(part, 1), parts, threads)
    else:
        for part in parts:
            load_shard(part, threads)
    return out


def _view(array: Array, region: Region) -> Array:
    """Return a part of an array as a view, also of one without axes."""
    place: Any = (*region, ...)
    view: Array = array[place]
    return view


def _encoded(form: Form, block: Array, region: Region, extent: Region) -> Any:
    """Return a chunk as it is stored; beyond the end of the array it is full of the fill value."""
    chunk = _view(block, within(extent, region))
    if chunk.shape != form.grid.chunks:
        whole = np.full(form.grid.chunks, form.fill, form.dtype)
        whole[tuple(map(slice, chunk.shape))] = chunk
        chunk = whole
    content = np.ascontiguousarray(chunk).reshape(-1).view(np.uint8)
    return content if form.codec is None else form.codec.encode(content)


class _Scratch(threading.local):
    """Room for one decoded chunk in each thread, for chunks that are not in one piece where they belong."""

    def __init__(self, form: Form) -> None:
        self.chunk = np.empty(form.grid.chunks, form.dtype)


def _place(form: Form, key: str, content: Any, target: Array, part: FilePart, *, scratch: _Scratch) -> None:
    """Decode a chunk, or the part of it that is wanted, to where it belongs."""
    if content is None:
        target[...] = form.fill
        return
    decompress = _DECOMPRESS.get(form.compression)
    if decompress is not None and form.piece.check(key, content) == form.chunk_bytes:
        if target.nbytes == form.chunk_bytes and target.flags.c_contiguous:
            decompress(content, target)
        else:
            decompress(content, scratch.chunk)
            target[...] = scratch.chunk[part.source]
        return
    decoded = memoryview(_decoded(form, key, content)).cast("B")
    if decoded.nbytes != form.chunk_bytes:
        raise CorruptData(
            f"chunk {key!r} decodes to {decoded.nbytes} bytes, not to the {form.chunk_bytes} of a chunk"
        )
    chunk = np.frombuffer(decoded, form.dtype).reshape(form.grid.chunks)
    target[...] = chunk[part.source]


def _decoded(form: Form, key: str, content: Any) -> Any:
    if form.codec is None:
        return content
    if form.compression == "gzip":
        decoder = zlib.decompressobj(31)
        decoded = decoder.decompress(content, form.chunk_bytes + 1)
        if len(decoded) == form.chunk_bytes and not decoder.eof:
            raise CorruptData(f"chunk {key!r} ends too early: before its checksum")
        if not decoder.unused_data:
            return decoded
        form.piece.check(key, content)
    return form.codec.decode(content)


def _counts(form: Form) -> tuple[int, ...]:
    """Return the number of chunks in a shard along each axis."""
    return tuple(many // one for many, one in zip(form.grid.files, form.grid.chunks, strict=True))


def _chunks_of(form: Form, part: FilePart, region: Region) -> Sequence[FilePart]:
    """Return the chunks of a shard that a region touches, their positions counted within the shard."""
    inner = Grid(form.grid.shape, form.grid.chunks)
    corner = [place * count for place, count in zip(part.position, _counts(form), strict=True)]
    return [
        chunk._replace(
            position=tuple(place - first for place, first in zip(chunk.position, corner, strict=True))
        )
        for chunk in file_parts(region, inner)
    ]


def _index_of(form: Form, places: Sequence[tuple[int, ...]], lengths: Sequence[int]) -> bytes:
    index = np.full((*_counts(form), 2), NOTHING, np.uint64)
    start = 0
    for place, length in zip(places, lengths, strict=True):
        index[place] = start, length
        start += length
    content = index.tobytes()
    return content + int(google_crc32c.value(content)).to_bytes(4, "little")
