"""What encodes and decodes chunks: this package what is of the common form, else zarr-python or ``zarrs``."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from polystore_core import BackendUnavailable, InvalidOption
from polystore_zarr._declaration import WRITE_ALL
from polystore_zarr._loops import run
from polystore_zarr._regions import region_of

if TYPE_CHECKING:
    from zarr import AsyncArray

    from polystore_zarr._chunk_store import ArrayReader, NewArrayStore
    from polystore_zarr._regions import Region

    Array = np.ndarray[Any, Any]

__all__ = ["Engine", "check_engine", "get", "put"]

Engine = Literal["zarr-python", "zarrs"]


def check_engine(engine: Engine) -> None:
    """Refuse an engine that is not installed.

    Raises
    ------
    BackendUnavailable
    """
    if engine == "zarrs":
        try:
            import polystore_zarr._zarrs  # noqa: F401
        except ImportError as error:
            raise BackendUnavailable(
                "engine='zarrs' needs the package zarrs, 0.2.3 or a later 0.2; "
                'pip install "polystore[zarr-fast]"'
            ) from error


def put(
    metadata: Any,
    store: NewArrayStore,
    region: Region,
    block: Array,
    *,
    engine: Engine = "zarr-python",
    threads: int,
) -> None:
    """Write whole files of an array.

    Parameters
    ----------
    metadata
        Of the array.
    store
        Takes the files.
    region
        Ends where files end.
    block
        Its values, of its shape.
    engine
        Encodes. Where ``zarrs`` would not give the bytes that zarr-python gives, zarr-python does it.
    threads
        How many chunks may be encoded at a time.
    """
    from polystore_zarr import _direct
    from polystore_zarr._chunk_store import ArrayWriter

    if isinstance(store, ArrayWriter):
        if engine == "zarrs":
            from polystore_zarr import _zarrs

            if _zarrs.encodes_alike(metadata):
                store.note(_zarrs.store(metadata, store.directory, region, block, threads=threads))
                return
        form = _direct.form_of(metadata)
        if form is not None:
            _direct.save(form, metadata, store, region, block, threads=threads)
            return
    run(_opened(metadata, store).setitem(region, block), threads=threads)


def get(metadata: Any, reader: ArrayReader, selection: Any, *, engine: Engine, threads: int) -> Array:
    """Read a part of an array.

    Parameters
    ----------
    metadata
        Of the array.
    reader
        Gives the files.
    selection
        As numpy takes it.
    engine
        Decodes what is not of the common form, which is decoded here, faster than by either. What ``zarrs``
        cannot, zarr-python does.
    threads
        How many chunks may be decoded at a time.
    """
    from polystore_zarr import _direct
    from polystore_zarr._snapshot import Snapshot

    wanted = _plain_region(selection, metadata.shape)
    if wanted is not None and isinstance(reader.snapshot, Snapshot):
        region, shape = wanted
        form = _direct.form_of(metadata)
        if form is not None:
            return _direct.load(form, metadata, reader, region, threads=threads).reshape(shape)
        if engine == "zarrs":
            from polystore_zarr import _zarrs

            part = _zarrs.retrieve(metadata, reader, region, threads=threads)
            if part is not None:
                return part.reshape(shape)
    return np.asarray(run(_opened(metadata, reader).getitem(selection), threads=threads))


def _opened(metadata: Any, store: ArrayReader | NewArrayStore) -> AsyncArray[Any]:
    """Let zarr open an array, which takes longer than to read or write a small one."""
    from zarr import AsyncArray
    from zarr.storage import StorePath

    return AsyncArray(metadata, StorePath(store), WRITE_ALL)


def _plain_region(selection: Any, shape: tuple[int, ...]) -> tuple[Region, tuple[int, ...]] | None:
    """Return what :func:`region_of` returns; ``None`` for what is no region, such as every second plane."""
    parts = selection if isinstance(selection, tuple) else (selection,)
    if not all(isinstance(part, slice | int | EllipsisType) for part in parts):
        return None
    try:
        return region_of(parts, shape)
    except InvalidOption:
        return None
