"""The smallest backend that passes the kit."""

from __future__ import annotations

import copy as copying
import os
import threading
from typing import TYPE_CHECKING, Any

from polystore_core.errors import (
    DirectoryNotEmpty,
    InvalidPath,
    IsADirectory,
    NotADirectory,
    PathExists,
    PathNotFound,
)
from polystore_core.paths import store_path
from polystore_core.plugins import Entry, Listing, StorageBackend

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["ReferenceBackend"]

_lock = threading.RLock()
_shelves: dict[str, dict[str, Any]] = {}

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class ReferenceBackend(StorageBackend):
    """Keeps copies of values in one dictionary of paths; a path whose value is ``None`` is a directory.

    What the kit copies to and from, and an example of a complete backend. It is written to be read: a
    listing looks at everything there is.

    Parameters
    ----------
    shelf
        Backends of one process with the same shelf share what they hold; without one they share nothing.

    Examples
    --------
    >>> from polystore_core import BackendRegistry, FileManager
    >>> from polystore_core.testing import ReferenceBackend
    >>> registry = BackendRegistry()
    >>> registry.register("reference", ReferenceBackend)
    >>> fm = FileManager(registry)
    >>> fm.save("first", "notes/1.txt", backend="reference")
    >>> fm.list_files("notes", backend="reference")
    ['notes/1.txt']
    """

    def __init__(self, *, shelf: str = "") -> None:
        self._nodes = _shelves.setdefault(shelf, {"": None}) if shelf else {"": None}

    def read(self, path: str, *, copy: bool) -> Data:  # noqa: ARG002
        """Return a copy of a value."""
        with _lock:
            name = self._existing(path)
            value: Data = self._nodes[name]
        if value is None:
            raise IsADirectory(f"{path!r} is a directory", path=path)
        return copying.deepcopy(value)

    def write(self, data: Data, path: str, *, overwrite: bool, copy: bool) -> int:  # noqa: ARG002
        """Store a copy of a value."""
        name, value = store_path(path), copying.deepcopy(data)
        with _lock:
            if name in self._nodes and not overwrite:
                raise PathExists(f"{path!r} exists already; pass overwrite=True to replace it", path=path)
            if name in self._nodes and self._nodes[name] is None:
                raise IsADirectory(f"{path!r} is a directory", path=path)
            self._make(name.rpartition("/")[0], path)
            self._nodes[name] = value
        return _size(value)

    def list_directory(self, directory: str, *, recursive: bool) -> Listing:
        """List a directory."""
        with _lock:
            name = self._existing(directory)
            if self._nodes[name] is not None:
                raise NotADirectory(f"{directory!r} is a file", path=directory)
            below = {path.removeprefix(f"{name}/"): self._nodes[path] for path in self._below(name)}
        shown = {path: value for path, value in below.items() if recursive or "/" not in path}
        return Listing(
            [path for path, value in shown.items() if value is not None],
            [path for path, value in shown.items() if value is None],
        )

    def stat(self, path: str) -> Entry:
        """Describe a file or directory."""
        with _lock:
            value = self._nodes[self._existing(path)]
        return Entry(path, value is None, None if value is None else _size(value))

    def delete(self, path: str, *, recursive: bool) -> int:
        """Remove a file or directory."""
        with _lock:
            name = self._existing(path)
            if not name:
                raise InvalidPath("the store itself is not deleted; name what is in it", path=path)
            below = self._below(name)
            if below and not recursive:
                raise DirectoryNotEmpty(f"{path!r} is not empty; pass recursive=True", path=path)
            gone = [self._nodes.pop(node) for node in (name, *below)]
        return sum(value is not None for value in gone)

    def make_directory(self, path: str) -> bool:
        """Create a directory and its parents."""
        name = store_path(path)
        with _lock:
            existed = name in self._nodes
            if existed and self._nodes[name] is not None:
                raise PathExists(f"{path!r} is a file", path=path)
            self._make(name, path)
        return not existed

    def _existing(self, path: str) -> str:
        name = store_path(path)
        if name not in self._nodes:
            raise PathNotFound(f"there is no {path!r}", path=path)
        return name

    def _below(self, name: str) -> list[str]:
        prefix = f"{name}/" if name else ""
        return [path for path in self._nodes if path.startswith(prefix) and path not in ("", name)]

    def _make(self, name: str, path: str) -> None:
        parts = name.split("/") if name else []
        parents = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        if any(self._nodes.get(parent) is not None for parent in parents):
            raise NotADirectory(f"a parent of {path!r} is a file", path=path)
        self._nodes.update(dict.fromkeys(parents))


def _size(value: Any) -> int:
    return int(getattr(value, "nbytes", 0)) or len(repr(value))
