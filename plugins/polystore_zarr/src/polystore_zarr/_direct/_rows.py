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
    rows = [
        _Row(part, _addresses(part, form, chunks, length), view_of(out, part.target))
        for part in file_parts(region, grid)
    ]
    spread(_Decoder(form, chunks, length).place, rows, threads)


def _length(form: Form, grid: Grid, region: Region, threads: int) -> int:
    """Return how many chunks a row has: rows are about equal, and enough for every thread."""
    if form.compression not in _DECOMPRESS or not region:
        return 1
    *_, across = counts = part_counts(region, grid)
    most = min(_ROW_BYTES // form.chunk_bytes, prod(counts) // (_ROWS_PER_THREAD * threads))
    return 1 if most < 2 else -(-across // -(-across // most))


class _Row(NamedTuple):
    """Some chunks, and where their values belong.

    Attributes
    ----------
    part
        What is wanted of the row, as of one large chunk.
    addresses
        Of the chunks of which anything is wanted.
    target
        Takes the values.
    """

    part: FilePart
    addresses: list[Any]
    target: Array


def _addresses(part: FilePart, form: Form, chunks: Chunks, length: int) -> list[Any]:
    if length == 1:
        return [chunks.address(part.position)]
    *place, column = part.position
    first = column * length
    return [chunks.address((*place, first + number)) for number in _touched(part, form)]


def _touched(part: FilePart, form: Form) -> range:
    """Return which chunks of a row are wanted in part, by their number in it."""
    wanted, width = part.source[-1], form.grid.chunks[-1]
    return range(wanted.start // width, -(-wanted.stop // width))


class _Scratch(threading.local):
    """Room in each thread for the chunks of a row."""

    def __init__(self, form: Form, length: int) -> None:
        self.chunks = np.empty((length, *form.grid.chunks), form.dtype)


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
        self._length = length
        self._decompress = _DECOMPRESS.get(form.compression)
        self._scratch = _Scratch(form, length)

    def place(self, row: _Row) -> None:
        """Decode the chunks of a row, and put what is wanted of them where it belongs."""
        target = row.target
        if self._decompress is None:
            target[...] = self._read(*row.addresses)[row.part.source]
        elif self._length > 1:
            first = _touched(row.part, self._form).start
            rooms = self._scratch.chunks
            self._decode(row.addresses, rooms[first:])
            self._copy(rooms, row.part, target)
        elif target.nbytes == self._form.chunk_bytes and target.flags.c_contiguous:
            self._decode(row.addresses, [target])
        else:
            room = self._scratch.chunks[0]
            self._decode(row.addresses, [room])
            target[...] = room[row.part.source]

    def _decode(self, addresses: list[Any], rooms: Array | list[Array]) -> None:
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

    def _copy(self, rooms: Array, part: FilePart, target: Array) -> None:
        """Copy what is wanted of a row: whole chunks at once, then those at its ends."""
        *others, wanted = part.source
        width = self._form.grid.chunks[-1]
        whole = range(-(-wanted.start // width), wanted.stop // width)
        if whole:
            place = target[..., whole.start * width - wanted.start : whole.stop * width - wanted.start]
            place = place.reshape((*place.shape[:-1], len(whole), width), copy=False)
            values = rooms[whole.start : whole.stop, *others]
            place[...] = values.transpose(*range(1, values.ndim - 1), 0, values.ndim - 1)
        for number in set(_touched(part, self._form)).difference(whole):
            start, stop = max(wanted.start, number * width), min(wanted.stop, (number + 1) * width)
            cut = slice(start - number * width, stop - number * width)
            target[..., start - wanted.start : stop - wanted.start] = view_of(rooms[number], (*others, cut))

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
