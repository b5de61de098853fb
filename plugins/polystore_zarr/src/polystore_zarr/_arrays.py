"""One array to and from a directory, by zarr-python."""

from __future__ import annotations

import contextlib
import json
import os
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from polystore_core import CorruptData, IsADirectory, PolyStoreError
from polystore_zarr._loops import run
from polystore_zarr._snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from zarr import AsyncArray

    from polystore_zarr._codecs import Encoding
    from polystore_zarr._grid import Grid

    Array = np.ndarray[Any, Any]

__all__ = [
    "ALWAYS_ALLOWED",
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


class _Stored(NamedTuple):
    """What the document of an array says."""

    array: AsyncArray[Any]
    nbytes: int
    chunks: int
    sharded: bool


def write_array(
    array: Array,
    directory: str,
    *,
    grid: Grid,
    encoding: Encoding,
    axes: Sequence[str] | None = None,
    attributes: Mapping[str, Any] | None = None,
    threads: int = 1,
) -> int:
    """Write an array into an empty directory; every chunk gets a file, also one of zeros only.

    Parameters
    ----------
    array
        Of native byte order and a dtype that :func:`check_dtype` accepts.
    directory
        Exists and is nobody else's.
    grid, encoding
        How it is cut and encoded.
    axes
        A name for each axis.
    attributes
        JSON values to keep with the array.
    threads
        How many chunks may be encoded at a time.

    Returns
    -------
    int
        Bytes stored.
    """
    from polystore_zarr._chunk_store import ArrayWriter

    store = ArrayWriter(directory)
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
            dimension_names=axes,
            zarr_format=3,
            config={"write_empty_chunks": True},
        )
        if array.size:
            await stored.setitem(..., array)

    run(write(), threads=1 if alone else threads)
    store.finish()
    return store.size


def read_array(
    path: str, *, shown: str, max_bytes: int | None, missing: Missing = "error", threads: int = 1
) -> Array:
    """Read the array of a directory, either all from before or all from after any save meanwhile.

    Parameters
    ----------
    path, shown
        The directory, and how the caller named it.
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

    def read(snapshot: Snapshot) -> Array:
        return read_snapshot(
            snapshot, shown=shown, max_bytes=max_bytes, fill=missing == "fill", selection=..., threads=threads
        )

    array: Array = consistently(path, read)
    return array


def consistently(path: str, read: Callable[[Snapshot], Any]) -> Any:
    """Read from a snapshot; take another one if the directory was replaced meanwhile."""
    while True:
        with Snapshot(path) as snapshot:
            try:
                return read(snapshot)
            except PolyStoreError:
                if snapshot.is_current():
                    raise


def read_snapshot(
    snapshot: Snapshot, *, shown: str, max_bytes: int | None, fill: bool, selection: Any, threads: int
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
        if whole:
            _check_claims(stored, snapshot, max_bytes, fill=fill)
        alone = threads == 1 or not whole or (stored.chunks == 1 and not stored.sharded)
        return np.asarray(run(stored.array.getitem(selection), threads=1 if alone else threads))


def file_shape_of(
    snapshot: Snapshot, *, shown: str, fill: bool
) -> tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...]]:
    """Return shape and dtype of an array, and the shape of what one of its files holds.

    Raises
    ------
    IsADirectory, CorruptData
        As for :func:`read_array`.
    """
    with _explaining(shown):
        metadata = _stored(snapshot, fill=fill).array.metadata
        return metadata.shape, metadata.dtype.to_native_dtype(), metadata.chunk_grid.chunk_shape


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


def _stored(snapshot: Snapshot, *, fill: bool) -> _Stored:
    from zarr import AsyncArray
    from zarr.core.metadata import ArrayV3Metadata
    from zarr.storage import StorePath

    from polystore_zarr._chunk_store import ArrayReader

    document = json.loads(snapshot.read("zarr.json"))
    if not isinstance(document, dict):
        raise CorruptData("zarr.json is no JSON object")
    if document.get("node_type") == "group":
        raise IsADirectory(
            f"cannot read {snapshot.path!r}: it is a group; name an array in it", path=snapshot.path
        )
    metadata = ArrayV3Metadata.from_dict(document)
    dtype = metadata.dtype.to_native_dtype()
    if dtype.hasobject:
        raise CorruptData(f"dtype {dtype} is not one of plain values")
    file_shape = metadata.chunk_grid.chunk_shape  # type: ignore[attr-defined]
    codecs = document["codecs"]
    reader = ArrayReader(
        snapshot,
        codec=str(codecs[-1].get("name")),
        chunk_bytes=prod(file_shape) * dtype.itemsize,
        fill=fill,
    )
    counts = [-(-size // step) for size, step in zip(metadata.shape, file_shape, strict=True)]
    array: AsyncArray[Any] = AsyncArray(metadata, StorePath(reader))
    nbytes = max(prod(metadata.shape), prod(file_shape)) * dtype.itemsize
    return _Stored(array, nbytes, prod(counts), codecs[0].get("name") == "sharding_indexed")


def _check_claims(stored: _Stored, snapshot: Snapshot, max_bytes: int | None, *, fill: bool) -> None:
    """Refuse to allocate what the files there cannot fill."""
    limit = ALWAYS_ALLOWED if max_bytes is None else max_bytes
    if stored.nbytes <= limit and stored.chunks <= _MANY_CHUNKS:
        return
    files, size = _extent(snapshot.path)
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


def _extent(path: str) -> tuple[int, int]:
    """Count the chunk files of an array, and their bytes."""
    files = size = 0
    for directory, _, names in os.walk(path):
        for name in names:
            if name != "zarr.json":
                files += 1
                size += os.lstat(os.path.join(directory, name)).st_size
    return files, size
