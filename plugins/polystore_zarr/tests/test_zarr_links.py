"""Links in a store: listed, not descended into, and with a root never copied from outside it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from polystore_core import AccessDenied, BackendRegistry, FileManager

IMAGE = np.arange(16, dtype=np.uint8).reshape(4, 4)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def fm(root: Path) -> FileManager:
    fm = FileManager(BackendRegistry({"zarr": {"root": root}}))
    fm.save(IMAGE, "data.zarr/A01/raw", backend="zarr")
    return fm


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """An array of somebody else, without compression, so that its chunk would be read as it is."""
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
    fm.save(IMAGE + 1, "secret.zarr", backend="zarr", compression="none")
    return tmp_path / "secret.zarr"


def test_a_link_to_where_it_lies_ends_no_listing_and_no_copy(fm: FileManager, root: Path) -> None:
    (root / "data.zarr/A01/around").symlink_to(root / "data.zarr")
    assert fm.list_files("data.zarr", backend="zarr", recursive=True) == ["data.zarr/A01/raw"]
    assert fm.list_dir("data.zarr/A01", backend="zarr") == ["data.zarr/A01/around", "data.zarr/A01/raw"]
    fm.copy("data.zarr", "copy.zarr", backend="zarr")
    assert fm.list_files("copy.zarr", backend="zarr", recursive=True) == ["copy.zarr/A01/raw"]
    np.testing.assert_array_equal(fm.load("copy.zarr/A01/raw", backend="zarr"), IMAGE)


def test_a_link_to_an_array_is_an_array_whose_copy_is_its_own(fm: FileManager, root: Path) -> None:
    fm.save(IMAGE * 2, "other.zarr/image", backend="zarr")
    (root / "data.zarr/A01/linked").symlink_to(root / "other.zarr/image")
    np.testing.assert_array_equal(fm.load("data.zarr/A01/linked", backend="zarr"), IMAGE * 2)
    fm.copy("data.zarr", "copy.zarr", backend="zarr")
    fm.delete("other.zarr", backend="zarr", recursive=True)
    np.testing.assert_array_equal(fm.load("copy.zarr/A01/linked", backend="zarr"), IMAGE * 2)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("A01/linked", "."),
        ("A01/raw/c/0/0", "c/0/0"),
        ("A01/raw/c/0", "c/0"),
        ("A01/zarr.json", "zarr.json"),
    ],
)
def test_what_lies_outside_the_root_is_not_copied_into_it(
    fm: FileManager, root: Path, outside: Path, link: str, target: str
) -> None:
    place = root / "data.zarr" / link
    if place.exists():
        os.rename(place, root / "set-aside")
    place.symlink_to(outside / target)
    with pytest.raises(AccessDenied, match=f"the link 'data.zarr/{link}' leads out of the root"):
        fm.copy("data.zarr", "copy.zarr", backend="zarr")
    assert not (root / "copy.zarr").exists()


def test_a_link_that_is_not_followed_may_lead_out(fm: FileManager, root: Path, tmp_path: Path) -> None:
    (root / "data.zarr/A01/out").symlink_to(tmp_path)
    fm.copy("data.zarr", "copy.zarr", backend="zarr")
    assert fm.list_dir("copy.zarr/A01/out", backend="zarr") == []
