"""From files of the common form to an array."""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING, Any

import numcodecs  # type: ignore[import-untyped]
import numpy as np

from polystore_core import CorruptData
from polystore_zarr._regions import file_parts, shape_of, view_of
from polystore_zarr._threads import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polystore_zarr._chunk_store import ArrayReader
    from polystore_zarr._direct._form import Form
    from polystore_zarr._regions import FilePart, Region

    Array = np.ndarray[Any, Any]
    Stored = Callable[[FilePart], tuple[str, Any]]
    """Gives the key of the file that a chunk lies in, and what is stored; ``None`` for the fill value."""

__all__ = ["load"]

_DECOMPRESS: dict[str, Callable[[Any, Array], object]] = {
    "zstd": numcodecs.zstd.decompress,
    "blosc": numcodecs.blosc.decompress,
}
"""What ``decode`` of the codecs calls, without conversions that cost as much as reading a small chunk."""

_ROW_BYTES = 512 * 2**10
"""Of chunks that are copied together: decoded they lie in the cache of one core."""

_ROWS_PER_THREAD = 4


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
    files = list(file_parts(region, form.grid))

    def decode(chunks: Sequence[FilePart], stored: Stored, target: Array, inside: int) -> None:
        rows = _rows(form, chunks, inside)
        scratch = _Scratch(form, max(map(len, rows), default=1))
        spread(lambda row: _place(form, row, stored, target, scratch), rows, inside)

    def load_shard(part: FilePart, inside: int) -> None:
        key = metadata.encode_chunk_key(part.position)
        with reader.shard(key) as shard:

            def stored(chunk: FilePart) -> tuple[str, Any]:
                return key, None if shard is None else shard.chunk(chunk.position)

            decode(form.chunks_of(part), stored, view_of(out, part.target), inside)

    def stored(chunk: FilePart) -> tuple[str, Any]:
        key = metadata.encode_chunk_key(chunk.position)
        return key, reader.content(key)

    if form.grid.shards is None:
        decode(files, stored, out, threads)
    elif len(files) >= 2 * threads:
        spread(lambda part: load_shard(part, 1), files, threads)
    else:
        for part in files:
            load_shard(part, threads)
    return out


def _rows(form: Form, chunks: Sequence[FilePart], threads: int) -> list[list[FilePart]]:
    """Group chunks that are neighbours along the last axis, and of whose last axis all is wanted."""
    longest = 1
    if form.compression in _DECOMPRESS and form.grid.chunks:
        longest = min(_ROW_BYTES // form.chunk_bytes, len(chunks) // (_ROWS_PER_THREAD * threads))
    if longest < 2:
        return [[chunk] for chunk in chunks]
    rows: list[list[FilePart]] = []
    width = form.grid.chunks[-1]
    before: tuple[int, ...] = ()
    for chunk in chunks:
        *place, last = chunk.position
        is_next = before == (*place, last - 1) and len(rows[-1]) < longest
        wanted = chunk.source[-1]
        is_whole = wanted.stop - wanted.start == width
        if is_next and is_whole:
            rows[-1].append(chunk)
        else:
            rows.append([chunk])
        before = chunk.position if is_whole else ()
    return rows


class _Scratch(threading.local):
    """Room in each thread for a row of decoded chunks that are not in one piece where they belong."""

    def __init__(self, form: Form, length: int) -> None:
        self.chunks = np.empty((length, *form.grid.chunks), form.dtype)


def _place(
    form: Form,
    row: Sequence[FilePart],
    stored: Stored,
    out: Array,
    scratch: _Scratch,
) -> None:
    """Decode a row of chunks, or the part of them that is wanted, to where it belongs."""
    first, last = row[0], row[-1]
    if len(row) == 1:
        target = view_of(out, first.target)
        fits = target.nbytes == form.chunk_bytes and target.flags.c_contiguous
        room = target if fits else scratch.chunks[0]
        values = _decoded(form, *stored(first), room)
        if values is not target:
            target[...] = values[first.source]
        return
    chunks = scratch.chunks[: len(row)]
    for chunk, part in zip(chunks, row, strict=True):
        values = _decoded(form, *stored(part), chunk)
        if values is not chunk:
            chunk[...] = values
    *others, _ = first.target
    target = view_of(out, (*others, slice(first.target[-1].start, last.target[-1].stop)))
    apart = target.reshape((*target.shape[:-1], len(row), -1), copy=False)
    axes = range(chunks.ndim)
    apart[...] = chunks[:, *first.source[:-1]].transpose(*axes[1:-1], 0, axes[-1])


def _decoded(form: Form, key: str, content: Any, room: Array) -> Array:
    """Return the values of a chunk: in the room for them, or where they are already."""
    if content is None:
        room[...] = form.fill
        return room
    decompress = _DECOMPRESS.get(form.compression)
    if decompress is not None and form.piece.check(key, content) == form.chunk_bytes:
        decompress(content, room)
        return room
    decoded = memoryview(_decompressed(form, key, content)).cast("B")
    if decoded.nbytes != form.chunk_bytes:
        raise CorruptData(
            f"chunk {key!r} decodes to {decoded.nbytes} bytes, not to the {form.chunk_bytes} of a chunk"
        )
    return np.frombuffer(decoded, form.dtype).reshape(form.grid.chunks)


def _decompressed(form: Form, key: str, content: Any) -> Any:
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
