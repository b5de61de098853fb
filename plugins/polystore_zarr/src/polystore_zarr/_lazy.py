"""Arrays that are read when they are computed: dask arrays over stored ones."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from polystore_core import BackendUnavailable, StorageError
from polystore_zarr._arrays import consistently, file_shape_of, read_snapshot

if TYPE_CHECKING:
    import numpy as np

    from polystore_zarr._snapshot import Snapshot

__all__ = ["StoredArray", "lazy_array"]


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array as it is stored now, to be sliced; it pickles small and opens nothing until it is sliced.

    Attributes
    ----------
    path, shown
        The array's directory, and how the caller named it.
    shape, dtype
        Of the array.
    identity
        Tells this array from another one that takes its place.
    fill
        Whether a chunk without a file is full of the fill value.
    """

    path: str
    shown: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    identity: tuple[int, ...]
    fill: bool = False

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, selection: Any) -> np.ndarray[Any, Any]:
        """Read a part; only the chunks that it touches are opened.

        Raises
        ------
        StorageError
            If the array was replaced since it was loaded.
        """
        part: np.ndarray[Any, Any] = consistently(self.path, lambda snapshot: self._read(snapshot, selection))
        return part

    def _read(self, snapshot: Snapshot, selection: Any) -> np.ndarray[Any, Any]:
        if snapshot.identity("zarr.json") != self.identity:
            raise StorageError(
                f"{self.shown!r} was replaced since it was loaded lazily; load it again", path=self.shown
            )
        return read_snapshot(
            snapshot, shown=self.shown, max_bytes=None, fill=self.fill, selection=selection, threads=1
        )


def lazy_array(path: str, *, shown: str, fill: bool) -> Any:
    """Return a dask array whose chunks are the files of a stored array.

    Raises
    ------
    BackendUnavailable
        If dask is not installed.
    IsADirectory, CorruptData
        As for a load; chunks are not looked at.
    """
    try:
        array_module = import_module("dask.array")
    except ImportError as error:
        raise BackendUnavailable('lazy=True needs dask; pip install "polystore-zarr[dask]"') from error

    def open_stored(snapshot: Snapshot) -> tuple[StoredArray, tuple[int, ...]]:
        shape, dtype, files = file_shape_of(snapshot, shown=shown, fill=fill)
        return StoredArray(path, shown, shape, dtype, snapshot.identity("zarr.json"), fill), files

    stored, files = consistently(path, open_stored)
    return array_module.from_array(stored, chunks=files, name=False, asarray=False)
