"""Processes that write for ever, and are killed in the midst of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from typing import Any


def kill_forked(write: Callable[[], object], after: float) -> None:
    """Fork a process that writes, and kill it after some seconds."""
    pid = os.fork()
    if pid == 0:
        try:
            write()
        finally:
            os._exit(1)
    killer = threading.Timer(after, os.kill, (pid, signal.SIGKILL))
    killer.start()
    _, status = os.waitpid(pid, 0)
    killer.join()
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def kill_started(
    write: Callable[[dict[str, Any], Any], object], options: dict[str, Any], after: float
) -> None:
    """Start a process that writes to a bucket, and kill it some seconds after it has said that it does."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["obstore", "ome_zarr_models.v05", "polystore_zarr", "zarr"])
    writes = context.Event()
    writer = context.Process(target=write, args=(options, writes))
    writer.start()
    assert writes.wait(60)
    writer.join(after)
    writer.kill()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
