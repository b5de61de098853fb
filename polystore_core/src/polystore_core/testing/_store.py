"""A store under test, with the backend already named."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from polystore_core.manager import FileManager

if TYPE_CHECKING:
    from pathlib import Path

    from polystore_core.data import Data, DataKind
    from polystore_core.plugins import BackendRegistry
    from polystore_core.testing._kit import Kit

__all__ = ["Store"]


class Store:
    """An open store.

    Every method of :class:`~polystore_core.FileManager` is there, with ``backend=`` filled in.

    Attributes
    ----------
    fm : FileManager
        What the tests go through.
    registry : BackendRegistry
        The file manager's.
    backend : str
        Name of the backend under test.
    folder : Path
        Where the store lies, if it lies anywhere.
    """

    def __init__(self, kit: Kit, registry: BackendRegistry, folder: Path) -> None:
        self._kit = kit
        self.registry = registry
        self.fm = FileManager(registry)
        self.backend = kit.backend
        self.folder = folder

    def __getattr__(self, method: str) -> Any:
        return partial(getattr(self.fm, method), backend=self.backend)

    def put(self, value: Data, path: str) -> None:
        """Place a value, past the backend if that cannot write."""
        if self._kit.can("write"):
            self.fm.save(value, path, backend=self.backend)
        else:
            self._kit.raw_put(self.folder, path, value)

    def get(self, path: str) -> Any:
        """Look a value up, past the backend if that cannot read."""
        if self._kit.can("read"):
            return self.fm.load(path, backend=self.backend)
        return self._kit.raw_get(self.folder, path)

    def put_files(self, *paths: str, kind: DataKind | None = None) -> None:
        """Place a different value under each path."""
        for number, path in enumerate(paths):
            self.put(self._kit.value(number, kind), path)

    def tree(self) -> list[str]:
        """Return all files of the store."""
        files: list[str] = self.fm.list_files(".", backend=self.backend, recursive=True)
        return [file.removeprefix("./") for file in files]
