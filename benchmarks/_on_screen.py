"""What benchmarks of viewers have in common: a window of ours, and one of the bare viewer."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polystore import BackendRegistry, FileManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["direct", "streaming"]


@contextmanager
def streaming(backend: str) -> Iterator[FileManager]:
    """A file manager, and in the end no viewer."""
    manager = FileManager(BackendRegistry())
    try:
        yield manager
    finally:
        sink: Any = manager.stream(backend=backend)
        sink.close_viewer()
        manager.close()


@contextmanager
def direct(script: str, size: int, **variables: str) -> Iterator[Callable[[], None]]:
    """A viewer without PolyStore, run by a script beside this one.

    What is yielded brings one frame to its screen: the script says ``ready`` when its window is open, and
    ``painted`` after each line that it reads.
    """
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name(script)), str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )
    asked, told = process.stdin, process.stdout
    assert asked is not None
    assert told is not None

    def update() -> None:
        print(file=asked, flush=True)
        if told.readline() != "painted\n":
            raise RuntimeError(f"{script} has ended")

    try:
        if told.readline() != "ready\n":
            raise RuntimeError(f"{script} has not started")
        yield update
    finally:
        process.kill()
        process.communicate()
