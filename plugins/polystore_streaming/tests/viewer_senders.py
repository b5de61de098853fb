"""Senders in processes of their own, for the tests of what happens when something stops or dies."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viewer_processes import Viewers

STREAM = """
import json, os, resource, sys, time, warnings
import numpy as np
import psutil
from polystore_core import BackendRegistry, FileManager

backend, shape, seconds, count, paths, pause, configuration = json.loads(sys.argv[1])
warnings.simplefilter("ignore")
manager = FileManager(BackendRegistry({backend: configuration}))
frame = np.random.default_rng(0).integers(0, 4096, shape).astype(np.uint16)

def memory():
    return psutil.Process().memory_info().rss

plain = np.empty_like(frame)

def copy():
    begin = time.perf_counter()
    np.copyto(plain, frame)
    return time.perf_counter() - begin

def save(number):
    frame.flat[0] = number % 65536
    begin = time.perf_counter()
    manager.save(frame, f"path {number % paths}", backend=backend)
    return time.perf_counter() - begin

save(0)
before = memory()
print("streaming", flush=True)
durations, copies, most, number, begin = [], [], 0, 1, time.monotonic()
while number < count if count else time.monotonic() - begin < seconds:
    durations.append(save(number))
    copies.append(copy())
    number += 1
    if number % 16 == 0:
        most = max(most, memory())
    if pause:
        time.sleep(pause)
counts, = manager.metrics()[backend].values()
durations.sort()
copies.sort()
print(json.dumps({
    "saved": number,
    "bytes": number * frame.nbytes,
    "grown": max(most, memory()) - before,
    "copy p50": copies[len(copies) // 2],
    "copy p99": copies[len(copies) * 99 // 100],
    "p50": durations[len(durations) // 2],
    "p99": durations[len(durations) * 99 // 100],
    "worst": durations[-1],
    "counts": counts,
}), flush=True)
os._exit(0)
"""


def stream(
    viewers: Viewers,
    *,
    shape: tuple[int, int] = (2048, 2048),
    seconds: float = 0.0,
    count: int = 0,
    paths: int = 1,
    pause: float = 0.0,
    **configuration: Any,
) -> subprocess.Popen[str]:
    """Start a process that saves frames for some time, or some number of them, and then says how it went.

    It returns once the first frame is saved. ``pause`` is the time between frames that a producer takes.
    """
    configuration = {**viewers.options, **configuration}
    arguments = json.dumps([viewers.backend, shape, seconds, count, paths, pause, configuration])
    sender = subprocess.Popen(
        [sys.executable, "-c", STREAM, arguments],
        env=viewers.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert sender.stdout is not None
    assert sender.stdout.readline() == "streaming\n"
    return sender


def result_of(sender: subprocess.Popen[str], patience: float = 300.0) -> dict[str, Any]:
    """Wait for the end of a sender; return what it says."""
    said, _ = sender.communicate(timeout=patience)
    assert sender.returncode == 0
    found: dict[str, Any] = json.loads(said)
    return found


def adds_up(counts: dict[str, Any], saved: int) -> bool:
    """Whether every frame that was saved was sent, dropped or waits."""
    return bool(saved == counts["offered"] == counts["sent"] + counts["dropped"] + counts["waiting"])
