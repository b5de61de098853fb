"""Plates in an object store: valid for others, whole for readers, whoever is killed."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import pickle
import random
import threading
import time
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest
import zarr
from killed_writers import kill_started
from ome_zarr_models import v04, v05
from plates import PATTERN, attributes_of, listed_fields, paths_of, plane_of, plate_model
from s3_server import BUCKET, S3
from zarr.storage import ObjectStore

from polystore_core import (
    AccessDenied,
    BackendRegistry,
    BatchError,
    CorruptData,
    FileManager,
    InvalidOption,
    InvalidPath,
    PathNotFound,
    StorageError,
    UnsupportedOperation,
)

STORE = "plates/plate.ome.zarr"
URL = f"s3://{BUCKET}/{STORE}"

pytestmark = pytest.mark.filterwarnings("ignore:Object at:UserWarning")


@pytest.fixture
def fm(s3: S3) -> FileManager:
    return manager(s3)


def manager(s3: S3, **options: Any) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"storage_options": s3.options, **options}}))


def save(fm: FileManager, paths: list[str], *, added: int = 0, **options: Any) -> None:
    planes = [plane_of(path) + np.uint16(added) for path in paths]
    fm.save_batch(planes, paths, backend="zarr", **{"pattern": PATTERN, "store": URL} | options)


def opened(s3: S3, prefix: str = STORE) -> Any:
    return zarr.open_group(ObjectStore(s3.store(prefix), read_only=True), mode="r")


def validated(s3: S3) -> list[str]:
    """Validate the plate; see :func:`listed_fields`."""
    return listed_fields(opened(s3))


def keys(s3: S3, prefix: str = "") -> list[str]:
    return sorted(meta["path"] for page in obstore.list(s3.store(), prefix or None) for meta in page)


def versions(s3: S3, node: str) -> set[str]:
    inside = [key.removeprefix(f"{node}/").split("/")[0] for key in keys(s3, node)]
    return {name[: len("version-") + 32] for name in inside if name.startswith("version-")}


@pytest.mark.parametrize("ngff", ["0.5", "0.4"])
class TestPlates:
    """What is asked of a plate on disk too."""

    def test_others_find_a_valid_plate(self, fm: FileManager, s3: S3, ngff: str) -> None:
        save(fm, paths_of(["A01", "H12"], sites=[1, 2]), ngff=ngff, levels=2, channel_names=["DAPI", "GFP"])
        assert validated(s3) == ["A/1/1", "A/1/2", "H/12/1", "H/12/2"]
        image = (v05 if ngff == "0.5" else v04).Image.from_zarr(opened(s3, f"{STORE}/A/1/2"))
        datasets = attributes_of(image).multiscales[0].datasets
        array: Any = opened(s3, f"{STORE}/A/1/2")[datasets[0].path]
        np.testing.assert_array_equal(array[1, 0], plane_of("A01_s2_w2_z5.tif"))

    def test_planes_come_back_by_path_and_by_coordinates(self, fm: FileManager, ngff: str) -> None:
        paths = paths_of(["A01", "B02"], sites=[1, 2])
        save(fm, paths, ngff=ngff, levels=2)
        for path, plane in zip(paths, fm.load_batch(paths, backend="zarr", store=URL), strict=True):
            np.testing.assert_array_equal(plane, plane_of(path))
        at = {"well": "B02", "field": 2, "channel": 2, "z": 5}
        np.testing.assert_array_equal(fm.load(URL, backend="zarr", at=at), plane_of("B02_s2_w2_z5.tif"))
        assert fm.load(URL, backend="zarr", at=at, level=1).shape == (10, 15)

    def test_levels_are_listed_and_loaded(self, fm: FileManager, ngff: str) -> None:
        save(fm, paths_of(["A01"]), ngff=ngff, levels=2)
        files = [f"{URL}/A/1/1/0", f"{URL}/A/1/1/1"]
        assert fm.list_files(URL, backend="zarr", recursive=True) == files
        assert [fm.load(file, backend="zarr").shape for file in files] == [(2, 2, 20, 30), (2, 2, 10, 15)]
        with pytest.raises(UnsupportedOperation, match=r"cannot delete .* it is a level of an image"):
            fm.delete(files[0], backend="zarr")
        with pytest.raises(UnsupportedOperation, match=r"cannot move .* it is a level of an image"):
            fm.move(files[0], f"{URL}/x", backend="zarr")
        with pytest.raises(UnsupportedOperation, match=r"cannot write .* it is a level of an image"):
            fm.save(np.ones(3), files[0], backend="zarr")

    def test_labels_lie_beside_their_image_and_stay(self, fm: FileManager, s3: S3, ngff: str) -> None:
        paths = paths_of(["A01"], channels=[1])
        labels = [(plane_of(path) % 5).astype(np.uint32) for path in paths]
        save(fm, paths_of(["A01"]), ngff=ngff, levels=2)
        for name in ("nuclei", "cells"):
            fm.save_batch(labels, paths, backend="zarr", pattern=PATTERN, store=URL, labels=name)
        save(fm, paths_of(["A01"]), added=1, levels=2)
        image = (v05 if ngff == "0.5" else v04).Image.from_zarr(opened(s3, f"{STORE}/A/1/1"))
        assert attributes_of(image.labels).labels == ["cells", "nuclei"]
        loaded = fm.load(paths[1], backend="zarr", store=URL, labels="nuclei")
        np.testing.assert_array_equal(loaded, labels[1])

    def test_what_is_replaced_is_gone_and_nothing_is_left_over(
        self, fm: FileManager, s3: S3, ngff: str
    ) -> None:
        seen: list[set[str]] = []
        for added in range(3):
            save(fm, paths_of(["A01"]), added=added, ngff=ngff)
            seen.append(versions(s3, f"{STORE}/A/1/1"))
        assert [len(names) for names in seen] == [0, 1, 1]
        assert seen[1] != seen[2]
        assert not [key for key in keys(s3, f"{STORE}/A/1/1") if key.startswith(f"{STORE}/A/1/1/0")]
        with pytest.raises(BatchError, match="exists already; pass overwrite=True"):
            save(fm, paths_of(["A01"]), overwrite=False)
        with pytest.raises(BatchError, match="has channel 2, which this save has not"):
            save(fm, paths_of(["A01"], channels=[1]))
        assert len(versions(s3, f"{STORE}/A/1/1")) == 1
        fm.delete(f"{URL}/A/1/1", backend="zarr", recursive=True)
        assert keys(s3, f"{STORE}/A/1/1") == []
        assert validated(s3) == []

    def test_a_deleted_plate_can_be_saved_anew(self, fm: FileManager, s3: S3, ngff: str) -> None:
        save(fm, paths_of(["A01"]), ngff=ngff)
        fm.delete(URL, backend="zarr", recursive=True)
        assert keys(s3, STORE) == []
        save(fm, paths_of(["A01"]), ngff=ngff)
        assert validated(s3) == ["A/1/1"]

    def test_a_copied_and_a_moved_plate_are_whole(self, fm: FileManager, s3: S3, ngff: str) -> None:
        save(fm, paths_of(["A01"]), ngff=ngff)
        fm.copy(URL, f"s3://{BUCKET}/copy.ome.zarr", backend="zarr")
        fm.move(URL, f"s3://{BUCKET}/archive/old.ome.zarr", backend="zarr")
        assert keys(s3, STORE) == []
        for store in ("copy.ome.zarr", "archive/old.ome.zarr"):
            assert len(list(plate_model(opened(s3, store)).well_groups)) == 1
            plane = fm.load("A01_s1_w1_z5.tif", backend="zarr", store=f"s3://{BUCKET}/{store}")
            np.testing.assert_array_equal(plane, plane_of("A01_s1_w1_z5.tif"))

    def test_acquisitions(self, fm: FileManager, s3: S3, ngff: str) -> None:
        for acquisition in (2, 1):
            save(fm, paths_of(["A01"], sites=[1, 2]), acquisition=acquisition, ngff=ngff, added=acquisition)
        assert validated(s3) == ["A/1/a1f1", "A/1/a1f2", "A/1/a2f1", "A/1/a2f2"]
        plate = attributes_of(plate_model(opened(s3))).plate
        assert [(one.id, one.maximumfieldcount) for one in plate.acquisitions] == [(1, 2), (2, 2)]


def test_a_field_is_a_dask_array_that_travels(fm: FileManager) -> None:
    save(fm, paths_of(["A01"]))
    lazy = pickle.loads(pickle.dumps(fm.load(URL, backend="zarr", at={"well": "A01"}, lazy=True)))
    assert lazy.chunksize == (1, 1, 20, 30)
    plane = lazy[1, 0].compute(scheduler="processes", num_workers=1)
    np.testing.assert_array_equal(plane, plane_of("A01_s1_w2_z5.tif"))
    save(fm, paths_of(["A01"]), added=1)
    with pytest.raises(StorageError, match="was replaced since it was loaded lazily; load it again"):
        lazy[0, 0].compute(scheduler="sync")


def test_a_field_that_was_not_committed_is_not_found(fm: FileManager, s3: S3) -> None:
    save(fm, paths_of(["A01"]))
    obstore.delete(s3.store(), f"{STORE}/A/1/1/zarr.json")
    with pytest.raises(PathNotFound, match="has no field 'A/1/1'"):
        fm.load("A01_s1_w1_z5.tif", backend="zarr", store=URL)


def save_fields(options: dict[str, Any], fields: list[tuple[str, int]]) -> None:
    fm = FileManager(BackendRegistry({"zarr": {"storage_options": options}}))
    for well, site in fields:
        save(fm, paths_of([well], sites=[site], channels=[1], zs=[1]))


def test_a_plate_written_by_many_processes_is_valid_at_every_instant(s3: S3) -> None:
    wells = [f"{row}{column:02d}" for row in "ABCD" for column in (1, 2, 3)]
    fields = [(well, site) for well in wells for site in (1, 2)]
    random.Random(0).shuffle(fields)
    context: Any = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=save_fields, args=(s3.options, fields[number::4])) for number in range(4)
    ]
    for worker in workers:
        worker.start()
    seen = [0]
    while any(worker.is_alive() for worker in workers):
        with contextlib.suppress(FileNotFoundError):
            seen.append(len(validated(s3)))
        assert seen[-1] >= seen[-2:][0], "a field is no longer listed"
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(validated(s3)) == len(fields)
    assert max(seen) > 0, "nobody looked while it was written"
    paths = paths_of(wells, sites=[1, 2], channels=[1], zs=[1])
    for path, plane in zip(paths, manager(s3).load_batch(paths, backend="zarr", store=URL), strict=True):
        np.testing.assert_array_equal(plane, plane_of(path))


def overwrite_for_ever(options: dict[str, Any], ready: Any) -> None:
    """Replace an array and a field by versions of which every pixel says which one it is."""
    fm = FileManager(BackendRegistry({"zarr": {"storage_options": options}}))
    paths = paths_of(["A01"])
    for version in count(1):
        pixels = np.full((4, 32, 32), version % 60_000, np.uint16)
        fm.save(pixels, f"s3://{BUCKET}/image.zarr", backend="zarr", chunks=(1, 16, 16))
        fm.save_batch(list(pixels), paths, backend="zarr", pattern=PATTERN, store=URL)
        ready.set()


@pytest.mark.parametrize("kills", [6, pytest.param(200, marks=pytest.mark.stress)])
def test_a_killed_writer_leaves_old_or_new(s3: S3, kills: int) -> None:
    fm, paths = manager(s3), paths_of(["A01"])
    image = f"s3://{BUCKET}/image.zarr"
    fm.save(np.zeros((4, 32, 32), np.uint16), image, backend="zarr")
    fm.save_batch([np.zeros((32, 32), np.uint16)] * 4, paths, backend="zarr", pattern=PATTERN, store=URL)
    delays = random.Random(1)
    for _ in range(kills):
        kill_started(overwrite_for_ever, s3.options, delays.uniform(0.0, 0.15))
        found = fm.load(image, backend="zarr")
        assert (found.shape, len(np.unique(found))) == ((4, 32, 32), 1)
        assert len(np.unique(fm.load_batch(paths, backend="zarr", store=URL))) == 1
    assert validated(s3) == ["A/1/1"]
    tidy = manager(s3, abandoned_after=0.0)
    tidy.save(np.zeros((4, 4)), image, backend="zarr")
    save(tidy, paths_of(["A01"]))
    assert [len(versions(s3, node)) for node in ("image.zarr", f"{STORE}/A/1/1")] == [1, 1]


def test_what_is_being_written_is_not_taken_for_abandoned(fm: FileManager, s3: S3) -> None:
    url = f"s3://{BUCKET}/image.zarr"
    fm.save(np.zeros((4, 4)), url, backend="zarr")
    unfinished = f"image.zarr/version-{'0' * 32}/c/0/0"
    obstore.put(s3.store(), unfinished, b"chunk")
    fm.save(np.ones((4, 4)), url, backend="zarr")
    assert unfinished in keys(s3)
    assert fm.list_dir(f"s3://{BUCKET}", backend="zarr") == [url]
    manager(s3, abandoned_after=0.0).save(np.ones((4, 4)), url, backend="zarr")
    assert unfinished not in keys(s3)


@pytest.mark.parametrize("ngff", ["0.5", "0.4"])
def test_a_first_version_that_was_never_committed_is_no_field(fm: FileManager, s3: S3, ngff: str) -> None:
    save(fm, paths_of(["A01", "B02"]), ngff=ngff)
    field, name = f"{STORE}/B/2/1", "zarr.json" if ngff == "0.5" else ".zattrs"
    document = json.loads(bytes(obstore.get(s3.store(), f"{field}/{name}").bytes()))
    claim = {"polystore": {"claim": "version-" + "0" * 32}}
    document = claim if ngff == "0.4" else {**document, "attributes": claim}
    obstore.put(s3.store(), f"{field}/{name}", json.dumps(document).encode())
    assert f"{URL}/B/2/1/0" not in fm.list_files(URL, backend="zarr", recursive=True)
    assert not fm.exists(f"{URL}/B/2/1", backend="zarr")
    with pytest.raises(PathNotFound, match="has no field 'B/2/1'"):
        fm.load("B02_s1_w1_z5.tif", backend="zarr", store=URL)
    save(fm, paths_of(["B02"]), added=1, overwrite=False)
    assert len(versions(s3, field)) == 1
    assert [key for key in keys(s3, field) if key.startswith(f"{field}/0/")], "it may be written yet"
    loaded = fm.load("B02_s1_w1_z5.tif", backend="zarr", store=URL)
    np.testing.assert_array_equal(loaded, plane_of("B02_s1_w1_z5.tif") + 1)


def test_what_was_claimed_and_abandoned_goes(s3: S3) -> None:
    fm, field = manager(s3, abandoned_after=0.0), f"{STORE}/A/1/1"
    save(fm, paths_of(["A01"]))
    document = json.loads(bytes(obstore.get(s3.store(), f"{field}/zarr.json").bytes()))
    document["attributes"] = {"polystore": {"claim": "version-" + "0" * 32}}
    obstore.put(s3.store(), f"{field}/zarr.json", json.dumps(document).encode())
    save(fm, paths_of(["A01"]))
    assert not [key for key in keys(s3, field) if key.startswith(f"{field}/0/")]


def test_first_writers_of_one_field_do_not_mix(s3: S3) -> None:
    paths, start = paths_of(["A01"]), threading.Barrier(4)

    def write(number: int) -> None:
        fm = manager(s3)
        planes = [np.full((64, 64), number, np.uint16)] * 4
        start.wait()
        fm.save_batch(planes, paths, backend="zarr", pattern=PATTERN, store=URL, chunks=(16, 16))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(1, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(np.unique(manager(s3).load(URL, backend="zarr", at={"well": "A01"}))) == 1
    assert validated(s3) == ["A/1/1"]


class TestAddresses:
    """URLs, roots and options."""

    def test_urls_are_normalised(self, fm: FileManager) -> None:
        fm.save(np.ones(3), f"s3://{BUCKET}//a/../b/image.zarr", backend="zarr")
        assert fm.list_files(f"s3://{BUCKET}/b/", backend="zarr") == [f"s3://{BUCKET}/b/image.zarr"]

    def test_a_root_is_not_left(self, s3: S3) -> None:
        fm = manager(s3, root=f"s3://{BUCKET}/mine")
        fm.save(np.ones(3), "a/image.zarr", backend="zarr")
        assert keys(s3)[0].startswith("mine/a/image.zarr/")
        assert fm.load(f"s3://{BUCKET}/mine/a/image.zarr", backend="zarr").shape == (3,)
        for path in (f"s3://{BUCKET}/other/image.zarr", f"s3://{BUCKET}/mine2/a", "../other"):
            with pytest.raises(AccessDenied, match="leads out of the root of its store"):
                fm.load(path, backend="zarr")
        assert fm.list_files(".", backend="zarr", recursive=True) == ["./a/image.zarr"]

    def test_a_directory_as_root_is_not_left_by_a_url(self, s3: S3, tmp_path: Path) -> None:
        with pytest.raises(AccessDenied, match="leads out of the root of its store"):
            manager(s3, root=tmp_path).load(f"{URL}/A", backend="zarr")

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("ftp://host/image.zarr", "backend 'zarr' knows no such URLs; it knows s3://, gs://, memory://"),
            ("s3:/bucket/image.zarr", "write 's3://bucket/...' as text, path objects drop a slash"),
        ],
    )
    def test_other_urls_are_refused(self, fm: FileManager, path: str, message: str) -> None:
        with pytest.raises(InvalidPath) as caught:
            fm.load(path, backend="zarr")
        assert message in str(caught.value)

    def test_options_that_obstore_does_not_know(self) -> None:
        fm = FileManager(BackendRegistry({"zarr": {"storage_options": {"regoin": "x"}}}))
        with pytest.raises(InvalidOption, match=f"storage_options do not fit 's3://{BUCKET}'.*regoin"):
            fm.load(URL, backend="zarr")

    def test_a_server_that_does_not_answer(self) -> None:
        options = {
            "endpoint": "http://127.0.0.1:9",
            "region": "us-east-1",
            "access_key_id": "a",
            "secret_access_key": "b",
            "client_options": {"allow_http": True},
            "retry_config": {"max_retries": 0},
        }
        fm = FileManager(BackendRegistry({"zarr": {"storage_options": options}}))
        with pytest.raises(StorageError, match="the object store failed: "):
            fm.load(URL, backend="zarr")

    def test_credentials_come_from_the_environment(self, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
        manager(s3).save(np.ones(3), f"s3://{BUCKET}/image.zarr", backend="zarr")
        for name, value in {
            "AWS_ENDPOINT": s3.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(name, value)
        fm = FileManager(BackendRegistry())
        assert fm.load(f"s3://{BUCKET}/image.zarr", backend="zarr").shape == (3,)

    def test_memory_is_of_one_file_manager(self) -> None:
        one, other = FileManager(BackendRegistry()), FileManager(BackendRegistry())
        one.save(np.ones(3), "memory://here/image.zarr", backend="zarr")
        assert one.exists("memory://here/image.zarr", backend="zarr")
        assert not one.exists("memory://there/image.zarr", backend="zarr")
        assert not other.exists("memory://here/image.zarr", backend="zarr")
        lazy: Any = one.load("memory://here/image.zarr", backend="zarr", lazy=True)
        np.testing.assert_array_equal(lazy.compute(), np.ones(3))
        with pytest.raises(UnsupportedOperation, match="is in the memory of this process"):
            pickle.dumps(lazy)


def test_one_plane_asks_for_its_chunk_and_two_documents(
    fm: FileManager, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(fm, paths_of(["A01", "A02", "B02"], zs=range(6)))
    asked: list[str] = []
    for name in ("get", "get_async", "head", "list", "list_with_delimiter"):
        original = getattr(obstore, name)

        def counted(store: Any, path: str = "", *args: Any, _original: Any = original, **named: Any) -> Any:
            asked.append(path.removeprefix(f"{STORE}/"))
            return _original(store, path, *args, **named)

        monkeypatch.setattr(obstore, name, counted)
    fm.load("B02_s1_w2_z3.tif", backend="zarr", store=URL, pattern=PATTERN)
    assert asked == ["B/2/1/zarr.json", "B/2/1/0/zarr.json", "B/2/1/0/c/1/3/0/0", "B/2/1/zarr.json"]


def test_documents_that_others_damaged_are_left_as_they_are(fm: FileManager, s3: S3) -> None:
    save(fm, paths_of(["A01"]))
    for key in (f"{STORE}/zarr.json", f"{STORE}/A/1/zarr.json"):
        before = bytes(obstore.get(s3.store(), key).bytes())
        obstore.put(s3.store(), key, b'{"zarr_format"')
        with pytest.raises((BatchError, CorruptData), match=r"(?s)zarr\.json.*left as it is"):
            save(manager(s3), paths_of(["A02" if key == f"{STORE}/zarr.json" else "A01"], sites=[2]))
        assert bytes(obstore.get(s3.store(), key).bytes()) == b'{"zarr_format"'
        obstore.put(s3.store(), key, before)


def test_a_version_that_leads_elsewhere_is_not_followed(fm: FileManager, s3: S3) -> None:
    url = f"s3://{BUCKET}/image.zarr"
    fm.save(np.ones(3), url, backend="zarr")
    fm.save(np.ones(3), f"s3://{BUCKET}/secret.zarr", backend="zarr")
    document = json.loads(bytes(obstore.get(s3.store(), "image.zarr/zarr.json").bytes()))
    for version in ("../secret.zarr", "", None, "version-../../secret", 7):
        document["attributes"]["polystore"]["version"] = version
        obstore.put(s3.store(), "image.zarr/zarr.json", json.dumps(document).encode())
        with pytest.raises(CorruptData, match="is not the name of a version"):
            fm.load(url, backend="zarr")


def test_time_of_a_claim_passes(fm: FileManager, s3: S3) -> None:
    """A mover that was killed does not keep others from moving for ever."""
    url, target = f"s3://{BUCKET}/image.zarr", f"s3://{BUCKET}/moved.zarr"
    fm.save(np.ones(3), url, backend="zarr")
    document = json.loads(bytes(obstore.get(s3.store(), "image.zarr/zarr.json").bytes()))
    document["attributes"]["polystore"]["moving_since"] = time.time()
    obstore.put(s3.store(), "image.zarr/zarr.json", json.dumps(document).encode())
    with pytest.raises(PathNotFound, match="somebody else is moving it"):
        fm.move(url, target, backend="zarr")
    assert fm.load(url, backend="zarr").shape == (3,)
    manager(s3, abandoned_after=0.0).move(url, target, backend="zarr")
    assert fm.list_files(f"s3://{BUCKET}", backend="zarr") == [target]
