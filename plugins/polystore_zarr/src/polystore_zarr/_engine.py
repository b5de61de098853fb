"""What encodes and decodes chunks: zarr-python, or the codec pipeline ``zarrs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from polystore_core import BackendUnavailable
from polystore_zarr._loops import run

if TYPE_CHECKING:
    from zarr import AsyncArray

    from polystore_zarr._regions import Region
    from polystore_zarr._snapshot import SnapshotLike

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


def put(array: AsyncArray[Any], region: Region, block: Array, *, engine: Engine, threads: int) -> None:
    """Write whole files of an array that is open on an :class:`ArrayWriter`.

    Parameters
    ----------
    array
        Open for writing.
    region
        Ends where files end.
    block
        Its values, of its shape.
    engine
        Encodes. Where ``zarrs`` would not give the bytes that zarr-python gives, zarr-python does it.
    threads
        How many chunks may be encoded at a time.
    """
    store: Any = array.store_path.store
    if engine == "zarrs" and hasattr(store, "directory"):
        from polystore_zarr import _zarrs

        if _zarrs.encodes_alike(array.metadata):
            store.size += _zarrs.store(array.metadata, store.directory, region, block, threads=threads)
            return
    run(array.setitem(region, block), threads=threads)


def get(
    array: AsyncArray[Any], snapshot: SnapshotLike, selection: Any, *, engine: Engine, threads: int
) -> Array:
    """Read a part of an array that is open on an :class:`ArrayReader`.

    Parameters
    ----------
    array
        Open for reading.
    snapshot
        What it is open on.
    selection
        As numpy takes it.
    engine
        Decodes. What ``zarrs`` cannot, zarr-python does.
    threads
        How many chunks may be decoded at a time.
    """
    if engine == "zarrs":
        from polystore_zarr import _zarrs

        part = _zarrs.retrieve(array, snapshot, selection, threads=threads)
        if part is not None:
            return part
    return np.asarray(run(array.getitem(selection), threads=threads))
