"""The power goes: what a durable write has acknowledged is there afterwards, and nothing is torn."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults_crash_states import Disk, read_record
from faults_disks import PowerDisk, can_cut_power
from faults_injector import build, environment
from faults_record import CHANNEL
from faults_writers import CHANNELS, Victim, lost, write_durably

from polystore_core.files import Durability

RECORD = Path(__file__).with_name("faults_record.py")
LATEST_SECONDS = 0.1
MANY = 60_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[PowerDisk | None]:
    """A disk whose power can be cut; ``None`` where the machine does not allow that."""
    refusal = can_cut_power(tmp_path / "attempt")
    if refusal is not None:
        print(f"no disk to cut the power of ({refusal}); states worked out from the system calls instead")
        yield None
        return
    (tmp_path / "disk").mkdir()
    disk = PowerDisk(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder that was written to, and the record of the system calls."""
    folder = tmp_path_factory.mktemp("recorded")
    built = build(tmp_path_factory.mktemp("preload"))
    path = tmp_path_factory.mktemp("record") / "calls"
    subprocess.run([sys.executable, RECORD, folder, path, "6"], env=environment(built), check=True)
    return folder, path


def cut_once(disk: PowerDisk, durability: Durability, first: int, seconds: float) -> dict[int, int]:
    """Let a process write, cut the power, start again; what the process has acknowledged."""
    victim = Victim("fork", write_durably, str(disk.folder), durability, range(first, MANY))
    victim.wait()
    victim.runs_for(seconds)
    disk.cut_power()
    victim.kill()
    acknowledged = victim.said()
    disk.power_up()
    return acknowledged


def lost_in_worked_out_states(
    record: tuple[Path, Path], target: Path, states: int, chance: random.Random
) -> list[str]:
    folder, path = record
    events = list(read_record(path))
    complaints: list[str] = []
    for index in range(states):
        disk = Disk(folder)
        acknowledged: dict[int, int] = {}
        for event in events[: chance.randrange(len(events) + 1)]:
            if event.kind == "mark":
                channel, number = divmod(event.number, CHANNEL)
                acknowledged[channel] = number
            else:
                disk.apply(event)
        state = target / str(index)
        state.mkdir(parents=True)
        disk.leave(state, chance)
        complaints += lost(str(state), acknowledged)
        if acknowledged:
            write_durably(lambda channel, number: None, str(state), "durable", [MANY])
            complaints += lost(str(state), acknowledged)
    return complaints


def cuts(normal: int, stress: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cuts", [normal, pytest.param(stress, marks=pytest.mark.stress)])


@cuts(20, 200)
def test_what_was_acknowledged_survives_the_loss_of_power(
    disk: PowerDisk | None, record: tuple[Path, Path], tmp_path: Path, cuts: int
) -> None:
    chance = random.Random(cuts)
    if disk is None:
        assert lost_in_worked_out_states(record, tmp_path / "states", cuts, chance) == []
        return
    finished = 0
    for _ in range(cuts):
        acknowledged = dict.fromkeys(CHANNELS, finished)
        acknowledged |= cut_once(disk, "durable", finished + 1, chance.uniform(0, LATEST_SECONDS))
        assert lost(str(disk.folder), acknowledged) == []
        finished = min(acknowledged.values())
    print(f"{cuts} power cuts: {finished * len(CHANNELS)} writes acknowledged, 0 lost")


def test_the_loss_of_power_is_a_real_one(disk: PowerDisk | None) -> None:
    if disk is not None:
        acknowledged = cut_once(disk, "atomic", 1, LATEST_SECONDS)
        assert lost(str(disk.folder), acknowledged) != []


@cuts(60, 1_000)
def test_no_state_that_a_disk_may_be_left_in_has_lost_anything(
    record: tuple[Path, Path], tmp_path: Path, cuts: int
) -> None:
    assert lost_in_worked_out_states(record, tmp_path, cuts, random.Random(cuts)) == []
    print(f"{cuts} states worked out from the recorded system calls: 0 acknowledged writes lost")
