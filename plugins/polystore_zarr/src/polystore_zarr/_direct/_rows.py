"""Rows of chunks: neighbours along the last axis, which are decoded and then copied together.

With small chunks, threads mostly wait for one another to leave the interpreter. So what can be worked out for
all of them is worked out before they begin, and where nothing is wrong a chunk takes the fewest steps.
"""

from __future__ import annotations

import threading
import zlib
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numcodecs  # type: ignore[import-untyped]
import numpy as np

from polystore_core import CorruptData
from polystore_zarr._regions import file_parts, part_counts, view_of
from polystore_zarr._threads import spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_zarr._direct._form import Form
    from polystore_zarr._grid import Grid
    from polystore_zarr._regions import FilePart, Region

    Array = np.ndarray[Any, Any]

__all__ = ["decode"]

_DECOMPRESS: dict[str, Callable[[Any, Array], object]] = {
    "zstd": numcodecs.zstd.decompress,
    "blosc": numcodecs.blosc.decompress,
}
"""What ``decode`` of the codecs calls, without conversions that cost as much as reading a small chunk."""

_ROW_BYTES = 512 * 2**10
"""Decoded, a row lies in the cache of one core."""

_ROWS_PER_THREAD = 4


class Chunks(Protocol):
    """Where chunks are stored: in files of their own, or in one shard."""

    def address(self, position: tuple[int, ...]) -> Any:
        """Return what the others ask for, of a chunk by its position."""

    def key(self, address: Any) -> str:
        """Return the name of the file that a chunk lies in."""

    def glance(self, address: Any) -> bytes | None:
        """Read what is stored in the fewest steps; ``None`` where it takes more to tell."""

    def read(self, address: Any) -> bytes | None:
        """Read what is stored with all care; ``None`` stands for the fill value."""


def decode(form: Form, grid: Grid, region: Region, chunks: Chunks, out: Array, *, threads: int) -> None:
    """Decode what a region has of chunks.

    Parameters
    ----------
    form
        Of the chunks.
    grid
        That they lie on.
    region
        What is wanted of the grid.
    chunks
        Gives what is stored.
    out
        Takes the values; of the region's shape.
    threads
        How many may be decoded at a time.

    Raises
    ------
    CorruptData
        If a chunk is missing or damaged.
    """
    length = _length(form, grid, region, threads)
    if length > 1:
        grid = grid._replace(chunks=(*grid.chunks[:-1], length * grid.chunks[-1]))
    rows = [_row(form, part, length, chunks, view_of(out, part.target)) for part in file_parts(region, grid)]
    spread(_Decoder(form, chunks, length).place, rows, threads)


def _length(form: Form, grid: Grid, region: Region, threads: int) -> int:
    """Return how many chunks a row has: rows are about equal, and enough for every thread."""
    if form.compression not in _DECOMPRESS or not region:
        return 1
    *_, across = counts = part_counts(region, grid)
    most = min(_ROW_BYTES // form.chunk_bytes, prod(counts) // (_ROWS_PER_THREAD * threads))
    return 1 if most < 2 else -(-across // -(-across // most))


class _Row(NamedTuple):
    """What is wanted of some chunks.

    Attributes
    ----------
    addresses
        Of the chunks of which anything is wanted.
    first
        Number of the first of them in the row.
    room
        Where a chunk can be decoded to at once; ``None`` if it must be copied from elsewhere.
    copies
        Each takes values, and says which: of the chunk if the row is one, else of :attr:`_Scratch.row`.
    """

    addresses: list[Any]
    first: int
    room: Array | None
    copies: list[tuple[Array, Any]]


def _row(form: Form, part: FilePart, length: int, chunks: Chunks, target: Array) -> _Row:
    """Work out a row from what is wanted of it, as of one large chunk, and what takes the values."""
    if length == 1:
        fits = target.nbytes == form.chunk_bytes and target.flags.c_contiguous
        return _Row([chunks.address(part.position)], 0, target if fits else None, [(target, part.source)])
    *place, column = part.position
    *others, wanted = part.source
    width = form.grid.chunks[-1]
    touched = range(wanted.start // width, -(-wanted.stop // width))
    addresses = [chunks.address((*place, column * length + number)) for number in touched]
    if target.nbytes == length * form.chunk_bytes:
        values = target.reshape((*target.shape[:-1], length, width), copy=False)
        return _Row(addresses, 0, None, [(values, ...)])
    whole = range(-(-wanted.start // width), wanted.stop // width)
    copies: list[tuple[Array, Any]] = []
    if whole:
        values = target[..., whole.start * width - wanted.start : whole.stop * width - wanted.start]
        values = values.reshape((*values.shape[:-1], len(whole), width), copy=False)
        copies.append((values, (*others, slice(whole.start, whole.stop))))
    for number in {touched[0], touched[-1]}.difference(whole):
        start, stop = max(wanted.start, number * width), min(wanted.stop, (number + 1) * width)
        values = target[..., start - wanted.start : stop - wanted.start]
        copies.append((values, (*others, number, slice(start - number * width, stop - number * width))))
    return _Row(addresses, touched.start, None, copies)


class _Scratch(threading.local):
    """Room in each thread for the chunks of a row.

    Attributes
    ----------
    chunks
        Each of them.
    row
        The same memory as it lies in the array, the last axis split into number and place within a chunk.
    """

    def __init__(self, form: Form, length: int) -> None:
        room = np.empty((length, *form.grid.chunks), form.dtype)
        self.chunks = list(room)
        last = room.ndim - 1
        self.row = self.chunks[0] if length == 1 else room.transpose(*range(1, last), 0, last)


class _Decoder:
    """Decodes rows, in several threads.

    Parameters
    ----------
    form, chunks
        As for :func:`decode`.
    length
        Chunks in a row.
    """

    def __init__(self, form: Form, chunks: Chunks, length: int) -> None:
        self._form = form
        self._chunks = chunks
        self._decompress = _DECOMPRESS.get(form.compression)
        self._scratch = _Scratch(form, length)

    def place(self, row: _Row) -> None:
        """Decode the chunks of a row, and put what is wanted of them where it belongs."""
        if self._decompress is None:
            [(target, source)] = row.copies
            target[...] = self._read(*row.addresses)[source]
        elif row.room is not None:
            self._decode(row.addresses, [row.room])
        else:
            scratch = self._scratch
            self._decode(row.addresses, scratch.chunks[row.first :])
            for target, source in row.copies:
                target[...] = scratch.row[source]

    def _decode(self, addresses: list[Any], rooms: list[Array]) -> None:
        """Decode whole chunks into room for them: fast if nothing is wrong, and else with all care."""
        glance, fits, decompress = self._chunks.glance, self._form.piece.fits, self._decompress
        assert decompress is not None
        for address, room in zip(addresses, rooms, strict=False):
            try:
                content = glance(address)
                if content is not None and fits(content):
                    decompress(content, room)
                    continue
            except (OSError, RuntimeError, ValueError):  # it is said below what is wrong
                pass
            room[...] = self._read(address)

    def _read(self, address: Any) -> Array:
        """Return the values of a chunk, all of which is checked."""
        form, key = self._form, self._chunks.key(address)
        content = self._chunks.read(address)
        if content is None:
            return np.broadcast_to(form.fill, form.grid.chunks)
        try:
            if self._decompress is not None:
                form.piece.check(key, content)
            decoded = memoryview(_decompressed(form, key, content)).cast("B")
        except CorruptData:
            raise
        except (EOFError, OSError, RuntimeError, ValueError, zlib.error) as error:
            raise CorruptData(f"chunk {key!r} cannot be decoded: {error}") from error
        if decoded.nbytes != form.chunk_bytes:
            raise CorruptData(
                f"chunk {key!r} decodes to {decoded.nbytes} bytes, not to the {form.chunk_bytes} of a chunk"
            )
        return np.frombuffer(decoded, form.dtype).reshape(form.grid.chunks)


def _decompressed(form: Form, key: str, content: bytes) -> Any:
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
