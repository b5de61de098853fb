"""Copies and moves between directories and an object store, without decoding."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plates import PATTERN, STORE, paths_of, plane_of, validated

from polystore_core import (
    BackendRegistry,
    FileManager,
    IsADirectory,
    NotADirectory,
    PathExists,
    PathNotFound,
    UnsupportedOperation,
)

FAR = "memory://far"
IMAGE = np.arange(4 * 6 * 8, dtype=np.uint16).reshape(4, 6, 8)


@pytest.fixture
def fm(tmp_path: Path) -> Iterator[FileManager]:
    origin = Path.cwd()
    os.chdir(tmp_path)
    yield FileManager(BackendRegistry())
    os.chdir(origin)


def save_plate(fm: FileManager, store: str, **options: Any) -> list[str]:
    paths = paths_of(["A01", "B02"], sites=[1, 2])
    planes = [plane_of(path) for path in paths]
    fm.save_batch(planes, paths, backend="zarr", pattern=PATTERN, store=store, levels=2, **options)
    labelled = paths_of(["A01"], channels=[1])
    labels = [(plane_of(path) % 5).astype(np.uint16) for path in labelled]
    fm.save_batch(labels, labelled, backend="zarr", pattern=PATTERN, store=store, labels="nuclei")
    return paths


def check_plate(fm: FileManager, store: str, paths: list[str]) -> None:
    for path, plane in zip(paths, fm.load_batch(paths, backend="zarr", store=store), strict=True):
        np.testing.assert_array_equal(plane, plane_of(path))
    label = fm.load(paths[0], backend="zarr", store=store, labels="nuclei")
    np.testing.assert_array_equal(label, plane_of(paths[0]) % 5)


@pytest.mark.parametrize("name", ["a.npy", "a", "a.zarr", "store.zarr/d/a"])
def test_an_array_goes_there_and_back(fm: FileManager, name: str) -> None:
    fm.save(IMAGE, name, backend="zarr", chunks=(2, 3, 4))
    fm.copy(name, f"{FAR}/d/{name}", backend="zarr")
    np.testing.assert_array_equal(fm.load(f"{FAR}/d/{name}", backend="zarr"), IMAGE)
    fm.copy(f"{FAR}/d/{name}", f"back/{name}", backend="zarr")
    np.testing.assert_array_equal(fm.load(f"back/{name}", backend="zarr"), IMAGE)
    fm.move(f"{FAR}/d/{name}", f"moved/{name}", backend="zarr")
    assert not fm.exists(f"{FAR}/d/{name}", backend="zarr")
    fm.move(f"moved/{name}", f"{FAR}/{name}", backend="zarr")
    assert not fm.exists(f"moved/{name}", backend="zarr")
    np.testing.assert_array_equal(fm.load(f"{FAR}/{name}", backend="zarr"), IMAGE)


@pytest.mark.parametrize("ngff", ["0.5", "0.4"])
def test_a_plate_goes_there_and_back(fm: FileManager, tmp_path: Path, ngff: str) -> None:
    paths = save_plate(fm, STORE, ngff=ngff)
    fm.copy(STORE, f"{FAR}/{STORE}", backend="zarr")
    check_plate(fm, f"{FAR}/{STORE}", paths)
    listed = [path.removeprefix(f"{STORE}/") for path in fm.list_files(STORE, backend="zarr", recursive=True)]
    far = fm.list_files(f"{FAR}/{STORE}", backend="zarr", recursive=True)
    assert [path.removeprefix(f"{FAR}/{STORE}/") for path in far] == listed
    fm.move(f"{FAR}/{STORE}", "back/again.ome.zarr", backend="zarr")
    assert not fm.exists(f"{FAR}/{STORE}", backend="zarr")
    check_plate(fm, "back/again.ome.zarr", paths)
    assert validated(tmp_path / "back/again.ome.zarr") == ["A/1/1", "A/1/2", "B/2/1", "B/2/2"]


@pytest.mark.parametrize("ngff", ["0.5", "0.4"])
def test_levels_that_were_overwritten_get_plain_names(fm: FileManager, tmp_path: Path, ngff: str) -> None:
    for _ in range(2):
        paths = save_plate(fm, f"{FAR}/{STORE}", ngff=ngff)
    fm.copy(f"{FAR}/{STORE}", STORE, backend="zarr")
    check_plate(fm, STORE, paths)
    assert len(validated(tmp_path / STORE)) == 4
    assert not list((tmp_path / STORE).rglob("version-*"))


def test_directories_keep_what_is_in_them(fm: FileManager) -> None:
    for number, name in enumerate(("d/a.npy", "d/e/b", "d/s.zarr/g/c")):
        fm.save(IMAGE + number, name, backend="zarr")
    fm.ensure_directory("d/empty", backend="zarr")
    fm.copy("d", f"{FAR}/d", backend="zarr")
    fm.copy(f"{FAR}/d", "back", backend="zarr")
    for top in (f"{FAR}/d", "back"):
        files = fm.list_files(top, backend="zarr", recursive=True)
        assert files == [f"{top}/a.npy", f"{top}/e/b", f"{top}/s.zarr/g/c"]
        assert fm.is_dir(f"{top}/empty", backend="zarr")
        for number, file in enumerate(files):
            np.testing.assert_array_equal(fm.load(file, backend="zarr"), IMAGE + number)


def test_what_is_there_is_replaced_only_if_it_may_be(fm: FileManager) -> None:
    fm.save(IMAGE, "a.zarr", backend="zarr")
    fm.save(IMAGE + 1, f"{FAR}/a.zarr", backend="zarr")
    fm.save(IMAGE, f"{FAR}/d/b.zarr", backend="zarr")
    fm.save(IMAGE, "d/b.zarr", backend="zarr")
    for source, target in (("a.zarr", f"{FAR}/a.zarr"), (f"{FAR}/a.zarr", "a.zarr")):
        with pytest.raises(PathExists):
            fm.copy(source, target, backend="zarr")
    for source, target in (("d", f"{FAR}/d"), (f"{FAR}/d", "d"), ("d", f"{FAR}/a.zarr")):
        with pytest.raises(PathExists):
            fm.copy(source, target, backend="zarr", overwrite=True)
    with pytest.raises(IsADirectory):
        fm.copy("a.zarr", f"{FAR}/d", backend="zarr", overwrite=True)
    with pytest.raises(NotADirectory):
        fm.copy("a.zarr", f"{FAR}/a.zarr/x", backend="zarr")
    for source, target in (("nothing", f"{FAR}/x"), (f"{FAR}/nothing", "x")):
        with pytest.raises(PathNotFound):
            fm.copy(source, target, backend="zarr")
    fm.copy("a.zarr", f"{FAR}/a.zarr", backend="zarr", overwrite=True)
    np.testing.assert_array_equal(fm.load(f"{FAR}/a.zarr", backend="zarr"), IMAGE)
    fm.save(IMAGE + 2, f"{FAR}/a.zarr", backend="zarr")
    fm.copy(f"{FAR}/a.zarr", "a.zarr", backend="zarr", overwrite=True)
    np.testing.assert_array_equal(fm.load("a.zarr", backend="zarr"), IMAGE + 2)


def test_two_buckets_do_not_exchange(fm: FileManager) -> None:
    fm.save(IMAGE, f"{FAR}/a.zarr", backend="zarr")
    with pytest.raises(UnsupportedOperation, match="they are in two buckets; copy it to a directory first"):
        fm.copy(f"{FAR}/a.zarr", "memory://near/a.zarr", backend="zarr")
