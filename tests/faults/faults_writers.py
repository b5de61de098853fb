"""Processes that overwrite files until they are killed, and say after each save what is done."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import struct
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from faults_values import value_number, value_of

from polystore import BackendRegistry, FileManager
from polystore_core.errors import PolyStoreError
from polystore_core.files import AtomicMetadataWriter, Durability, atomic_update_json, file_lock

__all__ = [
    "CHANNELS",
    "Victim",
    "hold_lock",
    "lost",
    "overwrite",
    "overwrite_batch",
    "overwrite_in_a_group",
    "write_durably",
]

SAVED, BATCH_SAVED, SAVED_NEW, MERGED, UPDATED = CHANNELS = range(5)
BATCH = ("a.tif", "b.bin", "c.json")
_RECORD = struct.Struct("<HH")


class Victim:
    """A process that runs ``function(say, *args)``; ``say(channel, number)`` reaches :meth:`said`."""

    def __init__(self, method: str, function: Callable[..., None], *args: Any) -> None:
        context: Any = multiprocessing.get_context(method)
        self._last: dict[int, int] = {}
        self._mine, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(theirs, function, args), daemon=False)
        self._process.start()
        theirs.close()

    def wait(self) -> None:
        """Wait until it says the next thing."""
        assert self._mine.poll(60), "the process says nothing"
        self._listen()

    def runs_for(self, seconds: float) -> None:
        """Let it run that long."""
        self._process.join(seconds)
        assert self._process.exitcode is None

    def kill(self, *, group: bool = False) -> None:
        """Kill it, or it and all that it has started, and wait until they are gone."""
        (os.killpg if group else os.kill)(self._process.pid, signal.SIGKILL)
        self._process.join()

    def said(self) -> dict[int, int]:
        """The last number said on each channel, once everybody is dead."""
        try:
            while True:
                self._listen()
        except EOFError:
            self._mine.close()
        return self._last

    def _listen(self) -> None:
        channel, number = _RECORD.unpack(self._mine.recv_bytes())
        self._last[channel] = number


def _run(connection: Connection, function: Callable[..., None], args: tuple[Any, ...]) -> None:
    with contextlib.suppress(PolyStoreError):  # a disk without power; what was said before is what counts
        function(lambda channel, number: connection.send_bytes(_RECORD.pack(channel, number)), *args)


Say = Callable[[int, int], None]


def _options(path: str) -> dict[str, Any]:
    return {"lossy": True} if path.endswith(".jpg") else {}


def overwrite(say: Say, path: str, durability: Durability, first: int, channel: int = 0) -> None:
    """Overwrite one file for ever with values of rising numbers."""
    fm = FileManager(BackendRegistry())
    number = first
    while True:
        value = value_of(Path(path).suffix, number)
        fm.save(value, path, backend="disk", durability=durability, **_options(path))
        say(channel, number)
        number += 1


def overwrite_batch(say: Say, paths: Sequence[str], durability: Durability, first: int) -> None:
    """Overwrite several files for ever, in one batch."""
    fm = FileManager(BackendRegistry())
    number = first
    while True:
        values = [value_of(Path(path).suffix, number) for path in paths]
        fm.save_batch(values, paths, backend="disk", durability=durability)
        say(0, number)
        number += 1


def overwrite_in_a_group(say: Say, paths: Sequence[str], durability: Durability, first: int) -> None:
    """Overwrite several files for ever, each in a process of its own, all in one process group."""
    os.setsid()
    workers = [
        multiprocessing.get_context("fork").Process(
            target=overwrite, args=(say, path, durability, first, index)
        )
        for index, path in enumerate(paths)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def hold_lock(say: Say, path: str) -> None:
    """Hold a lock until killed."""
    with file_lock(path):
        say(0, 1)
        signal.pause()


def write_durably(say: Say, folder: str, durability: Durability, numbers: Sequence[int]) -> None:
    """Save, save a batch, save into a new directory, merge and update, telling of each when it is done."""
    fm = FileManager(BackendRegistry({"disk": {"durability": durability}}))
    writer = AtomicMetadataWriter(durability=durability)
    batch = [f"{folder}/batch/{name}" for name in BATCH]
    for number in numbers:
        fm.save(value_of(".npy", number), f"{folder}/a.npy", backend="disk")
        say(SAVED, number)
        fm.save_batch([value_of(Path(path).suffix, number) for path in batch], batch, backend="disk")
        say(BATCH_SAVED, number)
        new = f"{folder}/wells/{number}/new.txt"
        fm.delete(new, backend="disk", missing_ok=True)
        fm.save(value_of(".txt", number), new, backend="disk", overwrite=False)
        say(SAVED_NEW, number)
        writer.merge_subdirectory_metadata(f"{folder}/metadata.json", {f"W{number}": {"number": number}})
        say(MERGED, number)
        atomic_update_json(
            f"{folder}/counts.json",
            lambda found, number=number: {**found, str(number): number},
            default={},
            durability=durability,
        )
        say(UPDATED, number)


def lost(folder: str, acknowledged: Mapping[int, int]) -> list[str]:
    """What :func:`write_durably` has acknowledged, of numbers from 1 on, and is not there or is damaged."""
    fm = FileManager(BackendRegistry())
    complaints = []

    def expect(channel: int, path: str, holds: Callable[[int], bool]) -> None:
        number = acknowledged.get(channel, 0)
        try:
            if number and not holds(number):
                complaints.append(f"{path}: {number} was acknowledged and is not there")
        except Exception as error:
            complaints.append(f"{path}: {number} was acknowledged, now {error!r}")

    def number_of(path: str) -> int:
        return value_number(Path(path).suffix, fm.load(f"{folder}/{path}", backend="disk"))

    def read(path: str) -> dict[str, Any]:
        return AtomicMetadataWriter().read(f"{folder}/{path}")

    def has_all(found: Mapping[str, Any], prefix: str, number: int) -> bool:
        return all(f"{prefix}{each}" in found for each in range(1, number + 1))

    expect(SAVED, "a.npy", lambda number: number_of("a.npy") >= number)
    for name in BATCH:
        expect(BATCH_SAVED, name, lambda number, name=name: number_of(f"batch/{name}") >= number)
    expect(
        SAVED_NEW,
        "wells",
        lambda number: all(number_of(f"wells/{each}/new.txt") == each for each in range(1, number + 1)),
    )
    expect(
        MERGED, "metadata.json", lambda number: has_all(read("metadata.json")["subdirectories"], "W", number)
    )
    expect(UPDATED, "counts.json", lambda number: has_all(read("counts.json"), "", number))
    return complaints
