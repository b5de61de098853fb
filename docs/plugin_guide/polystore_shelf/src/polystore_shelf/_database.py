"""The SQLite file: transactions, and its errors in the words of PolyStore."""

from __future__ import annotations

import contextlib
import sqlite3
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


@contextlib.contextmanager
def transaction(file: str) -> Iterator[sqlite3.Connection]:
    """Open the file for one transaction: all of it happens, or nothing.

    A connection of its own makes every call safe in any thread and in any forked process.
    """
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as database:
            database.execute(_TABLE)
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")
    except sqlite3.Error as error:
        cls = _ERRORS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, StorageError)
        raise cls(f"the shelf {file!r} failed: {error}") from error
