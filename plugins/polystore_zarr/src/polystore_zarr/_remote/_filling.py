"""Writing regions of arrays in a bucket, from many processes at once.

There is no lock in an object store. Each object is replaced on condition that it is what it was when it was
read, and whoever comes too late merges into what is there by then. What is known of an unfinished chunk lies
below ``.polystore/`` of the version; a chunk comes before it, as it does for readers:

- Who has written what is known looks whether the chunk is there by now, and if so merges into it.
- Who finds all of a chunk known makes the chunk, unless somebody else did, and then deletes what was kept.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from polystore_core import CorruptData, PathExists
from polystore_zarr._array_reading import described, read_snapshot
from polystore_zarr._blocks import block_for, while_current
from polystore_zarr._chunk_store import KeptWriter
from polystore_zarr._declaration import BY_REGION, declare
from polystore_zarr._engine import put
from polystore_zarr._filling import file_grid
from polystore_zarr._grid import grid_of
from polystore_zarr._known import Known, aside_of
from polystore_zarr._nodes import parsed
from polystore_zarr._regions import file_parts
from polystore_zarr._remote._addresses import joined
from polystore_zarr._remote._buckets import at_once
from polystore_zarr._remote._commits import commit, staged
from polystore_zarr._remote._nodes import array_pointer
from polystore_zarr._remote._snapshots import ObjectSnapshot
from polystore_zarr._remote._writers import ObjectWriter
from polystore_zarr._saving import refuse_another, require_undeclared

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from obstore import UpdateVersion

    from polystore_zarr._blocks import Block, OnConflict
    from polystore_zarr._chunk_store import NewArrayStore
    from polystore_zarr._regions import FilePart, Region
    from polystore_zarr._remote._namespace import Namespace
    from polystore_zarr._remote._nodes import Node
    from polystore_zarr._saving import Form

    Array = np.ndarray[Any, Any]

__all__ = ["save_region"]


def save_region(
    data: Array,
    space: Namespace,
    key: str,
    selection: Sequence[Any],
    form: Form,
    *,
    shape: Sequence[int] | None,
    overwrite: bool,
    on_conflict: OnConflict,
    shown: str,
    threads: int,
) -> int:
    """Write a block into an array, which is declared first if its shape is given; return the bytes stored.

    Parameters are those of :func:`polystore_zarr._saving.save_region`.

    Raises
    ------
    PathNotFound, InvalidOption, UnsupportedData, PathExists, StorageError
    """
    node = space.node(key)
    if node is not None:
        space.refuse_level(key, node, "write a region of", shown=shown)
    if shape is not None:
        node = _declared(space, key, tuple(shape), data.dtype, form, shown=shown)
    else:
        require_undeclared(form, is_there=node is not None and node.kind == "array", shown=shown)
        node = space.require(key, "write a region of", shown=shown)
    filling = _Filling(space, node, shown, threads, overwrite=overwrite)
    block = block_for(data, selection, filling.grid, filling.dtype, on_conflict=on_conflict, shown=shown)
    with while_current(filling.snapshot, shown=shown):
        return filling.replace(block) if block.is_aligned and overwrite else filling.merge(block)


def _declared(
    space: Namespace, key: str, shape: tuple[int, ...], dtype: np.dtype[Any], form: Form, *, shown: str
) -> Node:
    """Make an array without chunks, unless it is there, and return it; whoever is first makes it for all."""
    grid = grid_of(shape, dtype.itemsize, chunks=form.chunks, shards=form.shards)
    wanted = declare(dtype, grid=grid, encoding=form.encoding(dtype.itemsize), attributes=BY_REGION)
    node = space.node(key)
    if node is None or node.kind != "array":
        space.make_parents(key, shown=shown)
        with contextlib.suppress(PathExists), staged(space.bucket, key) as version:
            writer = ObjectWriter(space.bucket, joined(key, version))
            writer.finish(wanted.documents)
            commit(space.bucket, key, array_pointer(version), overwrite=False, shown=shown)
        node = space.require(key, "write a region of", shown=shown)
    found = space.bucket.get(joined(node.base, "zarr.json")).data if node.base != key else node.raw
    refuse_another(wanted.metadata.to_dict(), parsed(found), shown=shown)
    return node


class _Filling:
    """One array that parts are written into."""

    def __init__(self, space: Namespace, node: Node, shown: str, threads: int, *, overwrite: bool) -> None:
        self.snapshot = ObjectSnapshot(space.bucket, node)
        metadata, files = described(self.snapshot, shown=shown)
        self._bucket = space.bucket
        self._base = node.base
        self._shown = shown
        self._metadata = metadata
        self._threads = threads
        self._overwrite = overwrite
        self.dtype: np.dtype[Any] = metadata.dtype.to_native_dtype().newbyteorder("=")
        self.grid = file_grid(metadata, files)

    def replace(self, block: Block) -> int:
        """Write a region that shares no file with any other; each object is replaced in one step."""
        writer = ObjectWriter(self._bucket, self._base)
        self._encode(writer, block.region, block.values)
        parts = file_parts(block.region, self.grid)
        self._bucket.delete([joined(self._base, aside_of(self._key(part))) for part in parts])
        return writer.size

    def merge(self, block: Block) -> int:
        """Write a region, merging it into the files that it covers in part."""
        parts = list(file_parts(block.region, self.grid))
        return sum(at_once(lambda part: self._merge(part, block.values[part.target]), parts))

    def _merge(self, part: FilePart, mine: Array) -> int:
        may_lose = self._overwrite
        while True:
            token = self._bucket.token(self._place(part))
            if token is not None:
                size = self._change(part, mine, token, may_lose=may_lose)
            else:
                size, kept = self._keep(part, mine, may_lose=may_lose)
                may_lose = may_lose or kept
            if size is not None:
                return size

    def _change(self, part: FilePart, mine: Array, token: UpdateVersion, *, may_lose: bool) -> int | None:
        """Replace a chunk that is there, and return its bytes; ``None`` if somebody else did meanwhile."""
        chunk = self._place(part)
        try:
            known = Known.whole(self._stored(part), part)
        except CorruptData:
            if self._bucket.token(chunk) != token:
                return None
            raise
        content = self._encoded(part, self._entered(known, part, mine, may_lose=may_lose))
        return None if self._bucket.replace(chunk, content, token) is None else len(content)

    def _keep(self, part: FilePart, mine: Array, *, may_lose: bool) -> tuple[int | None, bool]:
        """Add to what is known of a chunk, and make the chunk if that is all.

        Returns
        -------
        size : int or None
            Bytes stored; ``None`` if the chunk is there by now, or somebody else added to it meanwhile.
        kept : bool
            Whether it was added.
        """
        aside = joined(self._base, aside_of(self._key(part)))
        known, token = self._kept(part, aside)
        content = self._entered(known, part, mine, may_lose=may_lose).packed()
        if token is None:
            done = self._bucket.create(aside, content)
        else:
            done = self._bucket.replace(aside, content, token)
        if done is None:
            return None, False
        chunk = self._place(part)
        if not known.written.all():
            return (len(content) if self._bucket.token(chunk) is None else None), True
        whole = self._encoded(part, known)
        if self._bucket.create(chunk, whole) is None:
            return None, True
        self._bucket.delete([aside])
        return len(whole), True

    def _entered(self, known: Known, part: FilePart, mine: Array, *, may_lose: bool) -> Known:
        if not may_lose:
            known.refuse_to_lose(part, shown=self._shown)
        known.enter(part, mine)
        return known

    def _stored(self, part: FilePart) -> Array:
        """Return what is in a chunk that is there."""
        return read_snapshot(
            self.snapshot,
            shown=self._shown,
            max_bytes=None,
            fill=False,
            selection=part.extent,
            threads=self._threads,
        )

    def _kept(self, part: FilePart, aside: str) -> tuple[Known, Any]:
        """Return what is known of a chunk that is not there yet, and the token of where that is kept."""
        try:
            kept = self._bucket.get(aside)
        except FileNotFoundError:
            return Known.empty(part, self.dtype), None
        known = Known.unpacked(kept.data, part, self.dtype, key=self._key(part), shown=self._shown)
        return known, kept.token

    def _encoded(self, part: FilePart, known: Known) -> bytes:
        """Return a chunk as it is stored."""
        writer = KeptWriter()
        self._encode(writer, part.extent, known.values)
        return writer.content[self._key(part)]

    def _encode(self, writer: NewArrayStore, region: Region, values: Array) -> None:
        put(self._metadata, writer, region, values, threads=self._threads)

    def _place(self, part: FilePart) -> str:
        return joined(self._base, self._key(part))

    def _key(self, part: FilePart) -> str:
        key: str = self._metadata.encode_chunk_key(part.position)
        return key
