"""The shelf backend."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from polystore_core import Entry, InvalidPath, PathExists, PolyStoreError, StorageBackend, hookimpl
from polystore_core.files import translate_os_error
from polystore_core.paths import store_path
from polystore_core.plugins import Listing
from polystore_shelf._database import transaction
from polystore_shelf._values import decode, encode

if TYPE_CHECKING:
    import sqlite3

    from polystore_core.data import Data

__all__ = ["Shelf"]

DIRECTORY = "directory"

Row = tuple[str, bytes, float | None]
"""How an entry is stored, its content, and the time of its last change."""


class Shelf(StorageBackend):
    """Keeps arrays, text and bytes in one SQLite file.

    Parameters
    ----------
    file
        The SQLite file, made if missing.
    """

    def __init__(self, *, file: str = "shelf.sqlite") -> None:
        self._file = os.path.abspath(file)

    def read(self, path: str, *, copy: bool) -> Data:
        """Return a value; it is always the caller's own."""
        with transaction(self._file) as database:
            how, content, _ = _find(database, store_path(path), path, "read")
        if how == DIRECTORY:
            raise _failure(errno.EISDIR, path, "read")
        return decode(how, content)

    def write(self, data: Data, path: str, *, overwrite: bool, copy: bool, compress: bool = False) -> int:
        """Store a value, compressed if asked for."""
        name = store_path(path)
        how, content = encode(data, compress=compress)
        with transaction(self._file) as database:
            _make_room(database, name, path, "write", overwrite=overwrite)
            _put(database, name, how, content)
        return len(content)

    def list_directory(self, directory: str, *, recursive: bool) -> Listing:
        """List a directory."""
        name = store_path(directory)
        with transaction(self._file) as database:
            how, _, _ = _find(database, name, directory, "list")
            if how != DIRECTORY:
                raise _failure(errno.ENOTDIR, directory, "list")
            below = _below(database, name)
        start = len(name) + 1 if name else 0
        found = [(path[start:], how) for path, how in below]
        if not recursive:
            found = [(path, how) for path, how in found if "/" not in path]
        return Listing(
            files=[path for path, how in found if how != DIRECTORY],
            directories=[path for path, how in found if how == DIRECTORY],
        )

    def stat(self, path: str) -> Entry:
        """Describe a file or directory."""
        with transaction(self._file) as database:
            how, content, modified = _find(database, store_path(path), path, "stat")
        if how == DIRECTORY:
            return Entry(path, is_directory=True, modified=modified)
        return Entry(path, is_directory=False, size=len(content), modified=modified)

    def delete(self, path: str, *, recursive: bool) -> int:
        """Remove a file or directory."""
        name = store_path(path)
        with transaction(self._file) as database:
            how, _, _ = _find(database, name, path, "delete")
            if not name:
                raise InvalidPath(f"{path!r} is the whole shelf; name what is in it", path=path)
            gone = [(name, how), *_below(database, name)]
            if len(gone) > 1 and not recursive:
                raise _failure(errno.ENOTEMPTY, path, "delete")
            database.executemany("DELETE FROM entries WHERE path = ?", [(path,) for path, _ in gone])
        return sum(how != DIRECTORY for _, how in gone)

    def make_directory(self, path: str) -> bool:
        """Create a directory and its parents."""
        name = store_path(path)
        with transaction(self._file) as database:
            how = _how(database, name)
            if how not in (None, DIRECTORY):
                raise _failure(errno.EEXIST, path, "create")
            _make_directories(database, name, path, "create")
        return how is None

    @hookimpl
    def polystore_move(self, source: str, target: str, overwrite: bool) -> int:
        """Rename a file or directory without decoding anything."""
        old, new = store_path(source), store_path(target)
        with transaction(self._file) as database:
            how, _, _ = _find(database, old, source, "move")
            moved = [(old, how), *_below(database, old)]
            if how == DIRECTORY and _how(database, new) is not None:
                raise PathExists(f"{target!r} exists already; delete it first", path=target)
            _make_room(database, new, target, "move", overwrite=overwrite)
            database.executemany(
                "UPDATE entries SET path = ? WHERE path = ?",
                [(new + path[len(old) :], path) for path, _ in moved],
            )
        return sum(how != DIRECTORY for _, how in moved)


def _find(database: sqlite3.Connection, name: str, path: str, operation: str) -> Row:
    """Return what is under a path; the root is always there."""
    if not name:
        return DIRECTORY, b"", None
    row: Row | None = database.execute(
        "SELECT how, content, modified FROM entries WHERE path = ?", (name,)
    ).fetchone()
    if row is None:
        raise _failure(errno.ENOENT, path, operation)
    return row


def _how(database: sqlite3.Connection, name: str) -> str | None:
    if not name:
        return DIRECTORY
    row = database.execute("SELECT how FROM entries WHERE path = ?", (name,)).fetchone()
    return row[0] if row else None


def _below(database: sqlite3.Connection, name: str) -> list[tuple[str, str]]:
    """Return path and kind of everything below a directory; ``0`` follows ``/`` in ASCII."""
    if not name:
        return database.execute("SELECT path, how FROM entries").fetchall()
    return database.execute(
        "SELECT path, how FROM entries WHERE path > ? AND path < ?", (f"{name}/", f"{name}0")
    ).fetchall()


def _make_room(
    database: sqlite3.Connection, name: str, path: str, operation: str, *, overwrite: bool
) -> None:
    """Make the parents of a file and remove what it replaces, or say why it may not be there."""
    existing = _how(database, name)
    if existing is not None and not overwrite:
        raise _failure(errno.EEXIST, path, operation)
    if existing == DIRECTORY:
        raise _failure(errno.EISDIR, path, operation)
    _make_directories(database, name.rpartition("/")[0], path, operation)
    database.execute("DELETE FROM entries WHERE path = ?", (name,))


def _make_directories(database: sqlite3.Connection, name: str, path: str, operation: str) -> None:
    """Make a directory and its parents."""
    parts = name.split("/") if name else []
    for count in range(1, len(parts) + 1):
        directory = "/".join(parts[:count])
        how = _how(database, directory)
        if how is None:
            _put(database, directory, DIRECTORY, None)
        elif how != DIRECTORY:
            raise _failure(errno.ENOTDIR, path, operation)


def _put(database: sqlite3.Connection, name: str, how: str, content: bytes | None) -> None:
    database.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", (name, how, content, time.time()))


def _failure(number: int, path: str, operation: str) -> PolyStoreError:
    """Return the error that a disk would give, in the same words."""
    return translate_os_error(OSError(number, ""), path=path, operation=operation)
