"""Writing parts of an array, from many processes at once.

A chunk file appears when every element of it that lies in the array has been written, and is then replaced
whole: nothing ever reads as a value that nobody wrote. Until then what is known of a chunk is kept aside,
with a mask of where it is known.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from polystore_zarr._array_reading import described, read_snapshot
from polystore_zarr._blocks import block_for, while_current
from polystore_zarr._engine import put
from polystore_zarr._grid import Grid
from polystore_zarr._known import Known, aside_of
from polystore_zarr._open_array import OpenArray
from polystore_zarr._regions import file_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from polystore_core.files import Durability
    from polystore_zarr._blocks import Block, OnConflict
    from polystore_zarr._engine import Engine
    from polystore_zarr._regions import FilePart, Region

    Array = np.ndarray[Any, Any]

__all__ = ["file_grid", "write_region"]


def write_region(
    path: str,
    values: Array,
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
    values
        Of the shape of the region and the dtype of the array.
    selection
        The region, as :func:`~polystore_zarr._regions.region_of` takes it.
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
        block = block_for(
            values, selection, filling.grid, filling.dtype, on_conflict=on_conflict, shown=shown
        )
        with while_current(directory, shown=shown):
            return filling.replace(block) if block.is_aligned else filling.merge(block)


def file_grid(metadata: Any, files: tuple[int, ...]) -> Grid:
    """Return the grid of an array whose files hold some shape."""
    shards = getattr(metadata, "shards", None)
    return Grid(metadata.shape, files if shards is None else metadata.chunks, shards)


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
        self.grid = file_grid(metadata, files)

    def replace(self, block: Block) -> int:
        """Write a region that shares no file with any other."""
        with self._directory.staging() as staging:
            size = self._encode(staging, block.region, block.values)
            parts = list(file_parts(block.region, self.grid))
            with self._directory.lock():
                if not self._overwrite:
                    for part in parts:
                        self._known(part).refuse_to_lose(part, shown=self._shown)
                for part in parts:
                    self._publish(staging, part)
        return size

    def merge(self, block: Block) -> int:
        """Write a region, merging it into the files that it covers in part; nobody else moves meanwhile."""
        size = 0
        for part in file_parts(block.region, self.grid):
            mine = block.values[part.target]
            with self._directory.staging() as staging, self._directory.lock():
                replaced = part.is_whole and self._overwrite
                known = Known.empty(part, self.dtype) if replaced else self._known(part)
                if not self._overwrite:
                    known.refuse_to_lose(part, shown=self._shown)
                known.enter(part, mine)
                if known.written.all():
                    size += self._encode(staging, part.extent, known.values)
                    self._publish(staging, part)
                else:
                    size += self._keep(staging, part, known)
        return size

    def _encode(self, staging: str, region: Region, values: Array) -> int:
        from polystore_zarr._chunk_store import ArrayWriter

        writer = ArrayWriter(f"{self._directory.path}/{staging}")
        put(self._metadata, writer, region, values, engine=self._engine, threads=self._threads)
        self._directory.sync(staging)
        return writer.size

    def _publish(self, staging: str, part: FilePart) -> None:
        key = self._key(part)
        self._directory.move(f"{staging}/{key}", key)
        self._directory.remove(aside_of(key))

    def _known(self, part: FilePart) -> Known:
        """Return what has been written of a file, decoded; nothing may be."""
        if self._directory.exists(self._key(part)):
            values = read_snapshot(
                self._directory,
                shown=self._shown,
                max_bytes=None,
                fill=False,
                selection=part.extent,
                threads=self._threads,
            )
            return Known.whole(values, part)
        name, key = aside_of(self._key(part)), self._key(part)
        try:
            kept = self._directory.piece(name, 0, Known.packed_size(part, self.dtype) + 1, sys.maxsize)
        except FileNotFoundError:
            return Known.empty(part, self.dtype)
        return Known.unpacked(kept.content, part, self.dtype, key=key, shown=self._shown)

    def _keep(self, staging: str, part: FilePart, known: Known) -> int:
        """Keep what is known of a file that is not whole yet."""
        name = f"{staging}/part"
        with open(f"{self._directory.path}/{name}", "xb") as file:
            file.write(known.packed())
            size = file.tell()
        self._directory.sync(staging)
        self._directory.move(name, aside_of(self._key(part)))
        return size

    def _key(self, part: FilePart) -> str:
        key: str = self._metadata.encode_chunk_key(part.position)
        return key
