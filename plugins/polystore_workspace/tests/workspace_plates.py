"""Plates for the tests, and a wrapper that sees what a backend is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from polystore_core import BackendRegistry, FileManager, hookimpl
from polystore_core.plugins import ReadRequest

WORKSPACE = "virtual_workspace"


class Watcher:
    """Surrounds every backend and counts the paths that each is asked to read."""

    def __init__(self) -> None:
        self.reads: Counter[tuple[str, str]] = Counter()

    def around(self, backend: str) -> object:
        watcher = self

        class Around:
            @hookimpl(wrapper=True)
            def polystore_read(self, request: ReadRequest) -> Generator[None, Any, Any]:
                watcher.reads.update((backend, Path(path).name) for path in request.paths)
                return (yield)

        return Around()

    def of(self, backend: str) -> dict[str, int]:
        return {name: count for (asked, name), count in self.reads.items() if asked == backend}


def watched() -> tuple[FileManager, Watcher]:
    watcher = Watcher()
    registry = BackendRegistry()
    registry.register_wrapper("watcher", watcher.around)
    return FileManager(registry), watcher


def stack(planes: int = 3, value: int = 0) -> np.ndarray[Any, Any]:
    return np.arange(planes * 20, dtype="uint16").reshape(planes, 4, 5) + value


def save(path: Path, data: Any) -> None:
    FileManager().save(data, path, backend="disk")
