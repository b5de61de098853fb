"""One array to and from a directory, by zarr-python."""

from __future__ import annotations

import contextlib
from itertools import zip_longest
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from polystore_core import CorruptData, IsADirectory, PolyStoreError
from polystore_zarr._loops import run
from polystore_zarr._nodes import parsed
from polystore_zarr._snapshot import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from zarr import AsyncArray

    from polystore_zarr._codecs import Encoding
    from polystore_zarr._grid import Grid
    from polystore_zarr._ngff import ZarrFormat
    from polystore_zarr._snapshot import SnapshotLike, SnapshotSource

    Array = np.ndarray[Any, Any]

__all__ = [
    "ALWAYS_ALLOWED",
    "ArrayTarget",
    "Missing",
    "consistently",
    "file_shape_of",
    "read_array",
    "read_snapshot",
    "write_array",
]

Missing = Literal["error", "fill"]

ALWAYS_ALLOWED = 512 * 2**20
"""Bytes that an array may decode to, however little is stored."""

_EXPANSION = 64
_MANY_CHUNKS = 4096


class ArrayTarget(Protocol):
    """A store for one new array, of which nothing is seen before it is finished."""

    size: int

    def finish(self) -> None:
        """Write what makes it an array."""


class _Stored(NamedTuple):
    """What the document of an array says."""

    array: AsyncArray[Any]
    file_shape: tuple[int, ...]
    nbytes: int
    chunks: int
    sharded: bool


def write_array(
    array: Array,
    target: str | ArrayTarget,
    *,
    grid: Grid,
    encoding: Encoding,
    axes: Sequence[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
    threads: int = 1,
    zarr_format: ZarrFormat = 3,
) -> int:
    """Write an array into an empty directory; every chunk gets a file, also one of zeros only.

    Parameters
    ----------
    array
        Of native byte order and a dtype that :func:`check_dtype` accepts.
    target
        A directory that exists and is nobody else's, or another store for it.
    grid, encoding
        How it is cut and encoded.
    axes
        A name for each axis; Zarr v2 has no place for them.
    attributes
        JSON values to keep with the array.
    threads
        How many chunks may be encoded at a time.
    zarr_format
        Version of Zarr.

    Returns
    -------
    int
        Bytes stored.
    """
    from polystore_zarr._chunk_store import ArrayWriter

    store: Any = ArrayWriter(target) if isinstance(target, str) else target
    alone = threads == 1 or (grid.shards is None and prod(grid.counts) == 1)

    async def write() -> None:
        from zarr.api.asynchronous import create_array

        stored = await create_array(
            store,
            shape=grid.shape,
            dtype=array.dtype,
            chunks=grid.chunks,
            shards=grid.shards,
            filters=encoding.filters,
            serializer=encoding.serializer,
            compressors=encoding.compressors,
            fill_value=None,
            attributes=dict(attributes or {}),
            dimension_names=axes if zarr_format == 3 else None,
            zarr_format=zarr_format,
            chunk_key_encoding=None if zarr_format == 3 else {"name": "v2", "separator": "/"},
            config={"write_empty_chunks": True},
        )
        if array.size:
            await stored.setitem(..., array)

    run(write(), threads=1 if alone else threads)
    store.finish()
    size: int = store.size
    return size


def read_array(
    source: str | SnapshotSource,
    *,
    shown: str,
    max_bytes: int | None,
    missing: Missing = "error",
    threads: int = 1,
) -> Array:
    """Read the array of a directory, either all from before or all from after any save meanwhile.

    Parameters
    ----------
    source, shown
        The directory, or what else to take snapshots from, and how the caller named it.
    max_bytes
        What it may decode to; ``None`` for 512 MiB or 64 times what is stored, whichever is more.
    missing
        What a chunk without a file is: an error, or full of the fill value.
    threads
        How many chunks may be decoded at a time.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such directory.
    IsADirectory
        If there is a group, or no Zarr at all.
    CorruptData
        If it is damaged or claims more than is allowed.
    """

    def read(snapshot: SnapshotLike) -> Array:
        return read_snapshot(
            snapshot, shown=shown, max_bytes=max_bytes, fill=missing == "fill", selection=..., threads=threads
        )

    array: Array = consistently(source, read)
    return array


def consistently(source: str | SnapshotSource, read: Callable[[SnapshotLike], Any]) -> Any:
    """Read from a snapshot; take another one if the node was replaced meanwhile."""
    while True:
        with snapshot_of(source) as snapshot:
            try:
                return read(snapshot)
            except PolyStoreError:
                if snapshot.is_current():
                    raise


def read_snapshot(
    snapshot: SnapshotLike, *, shown: str, max_bytes: int | None, fill: bool, selection: Any, threads: int
) -> Array:
    """Read a part of an array; only the chunks that it touches are opened.

    Parameters
    ----------
    snapshot, shown
        The array's directory, and how the caller named it.
    max_bytes, threads
        As for :func:`read_array`.
    fill
        Whether a chunk without a file is full of the fill value.
    selection
        What to read, as numpy takes it.

    Raises
    ------
    IsADirectory, CorruptData
        As for :func:`read_array`.
    """
    import numpy as np

    with _explaining(shown):
        stored = _stored(snapshot, fill=fill)
        whole = selection is ...
        if whole or _selected_bytes(stored, selection) > ALWAYS_ALLOWED:
            _check_claims(stored, snapshot, max_bytes, fill=fill)
        alone = threads == 1 or not whole or (stored.chunks == 1 and not stored.sharded)
        array = np.asarray(run(stored.array.getitem(selection), threads=1 if alone else threads))
        return array.astype(array.dtype.newbyteorder("="), copy=False)


def file_shape_of(
    snapshot: SnapshotLike, *, shown: str, fill: bool
) -> tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...]]:
    """Return shape and dtype of an array, and the shape of what one of its files holds.

    Raises
    ------
    IsADirectory, CorruptData
        As for :func:`read_array`.
    """
    with _explaining(shown):
        stored = _stored(snapshot, fill=fill)
        metadata = stored.array.metadata
        return metadata.shape, metadata.dtype.to_native_dtype().newbyteorder("="), stored.file_shape


@contextlib.contextmanager
def _explaining(shown: str) -> Iterator[None]:
    """Turn whatever a damaged array makes zarr raise into an error that says which array it is."""
    try:
        yield
    except (MemoryError, IsADirectory):
        raise
    except FileNotFoundError as error:
        raise IsADirectory(
            f"cannot read {shown!r}: it is a directory; name an array in it, or list it", path=shown
        ) from error
    except OSError:
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, PolyStoreError) else f"{type(error).__name__}: {error}"
        raise CorruptData(
            f"{shown!r} cannot be read as Zarr: {reason}. It was left as it is", path=shown
        ) from error


def _stored(snapshot: SnapshotLike, *, fill: bool) -> _Stored:
    from zarr import AsyncArray
    from zarr.storage import StorePath

    from polystore_zarr._chunk_store import ArrayReader

    metadata, file_shape, codec, sharded = _described(snapshot)
    dtype = metadata.dtype.to_native_dtype()
    if dtype.hasobject:
        raise CorruptData(f"dtype {dtype} is not one of plain values")
    reader = ArrayReader(snapshot, codec=codec, chunk_bytes=prod(file_shape) * dtype.itemsize, fill=fill)
    counts = [-(-size // step) for size, step in zip(metadata.shape, file_shape, strict=True)]
    array: AsyncArray[Any] = AsyncArray(metadata, StorePath(reader))
    nbytes = max(prod(metadata.shape), prod(file_shape)) * dtype.itemsize
    return _Stored(array, file_shape, nbytes, prod(counts), sharded)


def _described(snapshot: SnapshotLike) -> tuple[Any, tuple[int, ...], str, bool]:
    """Return the metadata of an array, what a file of it holds, its last codec, whether it is sharded."""
    from zarr.core.metadata import ArrayV2Metadata, ArrayV3Metadata

    try:
        document = parsed(snapshot.read("zarr.json"))
    except FileNotFoundError:
        return _described_v2(snapshot, ArrayV2Metadata)
    if document.get("node_type") == "group":
        raise IsADirectory(
            f"cannot read {snapshot.path!r}: it is a group; name an array in it", path=snapshot.path
        )
    metadata = ArrayV3Metadata.from_dict(document)
    codecs: Any = document["codecs"]
    file_shape = metadata.chunk_grid.chunk_shape  # type: ignore[attr-defined]
    return metadata, file_shape, str(codecs[-1].get("name")), codecs[0].get("name") == "sharding_indexed"


def _described_v2(snapshot: SnapshotLike, model: Any) -> tuple[Any, tuple[int, ...], str, bool]:
    document = parsed(snapshot.read(".zarray"))
    metadata = model.from_dict(document)
    codec: Any = document.get("compressor") or (document.get("filters") or [{}])[-1]
    return metadata, tuple(metadata.chunks), str(codec.get("id")), False


def _selected_bytes(stored: _Stored, selection: Any) -> int:
    """Return what a part of an array, or the largest of its files, decodes to."""
    shape, files = stored.array.shape, stored.file_shape
    places = [place for place in selection if place is not ...] if isinstance(selection, tuple) else []
    kept = [size for size, place in zip_longest(shape, places) if not isinstance(place, int)]
    return max(prod(kept), prod(files)) * stored.array.dtype.itemsize


def _check_claims(stored: _Stored, snapshot: SnapshotLike, max_bytes: int | None, *, fill: bool) -> None:
    """Refuse to allocate what the files there cannot fill."""
    limit = ALWAYS_ALLOWED if max_bytes is None else max_bytes
    if stored.nbytes <= limit and stored.chunks <= _MANY_CHUNKS:
        return
    files, size = snapshot.extent()
    if max_bytes is None:
        limit = max(limit, _EXPANSION * size)
    if stored.nbytes > limit:
        raise CorruptData(
            f"it claims {stored.nbytes} bytes, more than the {limit} allowed; pass max_bytes= if so"
        )
    if files < stored.chunks and not fill:
        raise CorruptData(
            f"only {files} of {stored.chunks} chunks are there. If another program left out chunks that hold "
            "nothing but the fill value, pass missing='fill'"
        )
