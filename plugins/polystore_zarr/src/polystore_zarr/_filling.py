"""Writing parts of an array, from many processes at once.

A chunk file appears when every element of it that lies in the array has been written, and is then replaced
whole: nothing ever reads as a value that nobody wrote. Until then what is known of a chunk is kept aside,
with a mask of where it is known.
"""

from __future__ import annotations

import sys
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from polystore_core import CorruptData, InvalidOption, PathExists, StorageError, UnsupportedData
from polystore_zarr._arrays import WRITE_ALL, described, read_snapshot
from polystore_zarr._engine import put
from polystore_zarr._grid import Grid
from polystore_zarr._nodes import ASIDE
from polystore_zarr._open_array import OpenArray
from polystore_zarr._regions import file_parts, is_aligned, region_of, shape_of, widened, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_core.files import Durability
    from polystore_zarr._engine import Engine
    from polystore_zarr._regions import FilePart, Region

    Array = np.ndarray[Any, Any]

__all__ = ["OnConflict", "write_region"]

OnConflict = Literal["refuse", "serialise"]


def write_region(
    path: str,
    block: Array,
    selection: Sequence[Any],
    *,
    shown: str,
    overwrite: bool,
    on_conflict: OnConflict,
    engine: Engine,
    durability: Durability,
    threads: int,
) -> int:
    """Write a block into an array that is there; each chunk or shard is replaced in one step.

    Parameters
    ----------
    path, shown
        The array's directory, and how the caller named it.
    block
        Of the shape of the region and the dtype of the array.
    selection
        The region, as :func:`region_of` takes it.
    overwrite
        Whether what was written before may be replaced.
    on_conflict
        What to do where the region covers only a part of a chunk or shard: refuse, or merge under a lock.
    engine, threads
        What encodes, and how many chunks at a time.
    durability
        Whether the block survives the loss of power.

    Returns
    -------
    int
        Bytes stored.

    Raises
    ------
    UnsupportedData, InvalidOption
        If the block does not fit, or shares chunks with other regions.
    PathExists
        If something was written there and may not be replaced.
    StorageError
        If the array was replaced as a whole meanwhile.
    """
    with OpenArray(path, durability) as directory:
        filling = _Filling(directory, shown, engine, threads, overwrite=overwrite)
        region, shape = region_of(selection, filling.grid.shape)
        _check_block(block, shape, filling.dtype, shown=shown)
        aligned = is_aligned(region, filling.grid)
        if not aligned and on_conflict == "refuse":
            raise InvalidOption(_conflict(region, filling.grid, shown))
        block = block.reshape(shape_of(region))
        try:
            size = filling.replace(region, block) if aligned else filling.merge(region, block)
        except FileNotFoundError as error:
            if directory.is_current():
                raise
            raise _was_replaced(shown) from error
        if not directory.is_current():
            raise _was_replaced(shown)
        return size


class _Known(NamedTuple):
    """What has been written of one chunk or shard: values, and where they are valid."""

    values: Array
    written: Array


class _Filling:
    """One array that parts are written into."""

    def __init__(
        self, directory: OpenArray, shown: str, engine: Engine, threads: int, *, overwrite: bool
    ) -> None:
        metadata, files = described(directory, shown=shown)
        self._directory = directory
        self._shown = shown
        self._metadata = metadata
        self._engine = engine
        self._threads = threads
        self._overwrite = overwrite
        self.dtype: np.dtype[Any] = metadata.dtype.to_native_dtype().newbyteorder("=")
        shards = getattr(metadata, "shards", None)
        self.grid = Grid(metadata.shape, files if shards is None else metadata.chunks, shards)

    def replace(self, region: Region, block: Array) -> int:
        """Write a region that shares no file with any other."""
        with self._directory.staging() as staging:
            size = self._encode(staging, region, block)
            parts = list(file_parts(region, self.grid))
            with self._directory.lock():
                if not self._overwrite:
                    for part in parts:
                        self._refuse_to_lose(self._known(part), part)
                for part in parts:
                    self._publish(staging, part)
        return size

    def merge(self, region: Region, block: Array) -> int:
        """Write a region, merging it into the files that it covers in part; nobody else moves meanwhile."""
        size = 0
        for part in file_parts(region, self.grid):
            mine = block[within(part.region, region)]
            with self._directory.staging() as staging, self._directory.lock():
                known = self._empty(part) if part.is_whole and self._overwrite else self._known(part)
                if not self._overwrite:
                    self._refuse_to_lose(known, part)
                place = within(part.region, part.extent)
                known.values[place] = mine
                known.written[place] = True
                if known.written.all():
                    size += self._encode(staging, part.extent, known.values)
                    self._publish(staging, part)
                else:
                    size += self._keep(staging, part, known)
        return size

    def _encode(self, staging: str, region: Region, block: Array) -> int:
        from zarr import AsyncArray
        from zarr.storage import StorePath

        from polystore_zarr._chunk_store import ArrayWriter

        writer = ArrayWriter(f"{self._directory.path}/{staging}")
        array: Any = AsyncArray(self._metadata, StorePath(writer), WRITE_ALL)
        put(array, region, block, engine=self._engine, threads=self._threads)
        self._directory.sync(staging)
        return writer.size

    def _publish(self, staging: str, part: FilePart) -> None:
        key = self._key(part)
        self._directory.move(f"{staging}/{key}", key)
        self._directory.remove(_aside(key))

    def _known(self, part: FilePart) -> _Known:
        """Return what has been written of a file, decoded; nothing may be."""
        shape = shape_of(part.extent)
        if self._directory.exists(self._key(part)):
            values = read_snapshot(
                self._directory,
                shown=self._shown,
                max_bytes=None,
                fill=False,
                selection=part.extent,
                threads=self._threads,
            )
            return _Known(np.array(values).reshape(shape), np.ones(shape, bool))
        count = prod(shape)
        expected = count * self.dtype.itemsize + -(-count // 8)
        try:
            content, size = self._directory.piece(_aside(self._key(part)), 0, expected, sys.maxsize)
        except FileNotFoundError:
            return self._empty(part)
        if size != expected:
            raise CorruptData(
                f"{self._shown!r}: what is kept of the unfinished chunk {self._key(part)!r} is damaged; save "
                "all of the chunk in one region",
                path=self._shown,
            )
        values = np.frombuffer(content, self.dtype, count).reshape(shape).copy()
        bits = np.frombuffer(content, np.uint8, offset=values.nbytes)
        return _Known(values, np.unpackbits(bits, count=count).view(bool).reshape(shape))

    def _empty(self, part: FilePart) -> _Known:
        shape = shape_of(part.extent)
        return _Known(np.zeros(shape, self.dtype), np.zeros(shape, bool))

    def _keep(self, staging: str, part: FilePart, known: _Known) -> int:
        """Keep what is known of a file that is not whole yet."""
        name = f"{staging}/part"
        with open(f"{self._directory.path}/{name}", "xb") as file:
            file.write(known.values.tobytes())
            file.write(np.packbits(known.written).tobytes())
            size = file.tell()
        self._directory.sync(staging)
        self._directory.move(name, _aside(self._key(part)))
        return size

    def _refuse_to_lose(self, known: _Known, part: FilePart) -> None:
        if known.written[within(part.region, part.extent)].any():
            raise PathExists(
                f"region {_text(part.region)} of {self._shown!r} has been written already; pass "
                "overwrite=True to replace it",
                path=self._shown,
            )

    def _key(self, part: FilePart) -> str:
        key: str = self._metadata.encode_chunk_key(part.position)
        return key


def _aside(key: str) -> str:
    """Return where what is known of a chunk is kept until it is whole."""
    return f"{ASIDE}/{key.replace('/', '.')}.part"


def _check_block(block: Array, shape: tuple[int, ...], dtype: np.dtype[Any], *, shown: str) -> None:
    if block.dtype != dtype:
        raise UnsupportedData(
            f"{shown!r} holds {dtype}, the block is {block.dtype}; nothing is converted silently: "
            f"pass block.astype({str(dtype)!r}) if that is meant",
            path=shown,
        )
    if block.shape != shape:
        raise UnsupportedData(
            f"the region of {shown!r} takes {shape}, the block is {block.shape}", path=shown
        )


def _conflict(region: Region, grid: Grid, shown: str) -> str:
    kind = "chunks" if grid.shards is None else "shards"
    return (
        f"region {_text(region)} of {shown!r} covers some {kind} only in part, and writers that share one "
        f"could lose each other's values: {grid}. Write {_text(widened(region, grid))}, take regions from "
        "polystore_zarr.plan_regions, or pass on_conflict='serialise'"
    )


def _text(region: Region) -> str:
    return f"[{', '.join(f'{part.start}:{part.stop}' for part in region)}]"


def _was_replaced(shown: str) -> StorageError:
    return StorageError(
        f"{shown!r} was replaced as a whole while a region of it was written; the new array does not have "
        "the region. Write it again",
        path=shown,
    )
