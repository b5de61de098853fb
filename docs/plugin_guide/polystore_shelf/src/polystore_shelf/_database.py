"""The SQLite file: transactions, and its errors in the words of PolyStore."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from typing import TYPE_CHECKING

from polystore_core import CorruptData, StorageError, StorageFull, UnsupportedData

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["transaction"]

_TABLE = """
CREATE TABLE IF NOT EXISTS entries (path TEXT PRIMARY KEY, how TEXT, content BLOB, modified REAL)
"""

_ERRORS = {
    sqlite3.SQLITE_FULL: StorageFull,
    sqlite3.SQLITE_TOOBIG: UnsupportedData,
    sqlite3.SQLITE_CORRUPT: CorruptData,
    sqlite3.SQLITE_NOTADB: CorruptData,
}

_no_fork = threading.RLock()
"""Held within a transaction: a child forked in the middle of one would inherit SQLite's own locks."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_no_fork.acquire, after_in_parent=_no_fork.release, after_in_child=_no_fork.release
    )


@contextlib.contextmanager
def transaction(file: str) -> Iterator[sqlite3.Connection]:
    """Open the file for one transaction: all of it happens, or nothing.

    A connection of its own makes every call safe in any thread.
    """
    try:
        with _no_fork, contextlib.closing(_connect(file)) as database:
            database.execute(_TABLE)
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")
    except sqlite3.Error as error:
        cls = _ERRORS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, StorageError)
        raise cls(f"the shelf {file!r} failed: {error}") from error


def _connect(file: str) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=60, isolation_level=None)
