"""An array from a snapshot, judged by what it claims before it is read."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from itertools import zip_longest
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from polystore_core import CorruptData, IsADirectory, PolyStoreError
from polystore_zarr._declaration import is_by_region
from polystore_zarr._engine import get
from polystore_zarr._nodes import MOST_BYTES, parsed
from polystore_zarr._regions import region_of
from polystore_zarr._rois import holds_rois, unpack
from polystore_zarr._snapshot import consistently
from polystore_zarr._stored_form import FileForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

    from polystore_zarr._chunk_store import ArrayReader
    from polystore_zarr._engine import Engine
    from polystore_zarr._snapshot import SnapshotLike, SnapshotSource

    Array = np.ndarray[Any, Any]

__all__ = ["Missing", "described", "file_shape_of", "read_array", "read_snapshot"]

Missing = Literal["error", "fill"]

_ALWAYS_ALLOWED = 512 * 2**20
"""Bytes that an array may decode to, however little is stored."""

_EXPANSION = 64
_MANY_CHUNKS = 4096
_SHORT = 16 * 2**10
"""Bytes of a document up to which it is worth remembering."""


class _GroupError(Exception):
    """Where an array was to be read there is a group."""


class _Stored(NamedTuple):
    """What the document of an array says, and what reads its files."""

    metadata: Any
    reader: ArrayReader
    file_shape: tuple[int, ...]
    nbytes: int
    chunks: int
    sharded: bool
    by_region: bool


def read_array(
    source: str | SnapshotSource,
    *,
    shown: str,
    max_bytes: int | None,
    missing: Missing = "error",
    region: Sequence[Any] | None = None,
    engine: Engine = "zarr-python",
    threads: int = 1,
) -> Any:
    """Read an array, or the list of regions that it is, all from before or all from after any save meanwhile.

    Parameters
    ----------
    source, shown
        The directory, or what else to take snapshots from, and how the caller named it.
    max_bytes
        What it may decode to; ``None`` for 512 MiB or 64 times what is stored, whichever is more.
    missing
        What a chunk without a file is: an error, or full of the fill value.
    region
        The part to read, as :func:`region_of` takes it; all of it by default.
    engine, threads
        What decodes, and how many chunks at a time.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such directory.
    IsADirectory
        If there is a group, or no Zarr at all.
    CorruptData
        If it is damaged or claims more than is allowed.
    """

    fill = missing == "fill"

    def read(snapshot: SnapshotLike) -> Any:
        selection: Any = ...
        if region is not None:
            shape, *_ = file_shape_of(snapshot, shown=shown, fill=fill)
            region_of(region, shape)
            selection = tuple(region)
        array = read_snapshot(
            snapshot,
            shown=shown,
            max_bytes=max_bytes,
            fill=fill,
            selection=selection,
            engine=engine,
            threads=threads,
        )
        if selection is ... and array.dtype == "uint8" and array.ndim == 1:
            metadata, _ = described(snapshot, shown=shown)
            if holds_rois(metadata.attributes):
                limit = max(_ALWAYS_ALLOWED, _EXPANSION * array.nbytes) if max_bytes is None else max_bytes
                return unpack(array, max_bytes=limit, threads=threads)
        return array

    return consistently(source, read)


def read_snapshot(
    snapshot: SnapshotLike,
    *,
    shown: str,
    max_bytes: int | None,
    fill: bool,
    selection: Any,
    threads: int,
    engine: Engine = "zarr-python",
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
    engine
        What decodes.

    Raises
    ------
    IsADirectory, CorruptData
        As for :func:`read_array`.
    """

    from polystore_zarr._chunk_store import ShardReplaced

    with _explaining(shown):
        while True:
            stored = _stored(snapshot, fill=fill)
            if selection is ...:
                _check_claims(stored, snapshot, max_bytes, fill=fill)
            else:
                _check_size(_selected_bytes(stored, selection), snapshot, max_bytes)
            alone = threads == 1 or (stored.chunks == 1 and not stored.sharded)
            with contextlib.suppress(ShardReplaced):
                array = get(
                    stored.metadata, stored.reader, selection, engine=engine, threads=1 if alone else threads
                )
                return array.astype(array.dtype.newbyteorder("="), copy=False)


def described(snapshot: SnapshotLike, *, shown: str) -> tuple[Any, tuple[int, ...]]:
    """Return the metadata of an array, as zarr understands it, and the shape of what one file holds.

    Raises
    ------
    IsADirectory, CorruptData
        As for :func:`read_array`.
    """
    with _explaining(shown):
        metadata, file_shape, _ = _described(snapshot)
        return metadata, file_shape


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
        metadata = stored.metadata
        return metadata.shape, metadata.dtype.to_native_dtype().newbyteorder("="), stored.file_shape


@contextlib.contextmanager
def _explaining(shown: str) -> Iterator[None]:
    """Turn whatever a damaged array makes zarr raise into an error that says which array it is."""
    try:
        yield
    except MemoryError:
        raise
    except _GroupError as error:
        raise IsADirectory(
            f"cannot read {shown!r}: it is a group; name an array in it", path=shown
        ) from error
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
    from polystore_zarr._chunk_store import ArrayReader

    metadata, file_shape, form = _described(snapshot)
    dtype = metadata.dtype.to_native_dtype()
    if dtype.hasobject:
        raise CorruptData(f"dtype {dtype} is not one of plain values")
    by_region = is_by_region(metadata.attributes)
    reader = ArrayReader(snapshot, form=form, fill=fill, by_region=by_region)
    counts = [-(-size // step) for size, step in zip(metadata.shape, file_shape, strict=True)]
    nbytes = max(prod(metadata.shape), prod(file_shape)) * dtype.itemsize
    return _Stored(metadata, reader, file_shape, nbytes, prod(counts), form.shard is not None, by_region)


def _described(snapshot: SnapshotLike) -> tuple[Any, tuple[int, ...], FileForm]:
    """Return the metadata of an array, the shape of what a file of it holds, and how a file holds it."""
    try:
        content = snapshot.read("zarr.json", MOST_BYTES)
    except FileNotFoundError:
        return _described_v2(parsed(snapshot.read(".zarray", MOST_BYTES)))
    understand = _described_v3 if len(content) <= _SHORT else _described_v3.__wrapped__
    understood = understand(content)
    if understood is None:
        raise _GroupError
    return understood


@lru_cache(maxsize=64)
def _described_v3(content: bytes) -> tuple[Any, tuple[int, ...], FileForm] | None:
    """Understand a ``zarr.json``; ``None`` for that of a group. The fields of a plate share one document."""
    from zarr.core.metadata import ArrayV3Metadata

    document = parsed(content)
    if document.get("node_type") == "group":
        return None
    metadata = ArrayV3Metadata.from_dict(document)
    file_shape = metadata.chunk_grid.chunk_shape  # type: ignore[attr-defined]
    return metadata, file_shape, FileForm.of_v3(document, file_shape, _itemsize(metadata))


def _described_v2(document: Mapping[str, Any]) -> tuple[Any, tuple[int, ...], FileForm]:
    from zarr.core.metadata import ArrayV2Metadata

    metadata: Any = ArrayV2Metadata.from_dict(dict(document))
    file_shape = tuple(metadata.chunks)
    return metadata, file_shape, FileForm.of_v2(document, prod(file_shape) * _itemsize(metadata))


def _itemsize(metadata: Any) -> int:
    itemsize: int = metadata.dtype.to_native_dtype().itemsize
    return itemsize


def _selected_bytes(stored: _Stored, selection: Any) -> int:
    """Return what a part of an array, or the largest of its files, decodes to."""
    shape, files = stored.metadata.shape, stored.file_shape
    places = [place for place in selection if place is not ...] if isinstance(selection, tuple) else []
    kept = [
        len(range(*place.indices(size))) if isinstance(place, slice) else size
        for size, place in zip_longest(shape, places)
        if not isinstance(place, int)
    ]
    return max(prod(kept), prod(files)) * _itemsize(stored.metadata)


def _check_claims(stored: _Stored, snapshot: SnapshotLike, max_bytes: int | None, *, fill: bool) -> None:
    """Refuse to allocate what the files there cannot fill."""
    limit = _ALWAYS_ALLOWED if max_bytes is None else max_bytes
    if stored.nbytes <= limit and stored.chunks <= _MANY_CHUNKS:
        return
    files, _ = snapshot.extent()
    if files < stored.chunks and stored.by_region and not fill:
        raise CorruptData(
            f"only {files} of {stored.chunks} chunks are written: the array is written region by region"
        )
    _check_size(stored.nbytes, snapshot, max_bytes)
    if files < stored.chunks and not fill:
        raise CorruptData(
            f"only {files} of {stored.chunks} chunks are there. If another program left out chunks that hold "
            "nothing but the fill value, pass missing='fill'"
        )


def _check_size(nbytes: int, snapshot: SnapshotLike, max_bytes: int | None) -> None:
    limit = _ALWAYS_ALLOWED if max_bytes is None else max_bytes
    if nbytes > limit and max_bytes is None:
        limit = max(limit, _EXPANSION * snapshot.extent()[1])
    if nbytes > limit:
        raise CorruptData(
            f"it claims {nbytes} bytes, more than the limit of {limit}: "
            "load with max_bytes=... if you trust it"
        )
