"""Copies and moves that would put a directory into itself, by whatever name or link."""

from __future__ import annotations

import os

import numpy as np
import pytest

from polystore import BackendRegistry, FileManager
from polystore_core import InvalidPath

IMAGE = np.arange(12, dtype=np.uint16).reshape(3, 4)


@pytest.fixture(params=["disk", "zarr"])
def backend(request, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return request.param


@pytest.fixture
def fm(backend):
    manager = FileManager(BackendRegistry())
    manager.save(IMAGE, "plate/image.npy", backend=backend)
    return manager


@pytest.mark.parametrize("operation", ["copy", "move"])
@pytest.mark.parametrize("target", ["plate/deep", "{here}/plate/deep", "../here/plate/deep", "link/deep"])
def test_a_directory_is_not_put_inside_itself(fm, backend, operation, target):
    os.symlink("plate", "link")
    before = fm.list_files("plate", backend=backend, recursive=True)
    with pytest.raises(InvalidPath, match="'plate' cannot be put inside itself, at"):
        getattr(fm, operation)("plate", target.format(here=os.getcwd()), backend=backend)
    assert fm.list_files("plate", backend=backend, recursive=True) == before


@pytest.mark.parametrize("target", ["copied", "{here}/copied"])
def test_nor_is_the_working_directory(fm, backend, target):
    with pytest.raises(InvalidPath, match=r"'\.' cannot be put inside itself"):
        fm.copy(".", target.format(here=os.getcwd()), backend=backend)
    assert not os.path.exists("copied")


@pytest.mark.parametrize("target", ["../copied", "{above}/copied"])
def test_the_working_directory_is_copied_elsewhere(fm, backend, target):
    fm.copy(".", target.format(above=os.path.dirname(os.getcwd())), backend=backend)
    np.testing.assert_array_equal(fm.load("../copied/plate/image.npy", backend=backend), IMAGE)


def test_the_working_directory_is_copied_to_a_bucket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fm = FileManager(BackendRegistry())
    fm.save(IMAGE, "plate/image.npy", backend="zarr")
    fm.copy(".", "memory://lab/copied", backend="zarr")
    np.testing.assert_array_equal(fm.load("memory://lab/copied/plate/image.npy", backend="zarr"), IMAGE)


def test_the_working_directory_is_not_moved(fm, backend):
    with pytest.raises(InvalidPath, match=r"'\.' is not moved as a whole; name what is in it"):
        fm.move(".", "../moved", backend=backend)
    assert fm.exists("plate/image.npy", backend=backend)
