"""Fields, wells and plates that are copied and moved: whole, and listed where they are."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import obstore
import pytest
import zarr
from killed_writers import kill_started
from plates import PATTERN, STORE, listed_fields, paths_of, plane_of
from s3_server import BUCKET, S3
from zarr.storage import ObjectStore

from polystore_core import BackendRegistry, FileManager, PathExists, PathNotFound, StorageError
from polystore_zarr._remote import _namespace
from polystore_zarr._remote._transfer import copy_directory


class Place(NamedTuple):
    """A directory or a bucket with a plate of two wells with two fields each."""

    fm: FileManager
    base: str
    opened: Callable[[str], Any]

    @property
    def plate(self) -> str:
        """The store."""
        return self.base + STORE

    def listed(self, store: str = STORE) -> list[str]:
        """Validate a plate; see :func:`listed_fields`."""
        return listed_fields(self.opened(store))

    def assert_field(self, field: str, original: str, store: str = STORE) -> None:
        """Check that a field has the planes that another was saved with."""
        for path, plane in ((path, plane_of(path)) for path in paths_of(["A01", "B02"], [1, 2])):
            if path.startswith(original):
                well, site = field.rsplit("_s", 1)
                moved = path.replace(original, f"{well}_s{site}")
                loaded = self.fm.load(moved, backend="zarr", store=self.base + store)
                np.testing.assert_array_equal(loaded, plane)


def save(fm: FileManager, store: str, ngff: str = "0.5") -> None:
    paths = paths_of(["A01", "B02"], sites=[1, 2])
    planes = [plane_of(path) for path in paths]
    fm.save_batch(planes, paths, backend="zarr", pattern=PATTERN, store=store, ngff=ngff, levels=2)


def remote_manager(options: dict[str, Any]) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"storage_options": options}}))


def bucket_of(server: S3) -> Place:
    def opened(node: str) -> Any:
        return zarr.open_group(ObjectStore(server.store(node), read_only=True), mode="r")

    return Place(remote_manager(server.options), f"s3://{BUCKET}/", opened)


def emptied(server: S3) -> None:
    store = server.store()
    obstore.delete(store, [meta["path"] for page in obstore.list(store) for meta in page])


@pytest.fixture(params=["disk, 0.5", "disk, 0.4", "s3, 0.5", "s3, 0.4"])
def place(request: pytest.FixtureRequest, server: S3, tmp_path: Path) -> Iterator[Place]:
    where, ngff = request.param.split(", ")
    if where == "disk":
        fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
        place = Place(fm, "", lambda node: zarr.open_group(tmp_path / node, mode="r"))
    else:
        place = bucket_of(server)
    save(place.fm, place.plate, ngff)
    yield place
    emptied(server)


def test_a_field_is_moved_to_another_well(place: Place) -> None:
    place.fm.move(f"{place.plate}/A/1/2", f"{place.plate}/H/12/1", backend="zarr")
    assert place.listed() == ["A/1/1", "B/2/1", "B/2/2", "H/12/1"]
    place.assert_field("H12_s1", "A01_s2")
    with pytest.raises(PathNotFound):
        place.fm.load("A01_s2_w1_z5.tif", backend="zarr", store=place.plate)


def test_a_field_is_copied_within_its_well(place: Place) -> None:
    place.fm.copy(f"{place.plate}/A/1/1", f"{place.plate}/A/1/3", backend="zarr")
    assert place.listed() == ["A/1/1", "A/1/2", "A/1/3", "B/2/1", "B/2/2"]
    place.assert_field("A01_s3", "A01_s1")
    place.assert_field("A01_s1", "A01_s1")


def test_a_well_is_moved(place: Place) -> None:
    place.fm.move(f"{place.plate}/B/2", f"{place.plate}/C/3", backend="zarr")
    assert place.listed() == ["A/1/1", "A/1/2", "C/3/1", "C/3/2"]
    place.assert_field("C03_s2", "B02_s2")


def test_a_plate_is_moved_and_copied(place: Place) -> None:
    place.fm.copy(place.plate, f"{place.base}copy.zarr", backend="zarr")
    place.fm.move(place.plate, f"{place.base}moved.zarr", backend="zarr")
    for store in ("copy.zarr", "moved.zarr"):
        assert place.listed(store) == ["A/1/1", "A/1/2", "B/2/1", "B/2/2"]
        place.assert_field("B02_s1", "B02_s1", store)
    assert not place.fm.exists(place.plate, backend="zarr")


def test_no_field_is_replaced_by_a_move(place: Place) -> None:
    with pytest.raises(PathExists, match=r"B/2/1' exists already; delete it, or choose another target"):
        place.fm.move(f"{place.plate}/A/1/1", f"{place.plate}/B/2/1", backend="zarr")
    assert place.listed() == ["A/1/1", "A/1/2", "B/2/1", "B/2/2"]
    place.assert_field("B02_s1", "B02_s1")


def test_a_field_is_listed_where_it_was_copied_to_from_elsewhere(server: S3, tmp_path: Path) -> None:
    there = bucket_of(server)
    here = there._replace(base=f"{tmp_path}/", opened=lambda node: zarr.open_group(tmp_path / node, mode="r"))
    for source, target in ((here, there), (there, here)):
        save(source.fm, source.plate)
        save(target.fm, target.plate)
        source.fm.move(f"{source.plate}/A/1/2", f"{target.plate}/C/3/1", backend="zarr")
        assert source.listed() == ["A/1/1", "B/2/1", "B/2/2"]
        assert target.listed() == ["A/1/1", "A/1/2", "B/2/1", "B/2/2", "C/3/1"]
        target.assert_field("C03_s1", "A01_s2")
        source.fm.delete(source.plate, backend="zarr", recursive=True)
        target.fm.delete(target.plate, backend="zarr", recursive=True)


def test_what_is_changed_while_it_is_moved_in_a_bucket_stays(
    server: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = bucket_of(server)
    save(place.fm, place.plate)
    copy = copy_directory

    def copied_and_changed(*arguments: Any, **named: Any) -> None:
        copy(*arguments, **named)
        paths = paths_of(["A01"])
        planes = [plane_of(path) + 1 for path in paths]
        bucket_of(server).fm.save_batch(planes, paths, backend="zarr", pattern=PATTERN, store=place.plate)

    monkeypatch.setattr(_namespace, "copy_directory", copied_and_changed)
    with pytest.raises(StorageError, match="was changed while it was moved; move it again"):
        place.fm.move(place.plate, f"{place.base}moved.zarr", backend="zarr")
    loaded = place.fm.load("A01_s1_w1_z5.tif", backend="zarr", store=place.plate)
    np.testing.assert_array_equal(loaded, plane_of("A01_s1_w1_z5.tif") + 1)
    assert not place.fm.exists(f"{place.base}moved.zarr", backend="zarr")
    emptied(server)


def move_for_ever(options: dict[str, Any], ready: Any) -> None:
    """Move a plate there and back."""
    fm = remote_manager(options)
    there, back = f"s3://{BUCKET}/there.zarr", f"s3://{BUCKET}/{STORE}"
    ready.set()
    while True:
        fm.move(back, there, backend="zarr")
        fm.move(there, back, backend="zarr")


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.stress)])
def test_a_killed_mover_in_a_bucket_leaves_a_whole_plate(server: S3, kills: int) -> None:
    place = bucket_of(server)
    delays = random.Random(1)
    for _ in range(kills):
        emptied(server)
        save(place.fm, place.plate)
        kill_started(move_for_ever, server.options, delays.uniform(0.0, 2.0))
        whole = [store for store in (STORE, "there.zarr") if is_plate(server, store)]
        assert whole, "neither here nor there"
        for store in whole:
            assert place.listed(store) == ["A/1/1", "A/1/2", "B/2/1", "B/2/2"]
            for field in ("A01_s1", "A01_s2", "B02_s1", "B02_s2"):
                place.assert_field(field, field, store)


def is_plate(server: S3, store: str) -> bool:
    """Whether there is the document of a plate."""
    return any(meta["path"] == f"{store}/zarr.json" for page in obstore.list(server.store()) for meta in page)
