"""The memory backend."""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING

from polystore_core import (
    Entry,
    InvalidOption,
    InvalidPath,
    NotADirectory,
    PathExists,
    StorageBackend,
    StorageFull,
    hookimpl,
)
from polystore_core.paths import store_path
from polystore_core.plugins import Listing
from polystore_memory._tree import Directory, File, failure
from polystore_memory._values import independent, sealed, size_of, viewed

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["MemoryBackend"]


class MemoryBackend(StorageBackend):
    """Keeps values of every kind in this process.

    Values are independent of the caller's, unless ``copy=False`` asks for adoption (save) or a read-only
    view (load). Every registry has a store of its own; a forked worker starts with what its parent had,
    a spawned one with nothing.

    Parameters
    ----------
    max_bytes
        Budget for the content of all files together; a save that would exceed it raises
        :class:`~polystore_core.StorageFull` and changes nothing. ``None`` sets no limit.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_core import BackendRegistry, FileManager
    >>> fm = FileManager(BackendRegistry({"memory": {"max_bytes": 1000}}))
    >>> fm.save(np.zeros(1000, np.uint8), "fits.npy", backend="memory")
    >>> fm.save(np.zeros(1, np.uint8), "one_more.npy", backend="memory")
    Traceback (most recent call last):
    ...
    polystore_core.errors.StorageFull: no room to write 'one_more.npy': 1 byte more than the 0 of 1000 bytes \
left; delete something, or raise max_bytes in the configuration of 'memory'
    """

    def __init__(self, *, max_bytes: int | None = None) -> None:
        if max_bytes is not None and max_bytes < 0:
            raise InvalidOption(f"max_bytes takes a number of bytes or None; got {max_bytes}")
        self._max_bytes = max_bytes
        self._root = Directory(time.time())
        self._used = 0
        self._lock = threading.Lock()
        _stores.add(self)

    @property
    def used_bytes(self) -> int:
        """Bytes of content stored now."""
        return self._used

    def read(self, path: str, *, copy: bool) -> Data:
        """Return a stored value: a copy, or with ``copy=False`` a read-only view of arrays."""
        with self._lock:
            node = self._root.find(store_path(path), "read")
        if isinstance(node, Directory):
            raise failure(errno.EISDIR, path, "read")
        return independent(node.value) if copy else viewed(node.value)

    def write(self, data: Data, path: str, *, overwrite: bool, copy: bool) -> int:
        """Store a value: a copy, or with ``copy=False`` the caller's array, made read-only."""
        name = store_path(path)
        if not name:
            raise failure(errno.EISDIR, path, "write")
        size = size_of(data)
        with self._lock:
            self._check(path, name, size, overwrite=overwrite)
        file = File(sealed(data, copy=copy), size, time.time())
        with self._lock:
            self._check(path, name, size, overwrite=overwrite)
            self._put(name, file)
        return size

    def list_directory(self, directory: str, *, recursive: bool) -> Listing:
        """List a directory at a cost proportional to what is listed."""
        files: list[str] = []
        directories: list[str] = []
        with self._lock:
            node = self._root.find(store_path(directory), "list")
            if isinstance(node, File):
                raise NotADirectory(f"{directory!r} is a file, not a directory; load it", path=directory)
            for name, child in node.walk(recursive=recursive):
                (files if isinstance(child, File) else directories).append(name)
        return Listing(files, directories)

    def stat(self, path: str) -> Entry:
        """Describe a file or directory."""
        with self._lock:
            node = self._root.find(store_path(path), "stat")
        if isinstance(node, Directory):
            return Entry(path, is_directory=True, modified=node.modified)
        return Entry(path, is_directory=False, size=node.size, modified=node.modified)

    def delete(self, path: str, *, recursive: bool) -> int:
        """Remove a file or directory; the store as a whole is not removed."""
        name = store_path(path)
        if not name:
            raise InvalidPath(f"{path!r} is not deleted as a whole; name what is in it", path=path)
        with self._lock:
            node = self._root.find(name, "delete")
            if isinstance(node, Directory) and node.children and not recursive:
                raise failure(errno.ENOTEMPTY, path, "delete")
            gone = [node] if isinstance(node, File) else list(node.files())
            self._detach(name)
            self._used -= sum(file.size for file in gone)
        return len(gone)

    def make_directory(self, path: str) -> bool:
        """Create a directory and its parents."""
        name = store_path(path)
        with self._lock:
            existing = self._find(name)
            if isinstance(existing, File):
                raise PathExists(f"{path!r} is a file; delete it, or choose another path", path=path)
            self._root.make(name, time.time(), "create")
        return existing is None

    @hookimpl
    def polystore_copy(self, source: str, target: str, overwrite: bool) -> int:
        """Copy a file or directory; stored values are never changed, so they are shared."""
        return self._place(source, target, "copy", overwrite=overwrite)

    @hookimpl
    def polystore_move(self, source: str, target: str, overwrite: bool) -> int:
        """Rename a file or directory."""
        return self._place(source, target, "move", overwrite=overwrite)

    @hookimpl
    def polystore_close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._root = Directory(time.time())
            self._used = 0

    def _place(self, source: str, target: str, operation: str, *, overwrite: bool) -> int:
        old, new = store_path(source), store_path(target)
        with self._lock:
            node = self._root.find(old, operation)
            if isinstance(node, Directory) and f"{new}/".startswith(f"{old}/" if old else ""):
                raise InvalidPath(f"{source!r} cannot be put inside itself, at {target!r}", path=target)
            if not new:
                raise failure(errno.EISDIR, target, operation)
            size = 0 if operation == "move" else sum(file.size for file in _files(node))
            existing = self._find(new)
            if existing is not None and isinstance(node, Directory):
                raise PathExists(
                    f"{target!r} exists already; delete it, or choose another target", path=target
                )
            if old != new:
                self._check(target, new, size, overwrite=overwrite)
                moves = operation == "move"
                self._put(new, node if moves else _twin(node), moved_from=old if moves else None)
            elif not overwrite:
                raise failure(errno.EEXIST, target, operation)
            return sum(1 for _ in _files(node))

    def _put(self, name: str, node: Directory | File, moved_from: str | None = None) -> None:
        """Put a node under a name; the caller has checked that it may."""
        now = time.time()
        parent, _, last = name.rpartition("/")
        directory = self._root.make(parent, now, "write")
        replaced = directory.children.get(last)
        if replaced is not None:
            self._used -= sum(file.size for file in _files(replaced))
        if moved_from is not None:
            self._detach(moved_from)
        else:
            self._used += sum(file.size for file in _files(node))
        directory.children[last] = node
        directory.modified = now

    def _check(self, path: str, name: str, size: int, *, overwrite: bool) -> None:
        """Refuse what may not be put under a name; nothing has changed yet."""
        parent, _, _ = name.rpartition("/")
        while parent and self._find(parent) is None:
            parent, _, _ = parent.rpartition("/")
        if isinstance(self._find(parent), File):
            raise failure(errno.ENOTDIR, path, "write")
        existing = self._find(name)
        if existing is not None and not overwrite:
            raise failure(errno.EEXIST, path, "write")
        if isinstance(existing, Directory):
            raise failure(errno.EISDIR, path, "write")
        self._check_budget(path, size, freed=existing.size if existing else 0)

    def _check_budget(self, path: str, size: int, *, freed: int) -> None:
        if self._max_bytes is None:
            return
        left = self._max_bytes - self._used + freed
        if size > left:
            excess = size - left
            raise StorageFull(
                f"no room to write {path!r}: {excess} {'byte' if excess == 1 else 'bytes'} more than the "
                f"{left} of {self._max_bytes} bytes left; delete something, or raise max_bytes in the "
                "configuration of 'memory'",
                path=path,
            )

    def _find(self, name: str) -> Directory | File | None:
        node: Directory | File | None = self._root
        for part in name.split("/") if name else ():
            node = node.children.get(part) if isinstance(node, Directory) else None
        return node

    def _detach(self, name: str) -> None:
        parent, _, last = name.rpartition("/")
        directory = self._root.find(parent, "delete")
        assert isinstance(directory, Directory)
        del directory.children[last]
        directory.modified = time.time()


def _files(node: Directory | File) -> list[File]:
    return [node] if isinstance(node, File) else list(node.files())


def _twin(node: Directory | File) -> Directory | File:
    """Copy the directories of a tree; files are shared because they never change."""
    if isinstance(node, File):
        return node
    return Directory(node.modified, {name: _twin(child) for name, child in node.children.items()})


_stores: weakref.WeakSet[MemoryBackend] = weakref.WeakSet()


def _renew_locks() -> None:
    """Give a forked child fresh locks: the thread that held one does not exist there."""
    for store in _stores:
        store._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
