"""Threads, event loops and forks: nothing is left running, nothing is inherited."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from polystore_core import BackendRegistry, FileManager

IMAGE = np.arange(4 * 64 * 64, dtype=np.uint16).reshape(4, 64, 64)


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))


def run_in_fork(work: Callable[[], object]) -> int:
    """Return the exit status of a forked child that has a minute."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_no_thread_is_left(fm: FileManager) -> None:
    before = set(threading.enumerate())
    fm.save_batch([IMAGE] * 4, [f"{number}.npy" for number in range(4)], backend="zarr", workers=4)
    fm.load_batch([f"{number}.npy" for number in range(4)], backend="zarr", workers=4)
    assert set(threading.enumerate()) == before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_reads_and_writes_after_its_parent_did(fm: FileManager, tmp_path: Path) -> None:
    fm.save(IMAGE, "parent.npy", backend="zarr")
    zarr.open_array(tmp_path / "parent.npy.zarr", mode="r")[...]

    def work() -> None:
        np.testing.assert_array_equal(fm.load("parent.npy", backend="zarr"), IMAGE)
        fm.save(IMAGE, "child.npy", backend="zarr")

    assert run_in_fork(work) == 0
    np.testing.assert_array_equal(fm.load("child.npy", backend="zarr"), IMAGE)


def test_it_works_where_an_event_loop_runs(fm: FileManager) -> None:
    async def cell() -> Any:
        fm.save(IMAGE, "image.npy", backend="zarr")
        return fm.load("image.npy", backend="zarr")

    np.testing.assert_array_equal(asyncio.run(cell()), IMAGE)
