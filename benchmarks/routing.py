"""what the file manager adds to a direct call of a plugin's method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks._compare import Case, added, ratio
from polystore import BackendRegistry, FileManager, hookimpl
from polystore_core.plugins import ReadRequest, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from polystore_core.data import Data

_PATH = "plate/A01_s1_w1.tif"


class Null:
    """Answers at once, with what it was made with."""

    def __init__(self, value: Data) -> None:
        self._values = (value,)
        self._sizes = (0,)

    @hookimpl
    def polystore_read(self, request: ReadRequest) -> tuple[Data, ...]:  # noqa: ARG002
        return self._values

    @hookimpl
    def polystore_write(self, request: WriteRequest) -> tuple[int, ...]:  # noqa: ARG002
        return self._sizes


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:  # noqa: ARG001
    """Yield load and save through one backend, and load with 50 backends registered and open."""
    image = np.zeros((4, 4), np.uint16)
    plugin = Null(image)
    alone = _manager(plugin, others=0)
    calls = 10 if quick else 5000

    read = ReadRequest((_PATH,))
    yield Case(
        "load, to a direct call",
        lambda: alone.load(_PATH, backend="null"),
        lambda: plugin.polystore_read(read)[0],
        added(2, "us"),
        calls=calls,
    )
    write = WriteRequest((_PATH,), (image,))
    yield Case(
        "save, to a direct call",
        lambda: alone.save(image, _PATH, backend="null"),
        lambda: plugin.polystore_write(write) and None,
        added(2, "us"),
        calls=calls,
    )
    crowded = _manager(plugin, others=49)
    yield Case(
        "load, 50 backends to 1",
        lambda: crowded.load(_PATH, backend="null"),
        lambda: alone.load(_PATH, backend="null"),
        ratio(1.1),
        calls=calls,
    )
    yield Case(
        "save, 50 backends to 1",
        lambda: crowded.save(image, _PATH, backend="null"),
        lambda: alone.save(image, _PATH, backend="null"),
        ratio(1.1),
        calls=calls,
    )


def _manager(plugin: Null, *, others: int) -> FileManager:
    registry = BackendRegistry()
    registry.register("null", plugin)
    manager = FileManager(registry)
    for index in range(others):
        registry.register(f"other{index}", Null(b""))
        manager.load(_PATH, backend=f"other{index}")
    return manager
