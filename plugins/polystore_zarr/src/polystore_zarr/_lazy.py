"""Arrays that are read when they are computed: dask arrays over stored ones."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from polystore_core import BackendUnavailable, StorageError
from polystore_zarr._array_reading import file_shape_of, read_snapshot
from polystore_zarr._snapshot import consistently

if TYPE_CHECKING:
    import numpy as np

    from polystore_zarr._snapshot import SnapshotLike, SnapshotSource

__all__ = ["StoredArray", "lazy_array"]


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array as it is stored now, to be sliced; it pickles small and opens nothing until it is sliced.

    Attributes
    ----------
    source, inside, shown
        What snapshots are taken of, where the array is in it, and how the caller named it.
    shape, dtype
        Of the array.
    identity
        Tells this array from another one that takes its place.
    fill
        Whether a chunk without a file is full of the fill value.
    """

    source: str | SnapshotSource
    inside: str
    shown: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    identity: tuple[int | str, ...]
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
        part: np.ndarray[Any, Any] = consistently(
            self.source, lambda snapshot: self._read(_inside(snapshot, self.inside), selection)
        )
        return part

    def _read(self, snapshot: SnapshotLike, selection: Any) -> np.ndarray[Any, Any]:
        if snapshot.identity() != self.identity:
            raise StorageError(
                f"{self.shown!r} was replaced since it was loaded lazily; load it again", path=self.shown
            )
        return read_snapshot(
            snapshot, shown=self.shown, max_bytes=None, fill=self.fill, selection=selection, threads=1
        )


def _inside(snapshot: SnapshotLike, inside: str) -> SnapshotLike:
    return snapshot.part(inside) if inside else snapshot


def lazy_array(source: str | SnapshotSource, *, shown: str, fill: bool, inside: str = "") -> Any:
    """Return a dask array whose chunks are the files of a stored array.

    Parameters
    ----------
    source, inside, shown, fill
        As for :class:`StoredArray`.

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

    def open_stored(snapshot: SnapshotLike) -> tuple[StoredArray, tuple[int, ...]]:
        array = _inside(snapshot, inside)
        shape, dtype, files = file_shape_of(array, shown=shown, fill=fill)
        return StoredArray(source, inside, shown, shape, dtype, array.identity(), fill), files

    stored, files = consistently(source, open_stored)
    return array_module.from_array(stored, chunks=files, name=False, asarray=False)
