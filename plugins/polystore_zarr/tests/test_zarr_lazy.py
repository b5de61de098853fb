"""Arrays that are read when they are computed."""

from __future__ import annotations

import pickle
from pathlib import Path

import dask.array
import numpy as np
import pytest

from polystore_core import BackendRegistry, CorruptData, FileManager, PathNotFound, StorageError

IMAGE = np.arange(4 * 8 * 8, dtype=np.uint16).reshape(4, 8, 8)


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
    fm.save(IMAGE, "image.npy", backend="zarr", chunks=(4, 4))
    return fm


def test_it_is_a_dask_array_of_the_stored_chunks(fm: FileManager) -> None:
    lazy = fm.load("image.npy", backend="zarr", lazy=True)
    assert isinstance(lazy, dask.array.Array)
    assert (lazy.shape, lazy.dtype, lazy.chunksize) == (IMAGE.shape, IMAGE.dtype, (1, 4, 4))
    np.testing.assert_array_equal(np.asarray(lazy), IMAGE)


def test_only_what_is_computed_is_read(fm: FileManager, tmp_path: Path) -> None:
    lazy = fm.load("image.npy", backend="zarr", lazy=True)
    (tmp_path / "image.npy.zarr/c/3/1/1").unlink()
    np.testing.assert_array_equal(lazy[2].compute(), IMAGE[2])
    with pytest.raises(CorruptData, match="chunk 'c/3/1/1' is missing"):
        lazy[3].compute()


def test_it_travels_to_workers(fm: FileManager) -> None:
    lazy = pickle.loads(pickle.dumps(fm.load("image.npy", backend="zarr", lazy=True)))
    np.testing.assert_array_equal(lazy.compute(scheduler="processes", num_workers=1), IMAGE)


def test_another_array_in_its_place_is_not_taken_for_it(fm: FileManager) -> None:
    lazy = fm.load("image.npy", backend="zarr", lazy=True)
    fm.save(IMAGE + 1, "image.npy", backend="zarr", chunks=(4, 4))
    with pytest.raises(
        StorageError, match=r"'image\.npy' was replaced since it was loaded lazily; load it again"
    ):
        lazy.compute()


def test_what_is_missing_is_told_at_once(fm: FileManager) -> None:
    with pytest.raises(PathNotFound):
        fm.load("nothing.npy", backend="zarr", lazy=True)
