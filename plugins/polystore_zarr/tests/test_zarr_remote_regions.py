"""Regions of arrays in object stores: without a lock, and nothing lost."""

from __future__ import annotations

import multiprocessing
import random
import threading
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest
from killed_writers import kill_started
from s3_server import BUCKET, S3
from stacks import GRIDS, STACK, declare

from polystore_core import (
    BackendRegistry,
    CorruptData,
    FileManager,
    InvalidOption,
    PathExists,
    PathNotFound,
    StorageError,
    UnsupportedData,
    UnsupportedOperation,
)
from polystore_zarr import plan_regions
from polystore_zarr._blocks import Block, block_for
from polystore_zarr._remote import _filling

URL = f"s3://{BUCKET}/stack.zarr"


def keys(s3: S3) -> list[str]:
    return [meta["path"] for page in obstore.list(s3.store()) for meta in page]


def manager(options: dict[str, Any]) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"storage_options": options}}))


@pytest.fixture
def fm(s3: S3) -> FileManager:
    return manager(s3.options)


@pytest.mark.parametrize("url", [URL, "memory://here/stack.zarr"])
@pytest.mark.parametrize("grid", GRIDS)
class TestFilling:
    """An array that is made empty and filled by regions."""

    def test_planned_regions_make_the_array(self, fm: FileManager, url: str, grid: dict[str, Any]) -> None:
        sizes = {name: grid[name] for name in ("chunks", "shards") if name in grid}
        for region in reversed(plan_regions(STACK.shape, STACK.dtype, **sizes)):
            with pytest.raises((CorruptData, PathNotFound)):
                fm.load(url, backend="zarr")
            fm.save(STACK[region], url, backend="zarr", region=region, shape=STACK.shape, **grid)
        np.testing.assert_array_equal(fm.load(url, backend="zarr"), STACK)
        np.testing.assert_array_equal(fm.load(url, backend="zarr", region=np.s_[3, 5:9]), STACK[3, 5:9])

    def test_single_planes_are_merged_into_shared_chunks(
        self, fm: FileManager, url: str, grid: dict[str, Any]
    ) -> None:
        shared: dict[str, Any] = {"shape": STACK.shape, "on_conflict": "serialise", **grid}
        for index in random.Random(0).sample(range(10), 10):
            with pytest.raises((CorruptData, PathNotFound)):
                fm.load(url, backend="zarr")
            fm.save(STACK[index], url, backend="zarr", region=index, **shared)
        np.testing.assert_array_equal(fm.load(url, backend="zarr"), STACK)

    def test_a_part_of_a_complete_array_is_replaced(
        self, fm: FileManager, url: str, grid: dict[str, Any]
    ) -> None:
        fm.save(STACK, url, backend="zarr", **grid)
        expected = STACK.copy()
        expected[3:9, 5:20] = 7
        block = np.full((6, 15, 20), 7, np.uint16)
        fm.save(block, url, backend="zarr", region=np.s_[3:9, 5:20], on_conflict="serialise")
        np.testing.assert_array_equal(fm.load(url, backend="zarr"), expected)


class TestUnfinished:
    """What is not written is never read."""

    def test_a_load_says_that_a_chunk_is_not_written_yet(self, fm: FileManager) -> None:
        declare(fm, URL)
        fm.save(STACK[4:7], URL, backend="zarr", region=np.s_[4:7], on_conflict="serialise")
        with pytest.raises(CorruptData, match=r"chunk 'c/[12]/0/0' is not written yet, or not all of it"):
            fm.load(URL, backend="zarr")
        np.testing.assert_array_equal(fm.load(URL, backend="zarr", region=np.s_[1:3]), STACK[1:3])

    def test_nothing_is_kept_of_what_is_finished(self, fm: FileManager, s3: S3) -> None:
        declare(fm, URL)
        for index in range(4, 10):
            fm.save(STACK[index], URL, backend="zarr", region=index, on_conflict="serialise")
        assert not [key for key in keys(s3) if ".polystore" in key]

    def test_it_is_finished_wherever_it_is_copied_to(self, fm: FileManager, tmp_path: Path) -> None:
        declare(fm, URL)
        fm.save(STACK[4:7], URL, backend="zarr", region=np.s_[4:7], on_conflict="serialise")
        places = [f"s3://{BUCKET}/copy.zarr", str(tmp_path / "copy.zarr"), f"s3://{BUCKET}/back.zarr"]
        for source, target in zip([URL, *places], places, strict=False):
            fm.copy(source, target, backend="zarr")
        for place in places:
            fm.save(STACK[7:], place, backend="zarr", region=np.s_[7:], on_conflict="serialise")
            np.testing.assert_array_equal(fm.load(place, backend="zarr"), STACK)


class TestRefusals:
    """What is refused, and how."""

    def test_a_shared_chunk_is_refused_with_the_grid(self, fm: FileManager) -> None:
        declare(fm, URL)
        with pytest.raises(
            InvalidOption, match=r"array 10 x 30 x 20 in 3 x 1 x 1 chunks of 4 x 30 x 20. Write"
        ):
            fm.save(STACK[2:6], URL, backend="zarr", region=np.s_[2:6])

    @pytest.mark.parametrize(
        ("block", "options", "error", "message"),
        [
            (STACK[:3], {}, UnsupportedData, r"takes \(4, 30, 20\), the block is \(3, 30, 20\)"),
            (STACK[:4].astype("i4"), {}, UnsupportedData, "holds uint16, the block is int32"),
            (STACK[:4], {"chunks": (4, 30, 20)}, InvalidOption, "chunks= is settled when an array is made"),
            (STACK[:4], {"shape": (20, 30, 20)}, InvalidOption, "is there already with another shape"),
        ],
    )
    def test_what_does_not_fit(
        self, fm: FileManager, block: Any, options: dict[str, Any], error: Any, message: str
    ) -> None:
        declare(fm, URL)
        with pytest.raises(error, match=message):
            fm.save(block, URL, backend="zarr", region=np.s_[:4], **options)

    def test_without_a_shape_the_array_must_be_there(self, fm: FileManager, s3: S3) -> None:
        with pytest.raises(PathNotFound, match="pass shape=, that of all of it, to make it"):
            fm.save(STACK[:4], URL, backend="zarr", region=np.s_[:4])
        assert keys(s3) == []

    def test_what_was_written_stays_without_overwrite(self, fm: FileManager) -> None:
        declare(fm, URL)
        shared: dict[str, Any] = {"on_conflict": "serialise", "overwrite": False}
        with pytest.raises(PathExists, match=r"region \[0:4, 0:30, 0:20\] .* has been written already"):
            fm.save(STACK[:4] + 1, URL, backend="zarr", region=np.s_[:4], overwrite=False)
        fm.save(STACK[4:6], URL, backend="zarr", region=np.s_[4:6], **shared)
        with pytest.raises(PathExists, match=r"region \[5:7, 0:30, 0:20\]"):
            fm.save(STACK[5:7] + 1, URL, backend="zarr", region=np.s_[5:7], **shared)
        fm.save(STACK[6:], URL, backend="zarr", region=np.s_[6:], **shared)
        np.testing.assert_array_equal(fm.load(URL, backend="zarr"), STACK)

    def test_a_level_of_a_plate_is_not_written_alone(self, fm: FileManager) -> None:
        store = f"s3://{BUCKET}/plate.ome.zarr"
        fm.save_batch([STACK[0]], ["A01.tif"], backend="zarr", pattern="{well}.tif", store=store)
        with pytest.raises(UnsupportedOperation, match="is a level of an image"):
            fm.save(STACK[0], f"{store}/A/1/0/0", backend="zarr", region=...)

    def test_an_array_that_is_replaced_meanwhile_does_not_get_the_region(
        self, fm: FileManager, s3: S3, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declare(fm, URL)
        other = np.zeros((2, 2), np.uint8)

        def replaced_before(*arguments: Any, **named: Any) -> Block:
            manager(s3.options).save(other, URL, backend="zarr")
            return block_for(*arguments, **named)

        monkeypatch.setattr(_filling, "block_for", replaced_before)
        with pytest.raises(StorageError, match=r"was replaced as a whole while a region"):
            fm.save(STACK[4:8], URL, backend="zarr", region=np.s_[4:8])
        np.testing.assert_array_equal(fm.load(URL, backend="zarr"), other)


def save_slices(options: dict[str, Any], number: int, workers: int, shape: tuple[int, ...]) -> None:
    """Write every so manieth plane, so that every chunk is shared by all processes."""
    fm = manager(options)
    for index in range(number, shape[0], workers):
        fm.save(
            np.full(shape[1:], index, np.uint16),
            URL,
            backend="zarr",
            region=index,
            shape=shape,
            chunks=(16, *shape[1:]),
            on_conflict="serialise",
        )


@pytest.mark.parametrize(("workers", "slices"), [(4, 8), pytest.param(8, 40, marks=pytest.mark.stress)])
def test_processes_lose_nothing_in_shared_chunks(s3: S3, workers: int, slices: int) -> None:
    shape = (workers * slices, 16, 16)
    context: Any = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=save_slices, args=(s3.options, number, workers, shape))
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * workers
    stack = manager(s3.options).load(URL, backend="zarr")
    np.testing.assert_array_equal(stack, np.broadcast_to(np.arange(shape[0])[:, None, None], shape))


def test_merged_and_whole_regions_do_not_undo_each_other(fm: FileManager) -> None:
    fm.save(np.zeros((8, 16, 16), np.uint16), URL, backend="zarr", chunks=(8, 16, 16))

    def write_whole() -> None:
        for version in range(1, 11):
            fm.save(np.full((8, 16, 16), version, np.uint16), URL, backend="zarr", region=...)

    def write_plane() -> None:
        for version in range(1001, 1011):
            plane = np.full((16, 16), version, np.uint16)
            fm.save(plane, URL, backend="zarr", region=3, on_conflict="serialise")

    threads = [threading.Thread(target=write) for write in (write_whole, write_plane)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stack = fm.load(URL, backend="zarr")
    assert np.unique(np.delete(stack, 3, axis=0)).tolist() == [10]
    assert np.unique(stack[3]).tolist() in ([10], [1010])


def overwrite_for_ever(options: dict[str, Any], ready: Any) -> None:
    """Replace regions by versions of which every pixel says which one it is."""
    fm = manager(options)
    for version in count(1):
        plane = np.full((2, 16, 16), version % 60_000, np.uint16)
        fm.save(plane, URL, backend="zarr", region=np.s_[:2])
        fm.save(plane[0], URL, backend="zarr", region=2 + version % 2, on_conflict="serialise")
        ready.set()


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.stress)])
def test_a_killed_writer_leaves_every_chunk_old_or_new(s3: S3, kills: int) -> None:
    fm = manager(s3.options)
    fm.save(np.zeros((4, 16, 16), np.uint16), URL, backend="zarr", chunks=(2, 16, 16))
    delays = random.Random(1)
    for _ in range(kills):
        kill_started(overwrite_for_ever, s3.options, delays.uniform(0.0, 0.15))
        stack = fm.load(URL, backend="zarr")
        assert len(np.unique(stack[:2])) == 1
        assert [len(np.unique(plane)) for plane in stack[2:]] == [1, 1]
