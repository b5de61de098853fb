"""SIGKILL at any moment of a write: each file is the old one or the new one, and no litter stays."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from faults_values import SUFFIXES, value_number, value_of
from faults_writers import Victim, hold_lock, overwrite, overwrite_batch, overwrite_in_a_group

from polystore import BackendRegistry, FileManager
from polystore_core.files import Durability, file_lock, is_temporary_name

LATEST_SECONDS = 0.02
"""Several writes of the slowest format fit in."""

MOST_OPENS = 100
"""One will do, unless a member of the group is still about to end."""


class Plate:
    """Files with numbered values, and what has become of them."""

    def __init__(self, folder: Path, paths: Sequence[str], chance: random.Random) -> None:
        self.paths = [str(folder / path) for path in paths]
        self.numbers = dict.fromkeys(self.paths, 1)
        self.seen: Counter[str] = Counter()
        self._folder = folder
        self._chance = chance
        for path in self.paths:
            options = {"lossy": True} if path.endswith(".jpg") else {}
            FileManager(BackendRegistry()).save(
                value_of(Path(path).suffix, 1), path, backend="disk", **options
            )

    @property
    def next_number(self) -> int:
        """A number that no file has had."""
        return max(self.numbers.values()) + 1

    def let_run_and_kill(self, victim: Victim, channels: Sequence[int], *, group: bool = False) -> None:
        """Kill it at a random moment after its first save, then look at all files."""
        first = self.next_number
        victim.wait()
        victim.runs_for(self._chance.uniform(0, LATEST_SECONDS))
        victim.kill(group=group)
        said = victim.said()
        self.seen["kills"] += 1
        self.seen["temporaries"] += len(self._temporaries())
        fm = FileManager(BackendRegistry())
        for path, channel in zip(self.paths, channels, strict=True):
            acknowledged = said.get(channel)
            old = self.numbers[path] if acknowledged is None else acknowledged
            new = first if acknowledged is None else acknowledged + 1
            found = value_number(Path(path).suffix, fm.load(path, backend="disk"))
            assert found in (old, new)
            self.numbers[path] = found
            self.seen["values"] += 1
            self.seen["new without word of it"] += found == new
        for _ in range(MOST_OPENS):
            if self._temporaries():
                self._open_again()
        assert self._temporaries() == []

    def _open_again(self) -> None:
        fm = FileManager(BackendRegistry())
        if self._chance.random() < 0.5:
            fm.list_files(str(self._folder), backend="disk")
        else:
            fm.save(b"", self._folder / "other.bin", backend="disk")

    def _temporaries(self) -> list[str]:
        return [name for name in os.listdir(self._folder) if is_temporary_name(name)]

    def report(self, what: str) -> None:
        print(f"{what}: {dict(self.seen)}, 0 unreadable, 0 wrong, 0 litter after the next open")


def kills(normal: int, stress: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kills", [normal, pytest.param(stress, marks=pytest.mark.stress)])


@kills(14, 140)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_killed_save_leaves_the_old_value_or_the_new(tmp_path: Path, suffix: str, kills: int) -> None:
    plate = Plate(tmp_path, [f"a{suffix}"], random.Random(suffix))
    (path,) = plate.paths
    for index in range(kills):
        durability: Durability = "durable" if index % 4 == 0 else "atomic"
        victim = Victim("fork", overwrite, path, durability, plate.next_number)
        plate.let_run_and_kill(victim, [0])
    plate.report(f"save {suffix}")


@kills(8, 60)
def test_a_spawned_process_is_no_different(tmp_path: Path, kills: int) -> None:
    plate = Plate(tmp_path, ["a.tif"], random.Random("spawn"))
    (path,) = plate.paths
    for _ in range(kills):
        plate.let_run_and_kill(Victim("spawn", overwrite, path, "atomic", plate.next_number), [0])
    plate.report("save, spawned")


@kills(26, 340)
@pytest.mark.parametrize("durability", ["atomic", "durable"])
def test_each_file_of_a_killed_batch_is_old_or_new(
    tmp_path: Path, kills: int, durability: Durability
) -> None:
    plate = Plate(tmp_path, ["a.npy", "b.tif", "c.bin", "d.json"], random.Random(durability))
    for _ in range(kills):
        victim = Victim("fork", overwrite_batch, plate.paths, durability, plate.next_number)
        plate.let_run_and_kill(victim, [0] * len(plate.paths))
    plate.report(f"save_batch, {durability}")


@kills(20, 200)
def test_a_whole_process_group_can_be_killed(tmp_path: Path, kills: int) -> None:
    plate = Plate(tmp_path, ["a.npy", "b.tif", "c.csv", "d.npz"], random.Random("group"))
    for _ in range(kills):
        victim = Victim("fork", overwrite_in_a_group, plate.paths, "atomic", plate.next_number)
        plate.let_run_and_kill(victim, range(len(plate.paths)), group=True)
    plate.report("save, process group")


@kills(20, 200)
def test_the_lock_of_the_killed_goes_to_who_waits(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "a.lock"
    waits = []
    for _ in range(kills):
        victim = Victim("fork", hold_lock, str(path))
        victim.wait()
        victim.kill()
        begin = time.perf_counter()
        with file_lock(path, timeout=10):
            waits.append(time.perf_counter() - begin)
        victim.said()
    print(f"{kills} kills: lock free after {1000 * max(waits):.2f} ms at most")
