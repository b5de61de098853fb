"""Many writers, killed writers: nothing lost, nothing invalid, old or new."""

from __future__ import annotations

import multiprocessing
import random
import threading
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from killed_writers import kill_forked
from plates import PATTERN, STORE, paths_of, plane_of, validated

from polystore_core import BackendRegistry, BatchError, FileManager
from polystore_core.files import is_temporary_name

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROWS = "ABCDEFGH"
PLATE_96 = [f"{row}{column:02d}" for row in ROWS for column in range(1, 13)]
PLATE_384 = [f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25)]


def manager(folder: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": folder}}))


def save_fields(folder: Path, fields: list[tuple[str, int]]) -> None:
    fm = manager(folder)
    for well, site in fields:
        paths = paths_of([well], sites=[site], channels=[1], zs=[1])
        fm.save_batch([plane_of(path) for path in paths], paths, backend="zarr", pattern=PATTERN, store=STORE)


def write_plate(
    folder: Path, wells: list[str], sites: int, processes: int, meanwhile: Callable[[], object]
) -> None:
    """Write every field once, dealt out to processes in random order, and do something all the time."""
    fields = [(well, site) for well in wells for site in range(1, sites + 1)]
    random.Random(0).shuffle(fields)
    context: Any = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=save_fields, args=(folder, fields[number::processes]))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        meanwhile()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * processes


@pytest.mark.parametrize(
    ("wells", "sites", "processes"),
    [(PLATE_96[::4], 2, 4), pytest.param(PLATE_384, 9, 8, marks=pytest.mark.stress)],
)
def test_a_plate_written_by_many_processes_is_valid_at_every_instant(
    tmp_path: Path, wells: list[str], sites: int, processes: int
) -> None:
    seen: list[int] = [0]

    def validate() -> None:
        if (tmp_path / STORE).exists():
            listed = validated(tmp_path / STORE)
            assert len(listed) >= seen[-1], "a field is no longer listed"
            seen.append(len(listed))

    write_plate(tmp_path, wells, sites, processes, validate)
    assert len(validated(tmp_path / STORE)) == len(wells) * sites
    paths = paths_of(wells, sites=range(1, sites + 1), channels=[1], zs=[1])
    planes = manager(tmp_path).load_batch(paths, backend="zarr", store=STORE)
    for path, plane in zip(paths, planes, strict=True):
        np.testing.assert_array_equal(plane, plane_of(path))
    assert max(seen[:-1]) > 0, "nobody looked while it was written"


def overwrite_for_ever(folder: Path) -> None:
    """Replace an array and a field by versions of which every pixel says which one it is."""
    fm = manager(folder)
    paths = paths_of(["A01"])
    for version in count():
        pixels = np.full((4, 64, 64), version % 60_000, np.uint16)
        fm.save(pixels, "image.npy", backend="zarr", chunks=(1, 32, 32))
        fm.save_batch(list(pixels), paths, backend="zarr", pattern=PATTERN, store=STORE)


@pytest.mark.parametrize("kills", [25, pytest.param(200, marks=pytest.mark.stress)])
def test_a_killed_writer_leaves_old_or_new(tmp_path: Path, kills: int) -> None:
    fm = manager(tmp_path)
    paths = paths_of(["A01"])
    fm.save(np.zeros((4, 64, 64), np.uint16), "image.npy", backend="zarr")
    fm.save_batch([np.zeros((64, 64), np.uint16)] * 4, paths, backend="zarr", pattern=PATTERN, store=STORE)
    delays = random.Random(1)
    for _ in range(kills):
        kill_forked(partial(overwrite_for_ever, tmp_path), delays.uniform(0.005, 0.08))
        reader = manager(tmp_path)
        image = reader.load("image.npy", backend="zarr")
        assert (image.shape, len(np.unique(image))) == ((4, 64, 64), 1)
        planes = reader.load_batch(paths, backend="zarr", store=STORE)
        assert len(np.unique(planes)) == 1
    assert validated(tmp_path / STORE) == ["A/1/1"]
    save_fields(tmp_path, [("A02", 1)])
    assert not [path for path in tmp_path.rglob("*") if is_temporary_name(path.name)]


def test_writers_of_one_field_do_not_replace_each_others_channels(tmp_path: Path) -> None:
    start = threading.Barrier(6)
    outcomes: dict[int, str] = {}

    def save_channel(channel: int) -> None:
        paths = paths_of(["A01"], channels=[channel], zs=[1])
        fm = manager(tmp_path)
        start.wait()
        try:
            fm.save_batch(
                [plane_of(path) for path in paths], paths, backend="zarr", pattern=PATTERN, store=STORE
            )
            outcomes[channel] = "saved"
        except BatchError as error:
            outcomes[channel] = str(error)

    threads = [threading.Thread(target=save_channel, args=(channel,)) for channel in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (saved,) = [channel for channel, outcome in outcomes.items() if outcome == "saved"]
    refused = [outcome for outcome in outcomes.values() if outcome != "saved"]
    assert all(f"has channel {saved}, which this save has not" in outcome for outcome in refused)
    path = paths_of(["A01"], channels=[saved], zs=[1])[0]
    np.testing.assert_array_equal(manager(tmp_path).load(path, backend="zarr", store=STORE), plane_of(path))


def save_slices(folder: Path, number: int) -> None:
    fm = manager(folder)
    for index in range(5):
        fm.save(
            np.full((8, 8), number * 5 + index, np.uint16), f"stack.zarr/{number * 5 + index}", backend="zarr"
        )


def test_many_processes_fill_one_store(tmp_path: Path) -> None:
    context: Any = multiprocessing.get_context("spawn")
    workers = [context.Process(target=save_slices, args=(tmp_path, number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    fm = manager(tmp_path)
    stacked = fm.load_batch([f"stack.zarr/{index}" for index in range(20)], backend="zarr")
    assert [int(plane[0, 0]) for plane in stacked] == list(range(20))
