"""Forcing what was written to the medium, so that it survives the loss of power."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polystore_core.files import Durability

__all__ = ["sync_directory", "sync_file", "sync_tree"]

_HAS_DIRECTORY_SYNC = os.name == "posix"


def sync_tree(directory: str, durability: Durability) -> None:
    """Force all files below a directory, and their names, to the medium, if they are to be durable."""
    if durability != "durable":
        return
    for folder, _, names in os.walk(directory):
        for name in names:
            _sync(os.path.join(folder, name))
        if _HAS_DIRECTORY_SYNC:
            _sync(folder)


def sync_directory(directory: str, durability: Durability) -> None:
    """Force the names in a directory to the medium, if they are to be durable."""
    if durability == "durable" and _HAS_DIRECTORY_SYNC:
        _sync(directory or ".")


def sync_file(path: str, durability: Durability) -> None:
    """Force the content of a file to the medium, if it is to be durable."""
    if durability == "durable":
        _sync(path)


def _sync(path: str) -> None:
    writable = os.name != "posix"
    descriptor = os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
