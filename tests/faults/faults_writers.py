"""Processes that overwrite files until they are killed, and say after each save what is done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import struct
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from faults_values import value_of

from polystore import BackendRegistry, FileManager
from polystore_core.files import AtomicMetadataWriter, Durability, atomic_update_json, file_lock

__all__ = ["Victim", "hold_lock", "overwrite", "overwrite_batch", "overwrite_in_a_group", "write_durably"]

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
        multiprocessing.get_context("fork").Process(target=overwrite, args=(say, path, durability, first, index))
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


def write_durably(say: Say, folder: str, first: int) -> None:
    """Save, save batches and merge for ever, durably; channel 0 to 2 tell what is done of each."""
    fm = FileManager(BackendRegistry({"disk": {"durability": "durable"}}))
    writer = AtomicMetadataWriter()
    number = first
    while True:
        fm.save(value_of(".npy", number), f"{folder}/a.npy", backend="disk")
        say(0, number)
        batch = [f"{folder}/batch/{name}" for name in ("a.tif", "b.bin", "c.json")]
        fm.save_batch([value_of(Path(path).suffix, number) for path in batch], batch, backend="disk")
        say(1, number)
        fm.save(value_of(".txt", number), f"{folder}/wells/{number}/new.txt", backend="disk")
        say(2, number)
        writer.merge_subdirectory_metadata(f"{folder}/metadata.json", {f"W{number}": {"number": number}})
        say(3, number)
        atomic_update_json(f"{folder}/counts.json", lambda found, n=number: {**found, str(n): n}, default={})
        say(4, number)
        number += 1
