"""Regions of one array: planned, refused or merged where they share chunks, never read before written."""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
from functools import partial
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from killed_writers import kill_forked
from plates import PATTERN, STORE, paths_of, plane_of
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
)
from polystore_core.files import is_temporary_name
from polystore_zarr import plan_regions
from polystore_zarr._open_array import OpenArray


def manager(folder: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": folder}}))


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    return manager(tmp_path)


class TestPlan:
    """``plan_regions``."""

    @given(
        st.data(),
        st.lists(st.integers(0, 9), min_size=0, max_size=3).map(tuple),
        st.one_of(st.none(), st.integers(1, 12)),
    )
    @settings(max_examples=200)
    def test_regions_cover_an_array_once_and_end_where_files_end(
        self, data: Any, shape: tuple[int, ...], parts: int | None
    ) -> None:
        chunks = tuple(data.draw(st.integers(1, 4)) for _ in shape)
        shards = tuple(size * data.draw(st.integers(1, 3)) for size in chunks)
        regions = plan_regions(shape, "uint8", chunks=chunks, shards=shards, parts=parts)
        seen = np.zeros(shape, np.uint8)
        for region in regions:
            seen[region] += 1
            for part, step, size in zip(region, shards, shape, strict=True):
                assert part.start % step == 0
                assert part.stop % step == 0 or part.stop == size
        assert (seen == 1).all()
        assert parts is None or len(regions) <= parts

    def test_every_worker_gets_as_many_planes_as_any_other(self) -> None:
        regions = plan_regions((320, 64, 64), np.uint16, parts=8)
        assert [(part[0].start, part[0].stop) for part in regions] == [
            (n * 40, n * 40 + 40) for n in range(8)
        ]

    def test_the_sizes_are_checked(self) -> None:
        with pytest.raises(InvalidOption, match="shards must be whole multiples of chunks"):
            plan_regions((8, 8), "uint8", chunks=(3, 3), shards=(4, 4))
        with pytest.raises(InvalidOption, match="parts takes a number from 1; got 0"):
            plan_regions((8, 8), "uint8", parts=0)


@pytest.mark.parametrize("grid", GRIDS)
class TestFilling:
    """An array that is made empty and filled by regions."""

    def test_planned_regions_make_the_array(self, fm: FileManager, grid: dict[str, Any]) -> None:
        sizes = {name: grid[name] for name in ("chunks", "shards") if name in grid}
        for region in reversed(plan_regions(STACK.shape, STACK.dtype, **sizes)):
            fm.save(STACK[region], "stack.npy", backend="zarr", region=region, shape=STACK.shape, **grid)
        np.testing.assert_array_equal(fm.load("stack.npy", backend="zarr"), STACK)

    def test_it_is_stored_as_if_it_were_saved_at_once(
        self, fm: FileManager, tmp_path: Path, grid: dict[str, Any]
    ) -> None:
        fm.save(STACK, "at_once.zarr", backend="zarr", **grid)
        for region in plan_regions(STACK.shape, STACK.dtype, parts=2, chunks=(4, 16, 16)):
            fm.save(STACK[region], "filled.zarr", backend="zarr", region=region, shape=STACK.shape, **grid)
        chunks = sorted(
            path.relative_to(tmp_path / "at_once.zarr") for path in (tmp_path / "at_once.zarr/c").rglob("*")
        )
        assert chunks == sorted(
            path.relative_to(tmp_path / "filled.zarr") for path in (tmp_path / "filled.zarr/c").rglob("*")
        )
        for chunk in chunks:
            if (tmp_path / "at_once.zarr" / chunk).is_file():
                assert (tmp_path / "at_once.zarr" / chunk).read_bytes() == (
                    tmp_path / "filled.zarr" / chunk
                ).read_bytes()

    def test_single_planes_are_merged_into_shared_chunks(
        self, fm: FileManager, tmp_path: Path, grid: dict[str, Any]
    ) -> None:
        for index in random.Random(0).sample(range(10), 10):
            with pytest.raises((CorruptData, PathNotFound)):
                fm.load("stack.zarr", backend="zarr")
            fm.save(
                STACK[index],
                "stack.zarr",
                backend="zarr",
                region=index,
                shape=STACK.shape,
                on_conflict="serialise",
                **grid,
            )
        np.testing.assert_array_equal(fm.load("stack.zarr", backend="zarr"), STACK)
        assert os.listdir(tmp_path / "stack.zarr/.polystore") == ["lock"]

    def test_a_part_of_a_complete_array_is_replaced(self, fm: FileManager, grid: dict[str, Any]) -> None:
        fm.save(STACK, "stack.zarr", backend="zarr", **grid)
        expected = STACK.copy()
        expected[3:9, 5:20, ::1] = 7
        block = np.full((6, 15, 20), 7, np.uint16)
        region = np.s_[3:9, 5:20]
        fm.save(block, "stack.zarr", backend="zarr", region=region, on_conflict="serialise")
        np.testing.assert_array_equal(fm.load("stack.zarr", backend="zarr"), expected)


class TestUnfinished:
    """What is not written is never read."""

    def test_a_load_says_that_a_chunk_is_not_written_yet(self, fm: FileManager) -> None:
        declare(fm, "stack.zarr")
        with pytest.raises(CorruptData, match=r"chunk 'c/1/0/0' is not written yet, or not all of it"):
            fm.load("stack.zarr", backend="zarr")

    def test_a_chunk_that_lacks_one_plane_is_not_there(self, fm: FileManager) -> None:
        declare(fm, "stack.zarr")
        fm.save(STACK[4:7], "stack.zarr", backend="zarr", region=np.s_[4:7], on_conflict="serialise")
        with pytest.raises(CorruptData, match="c/1/0/0"):
            fm.load("stack.zarr", backend="zarr", region=np.s_[4:7])

    def test_a_region_that_is_written_is_loaded(self, fm: FileManager) -> None:
        declare(fm, "stack.zarr")
        np.testing.assert_array_equal(
            fm.load("stack.zarr", backend="zarr", region=np.s_[1:3, 5:9]), STACK[1:3, 5:9]
        )
        np.testing.assert_array_equal(fm.load("stack.zarr", backend="zarr", region=2), STACK[2])

    def test_a_large_one_says_how_much_is_written(self, fm: FileManager) -> None:
        fm.save(
            np.ones((1, 1000), np.uint8),
            "large",
            backend="zarr",
            region=np.s_[:1],
            shape=(10**6, 1000),
            chunks=(1, 1000),
        )
        with pytest.raises(CorruptData, match="only 1 of 1000000 chunks are written"):
            fm.load("large", backend="zarr")

    def test_a_copy_of_an_unfinished_array_is_finished_too(self, fm: FileManager) -> None:
        declare(fm, "stack.zarr")
        fm.save(STACK[4:7], "stack.zarr", backend="zarr", region=np.s_[4:7], on_conflict="serialise")
        fm.copy("stack.zarr", "copy.zarr", backend="zarr")
        fm.save(STACK[7:], "copy.zarr", backend="zarr", region=np.s_[7:], on_conflict="serialise")
        np.testing.assert_array_equal(fm.load("copy.zarr", backend="zarr"), STACK)

    def test_what_is_kept_of_an_unfinished_chunk_is_checked(self, fm: FileManager, tmp_path: Path) -> None:
        declare(fm, "stack.zarr")
        fm.save(STACK[4:7], "stack.zarr", backend="zarr", region=np.s_[4:7], on_conflict="serialise")
        (part,) = (tmp_path / "stack.zarr/.polystore").glob("*.part")
        part.write_bytes(part.read_bytes()[:-1])
        with pytest.raises(CorruptData, match="what is kept of the unfinished chunk 'c/1/0/0' is damaged"):
            fm.save(STACK[7], "stack.zarr", backend="zarr", region=7, on_conflict="serialise")
        fm.save(STACK[4:8], "stack.zarr", backend="zarr", region=np.s_[4:8])
        np.testing.assert_array_equal(fm.load("stack.zarr", backend="zarr", region=np.s_[:8]), STACK[:8])


class TestRefusals:
    """What is refused, and how."""

    def test_a_shared_chunk_is_refused_with_the_grid(self, fm: FileManager) -> None:
        declare(fm, "stack.zarr")
        with pytest.raises(InvalidOption) as caught:
            fm.save(STACK[2:6], "stack.zarr", backend="zarr", region=np.s_[2:6])
        assert str(caught.value) == (
            "region [2:6, 0:30, 0:20] of 'stack.zarr' covers some chunks only in part, and writers that "
            "share one could lose each other's values: array 10 x 30 x 20 in 3 x 1 x 1 chunks of 4 x 30 x "
            "20. Write [0:8, 0:30, 0:20], take regions from polystore_zarr.plan_regions, or pass "
            "on_conflict='serialise'"
        )

    def test_what_is_refused_leaves_nothing(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(STACK, "stack.zarr", backend="zarr", chunks=(4, 30, 20))
        with pytest.raises(InvalidOption):
            fm.save(STACK[2:6], "stack.zarr", backend="zarr", region=np.s_[2:6])
        assert sorted(os.listdir(tmp_path / "stack.zarr")) == ["c", "zarr.json"]

    def test_a_shared_shard_is_refused_with_the_grid(self, fm: FileManager) -> None:
        grid: dict[str, Any] = {"chunks": (1, 30, 20), "shards": (4, 30, 20)}
        with pytest.raises(
            InvalidOption, match="in 3 x 1 x 1 shards of 4 x 30 x 20, each of chunks 1 x 30 x 20"
        ):
            fm.save(STACK[0], "stack.zarr", backend="zarr", region=0, shape=STACK.shape, **grid)

    @pytest.mark.parametrize(
        ("block", "region", "error", "message"),
        [
            (STACK[:3], np.s_[:4], UnsupportedData, r"takes \(4, 30, 20\), the block is \(3, 30, 20\)"),
            (
                STACK[:4].astype("i4"),
                np.s_[:4],
                UnsupportedData,
                "holds uint16, the block is int32; nothing is",
            ),
            (STACK[:4], np.s_[:8:2], InvalidOption, "takes slices without steps"),
            (STACK[:4], np.s_[8:12], InvalidOption, r"within \(10, 30, 20\); axis 0"),
            (STACK[:4], np.s_[:4, ..., ...], InvalidOption, "more axes than the array"),
            (STACK[:4], (True,), InvalidOption, "axis 0"),
        ],
    )
    def test_blocks_and_regions_that_do_not_fit(
        self, fm: FileManager, block: Any, region: Any, error: Any, message: str
    ) -> None:
        declare(fm, "stack.zarr")
        with pytest.raises(error, match=message):
            fm.save(block, "stack.zarr", backend="zarr", region=region)

    def test_without_a_shape_the_array_must_be_there(self, fm: FileManager) -> None:
        with pytest.raises(PathNotFound, match="pass shape=, that of all of it, to make it"):
            fm.save(STACK[:4], "stack.zarr", backend="zarr", region=np.s_[:4])

    def test_a_shape_without_a_region(self, fm: FileManager) -> None:
        with pytest.raises(InvalidOption, match="pass region="):
            fm.save(STACK, "stack.zarr", backend="zarr", shape=STACK.shape)

    def test_sizes_of_an_array_that_is_there(self, fm: FileManager) -> None:
        declare(fm, "stack.zarr")
        with pytest.raises(InvalidOption, match="chunks= is settled when an array is made"):
            fm.save(STACK[4:8], "stack.zarr", backend="zarr", region=np.s_[4:8], chunks=(4, 30, 20))

    @pytest.mark.parametrize(
        ("changes", "what"),
        [
            ({"shape": (20, 30, 20)}, "shape"),
            ({"chunks": (2, 30, 20)}, "chunk grid"),
            ({"compression": "none"}, "codecs"),
        ],
    )
    def test_workers_that_declare_different_arrays(
        self, fm: FileManager, changes: dict[str, Any], what: str
    ) -> None:
        declare(fm, "stack.zarr")
        options = {"shape": STACK.shape, "chunks": (4, 30, 20)} | changes
        with pytest.raises(InvalidOption, match=f"'stack.zarr' is there already with another {what}"):
            fm.save(STACK[4:8], "stack.zarr", backend="zarr", region=np.s_[4:8], **options)

    def test_what_was_written_stays_without_overwrite(self, fm: FileManager) -> None:
        declare(fm, "stack.zarr")
        with pytest.raises(PathExists, match=r"region \[0:4, 0:30, 0:20\] .* has been written already"):
            fm.save(STACK[:4] + 1, "stack.zarr", backend="zarr", region=np.s_[:4], overwrite=False)
        fm.save(STACK[4:6], "stack.zarr", backend="zarr", region=np.s_[4:6], on_conflict="serialise")
        with pytest.raises(PathExists, match=r"region \[5:7, 0:30, 0:20\]"):
            fm.save(
                STACK[5:7] + 1,
                "stack.zarr",
                backend="zarr",
                region=np.s_[5:7],
                on_conflict="serialise",
                overwrite=False,
            )
        fm.save(
            STACK[6:],
            "stack.zarr",
            backend="zarr",
            region=np.s_[6:],
            on_conflict="serialise",
            overwrite=False,
        )
        np.testing.assert_array_equal(fm.load("stack.zarr", backend="zarr"), STACK)

    def test_a_level_of_a_plate_is_not_written_alone(self, fm: FileManager) -> None:
        paths = paths_of(["A01"])
        fm.save_batch([plane_of(path) for path in paths], paths, backend="zarr", pattern=PATTERN, store=STORE)
        block = np.zeros((1, 1, 20, 30), np.uint16)
        with pytest.raises(InvalidOption, match="is a level of an OME-NGFF image"):
            fm.save(block, f"{STORE}/A/1/1/0", backend="zarr", region=np.s_[:1, :1])

    def test_an_array_that_is_replaced_meanwhile_does_not_get_the_region(
        self, fm: FileManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declare(fm, "stack.zarr")
        other = np.zeros((2, 2), np.uint8)
        entered = OpenArray.lock

        def replaced_before(array: OpenArray) -> Any:
            manager(tmp_path).save(other, "stack.zarr", backend="zarr")
            return entered(array)

        monkeypatch.setattr(OpenArray, "lock", replaced_before)
        with pytest.raises(StorageError, match=r"'stack\.zarr' was replaced as a whole while a region"):
            fm.save(STACK[4:8], "stack.zarr", backend="zarr", region=np.s_[4:8])
        np.testing.assert_array_equal(fm.load("stack.zarr", backend="zarr"), other)


SLICES = 40
WORKERS = 8


def save_slices(folder: Path, number: int, shape: tuple[int, ...]) -> None:
    """Write every eighth plane, so that every chunk is shared by all processes."""
    fm = manager(folder)
    for index in range(number, shape[0], WORKERS):
        fm.save(
            np.full(shape[1:], index, np.uint16),
            "stack.zarr",
            backend="zarr",
            region=index,
            shape=shape,
            chunks=(16, *shape[1:]),
            on_conflict="serialise",
        )


def in_processes(target: Any, arguments: list[tuple[Any, ...]]) -> list[int | None]:
    context: Any = multiprocessing.get_context("spawn")
    workers = [context.Process(target=target, args=each) for each in arguments]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [worker.exitcode for worker in workers]


def test_eight_processes_lose_nothing_in_shared_chunks(tmp_path: Path) -> None:
    shape = (WORKERS * SLICES, 32, 32)
    assert (
        in_processes(save_slices, [(tmp_path, number, shape) for number in range(WORKERS)]) == [0] * WORKERS
    )
    stack = manager(tmp_path).load("stack.zarr", backend="zarr")
    np.testing.assert_array_equal(stack, np.broadcast_to(np.arange(shape[0])[:, None, None], shape))


def save_planned(folder: Path, number: int) -> None:
    region = plan_regions(STACK.shape, STACK.dtype, chunks=(2, 16, 16), parts=4)[number]
    manager(folder).save(
        STACK[region], "stack.zarr", backend="zarr", region=region, shape=STACK.shape, chunks=(2, 16, 16)
    )


def test_processes_with_planned_regions_need_nobody_to_begin(tmp_path: Path) -> None:
    assert in_processes(save_planned, [(tmp_path, number) for number in range(4)]) == [0] * 4
    np.testing.assert_array_equal(manager(tmp_path).load("stack.zarr", backend="zarr"), STACK)


def test_merged_regions_wait_for_whole_ones(tmp_path: Path) -> None:
    """Whole chunks and parts of the same chunks, from threads: whoever comes last is not undone by others."""
    fm = manager(tmp_path)
    fm.save(np.zeros((8, 16, 16), np.uint16), "stack.zarr", backend="zarr", chunks=(8, 16, 16))

    def write_whole() -> None:
        for version in range(1, 41):
            fm.save(np.full((8, 16, 16), version, np.uint16), "stack.zarr", backend="zarr", region=...)

    def write_plane() -> None:
        for version in range(1001, 1041):
            plane = np.full((16, 16), version, np.uint16)
            fm.save(plane, "stack.zarr", backend="zarr", region=3, on_conflict="serialise")

    threads = [threading.Thread(target=write) for write in (write_whole, write_plane)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stack = fm.load("stack.zarr", backend="zarr")
    others = np.delete(stack, 3, axis=0)
    assert np.unique(others).tolist() == [40]
    assert np.unique(stack[3]).tolist() in ([40], [1040])


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_a_part_of_a_shard_is_read_old_or_new(tmp_path: Path, engine: str, compression: str) -> None:
    """The index and the chunks of a shard are read one after the other, and it is replaced meanwhile."""
    fm = manager(tmp_path)
    versions = [np.full((8, 64, 64), 0, np.uint16) for _ in range(2)]
    versions[1][:] = np.random.default_rng(0).integers(0, 4000, (64, 64))
    layout: dict[str, Any] = {"chunks": (1, 64, 64), "shards": (8, 64, 64), "compression": compression}
    fm.save(versions[0], "stack.zarr", backend="zarr", **layout)
    stop = threading.Event()

    def replace() -> None:
        for number in count():
            manager(tmp_path).save(versions[number % 2], "stack.zarr", backend="zarr", region=...)
            if stop.is_set():
                break

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        for _ in range(300):
            part = fm.load("stack.zarr", backend="zarr", region=np.s_[2:6], engine=engine)
            assert any(np.array_equal(part, version[2:6]) for version in versions)
    finally:
        stop.set()
        writer.join()


def overwrite_for_ever(folder: Path) -> None:
    """Replace regions by versions of which every pixel says which one it is."""
    fm = manager(folder)
    regions = plan_regions((4, 64, 64), np.uint16, chunks=(2, 32, 32), parts=2)
    for version in count(1):
        for region in regions:
            block = np.full((2, 64, 64), version % 60_000, np.uint16)
            fm.save(block, "stack.zarr", backend="zarr", region=region)
        plane = np.full((64, 64), version % 60_000, np.uint16)
        fm.save(plane, "shared.zarr", backend="zarr", region=version % 4, on_conflict="serialise")


@pytest.mark.parametrize("kills", [25, pytest.param(200, marks=pytest.mark.stress)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_killed_writer_leaves_every_chunk_old_or_new(tmp_path: Path, kills: int) -> None:
    fm = manager(tmp_path)
    for name in ("stack.zarr", "shared.zarr"):
        fm.save(np.zeros((4, 64, 64), np.uint16), name, backend="zarr", chunks=(2, 32, 32))
    delays = random.Random(1)
    for _ in range(kills):
        kill_forked(partial(overwrite_for_ever, tmp_path), delays.uniform(0.005, 0.08))
        stack = manager(tmp_path).load("stack.zarr", backend="zarr")
        for place in product(range(2), repeat=3):
            chunk = stack[
                tuple(
                    slice(part * step, (part + 1) * step)
                    for part, step in zip(place, (2, 32, 32), strict=True)
                )
            ]
            assert len(np.unique(chunk)) == 1
        shared = manager(tmp_path).load("shared.zarr", backend="zarr")
        for plane, y, x in product(range(4), range(2), range(2)):
            assert len(np.unique(shared[plane, y * 32 : y * 32 + 32, x * 32 : x * 32 + 32])) == 1
    for name in ("stack.zarr", "shared.zarr"):
        fm.save(np.ones((4, 64, 64), np.uint16), name, backend="zarr", region=...)
        assert (fm.load(name, backend="zarr") == 1).all()
    assert not [path for path in tmp_path.rglob("*") if is_temporary_name(path.name)]


def test_a_batch_writes_the_same_region_of_every_path(fm: FileManager) -> None:
    blocks = [STACK[:4], STACK[4:8]]
    names = ["a.zarr", "b.zarr"]
    fm.save_batch(blocks, names, backend="zarr", region=np.s_[:4], shape=(4, 30, 20))
    for name, block in zip(names, blocks, strict=True):
        np.testing.assert_array_equal(fm.load(name, backend="zarr"), block)
    with pytest.raises(InvalidOption, match=r"'a\.zarr' is there already with another shape"):
        fm.save_batch(blocks, names, backend="zarr", region=np.s_[:4], shape=(4, 30, 21))
