"""One state of a directory, whatever happens to its name meanwhile."""

from __future__ import annotations

import os
import sys
import threading
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from polystore_core import CorruptData, PolyStoreError
from polystore_zarr._nodes import ASIDE, DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "OpenFile",
    "Piece",
    "Snapshot",
    "SnapshotLike",
    "SnapshotSource",
    "consistently",
    "refuse_too_much",
]

_HAS_DIR_FD = os.open in os.supports_dir_fd
_HAS_PROC = sys.platform == "linux" and os.path.isdir("/proc/self/fd")
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Piece(NamedTuple):
    """A part of a file.

    Attributes
    ----------
    content
        The part.
    size
        Bytes of the whole file.
    state
        Tells this file from one that takes its place.
    """

    content: bytes
    size: int
    state: object = None


class SnapshotLike(Protocol):
    """One state of a node: a context in which it can be read; see :class:`Snapshot`."""

    path: str

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def part(self, name: str) -> SnapshotLike:
        """Return the same snapshot, as seen from a node in it."""

    def is_current(self) -> bool:
        """Whether nothing took the place of what is read."""

    def is_settled(self) -> bool:
        """Whether all that was read is of one state."""

    def identity(self) -> tuple[int | str, ...]:
        """Return what tells the node from any other that takes its place."""

    def extent(self) -> tuple[int, int]:
        """Count the files of the node without its documents, and their bytes."""

    def read(self, name: str, most: int) -> bytes:
        """Read a file whole, unless it has more bytes than it may; see :func:`refuse_too_much`."""

    def piece(self, name: str, start: int, length: int | None, most: int) -> Piece:
        """Read a part of a file that may have some bytes; a negative ``start`` counts from its end."""

    async def fetch(self, name: str, start: int, length: int | None, most: int) -> Piece:
        """Read as :meth:`piece`, while others read if that is of use."""


class SnapshotSource(Protocol):
    """What is no directory and can be read all the same; it pickles small."""

    def snapshot(self) -> SnapshotLike:
        """Take a snapshot of how it is now."""


def refuse_too_much(name: str, size: int, most: int) -> None:
    """Refuse to read a file that has more bytes than it may, whatever is wanted of it.

    Raises
    ------
    CorruptData
    """
    if size > most:
        raise CorruptData(f"{name!r} is stored in {size} bytes, more than the {most} that it ever needs")


def _snapshot_of(source: str | SnapshotSource) -> SnapshotLike:
    """Take a snapshot of a directory, or of something else."""
    return Snapshot(source) if isinstance(source, str) else source.snapshot()


def consistently(source: str | SnapshotSource, read: Callable[[SnapshotLike], Any]) -> Any:
    """Read from a snapshot; take another one if the node was replaced meanwhile."""
    while True:
        with _snapshot_of(source) as snapshot:
            try:
                result = read(snapshot)
            except PolyStoreError:
                if snapshot.is_current():
                    raise
            else:
                if snapshot.is_settled():
                    return result


class Snapshot:
    """An open directory: files are opened relative to it, not to its name.

    A writer replaces an array by exchanging whole directories, so whoever holds one open reads either the
    old array or the new one. When the old one is being removed its files go missing; :meth:`is_current` then
    tells that from damage. Where the platform has no ``openat`` (Windows), files are opened by name.

    Parameters
    ----------
    path
        The directory.

    Raises
    ------
    OSError
        As the operating system gave it.
    """

    __slots__ = ("_descriptor", "_identity", "_inside", "_name", "path")

    def __init__(self, path: str) -> None:
        self.path = self._name = path
        self._descriptor = os.open(path, _DIRECTORY) if _HAS_DIR_FD else None
        self._inside = "" if _HAS_DIR_FD else f"{path}/"
        status = os.stat(path if self._descriptor is None else self._descriptor)
        self._identity = status.st_dev, status.st_ino

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def part(self, name: str) -> Snapshot:
        """Return the same snapshot, as seen from a directory in it; valid as long as this one."""
        part = copy(self)
        part.path = f"{self.path}/{name}"
        part._inside = f"{self._inside}{name}/"
        return part

    @property
    def directory(self) -> str:
        """A path to what is read; on Linux to this very directory, elsewhere to what has its name."""
        if self._descriptor is None or not _HAS_PROC:
            return self.path
        return f"/proc/self/fd/{self._descriptor}/{self._inside}".rstrip("/")

    def is_current(self) -> bool:
        """Whether the name still leads to this directory; while it is open no other gets its identity."""
        try:
            status = os.stat(self._name)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def is_settled(self) -> bool:
        """Whether all that was read is of one state: it is, as the directory is held open."""
        return True

    def identity(self) -> tuple[int | str, ...]:
        """Return what tells the document of the node from any other that takes its place."""
        try:
            descriptor = self._open("zarr.json")
        except FileNotFoundError:
            descriptor = self._open(".zarray")
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        return status.st_dev, status.st_ino, status.st_mtime_ns

    def extent(self) -> tuple[int, int]:
        """Count the files of the node without its documents, and their bytes."""
        files = size = 0
        for directory, folders, names in os.walk(self.path):
            if ASIDE in folders:
                folders.remove(ASIDE)
            for name in names:
                if name not in DOCUMENTS:
                    files += 1
                    size += os.lstat(os.path.join(directory, name)).st_size
        return files, size

    def read(self, name: str, most: int) -> bytes:
        """Read a file whole, unless it has more bytes than it may."""
        descriptor = self._open(name)
        try:
            size = os.fstat(descriptor).st_size
            refuse_too_much(name, size, most)
            return _read(descriptor, size, 0)
        finally:
            os.close(descriptor)

    def glance(self, name: str, length: int) -> bytes | None:
        """Read a file whole in the fewest steps; ``None`` if it has that many bytes or more."""
        descriptor = self._open(name)
        try:
            content = _pread(descriptor, length, 0)
        finally:
            os.close(descriptor)
        return content if len(content) < length else None

    def piece(self, name: str, start: int, length: int | None, most: int) -> Piece:
        """Read a part of a file that may have some bytes; a negative ``start`` counts from its end."""
        file = self.file(name, most)
        try:
            return file.piece(start, length)
        finally:
            file.close()

    def file(self, name: str, most: int) -> OpenFile:
        """Open a file that may have some bytes, for the caller to close."""
        file = OpenFile(self._open(name))
        if file.size > most:
            file.close()
            refuse_too_much(name, file.size, most)
        return file

    async def fetch(self, name: str, start: int, length: int | None, most: int) -> Piece:
        """Read as :meth:`piece`: files are not waited for."""
        return self.piece(name, start, length, most)

    def _open(self, name: str) -> int:
        return os.open(self._inside + name, _FILE, dir_fd=self._descriptor)


class OpenFile:
    """An open file of a snapshot: the same one whatever takes its name, for several threads.

    Attributes
    ----------
    size
        Bytes of it.
    """

    __slots__ = ("_descriptor", "_state", "size")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self.size = status.st_size
        self._state = status.st_ino, status.st_mtime_ns

    def piece(self, start: int, length: int | None) -> Piece:
        """Read a part; a negative ``start`` counts from the end, ``None`` goes on to the end."""
        size = self.size
        first = start if start >= 0 else max(0, size + start)
        left = max(0, size - first)
        wanted = left if length is None else min(length, left)
        return Piece(self.read(first, wanted), size, self._state)

    def read(self, start: int, length: int) -> bytes:
        """Read that many bytes, fewer only at the end of the file."""
        return _read(self._descriptor, length, start)

    def glance(self, start: int, length: int) -> bytes:
        """Read that many bytes in one step, fewer also where the system gives them in several."""
        return _pread(self._descriptor, length, start)

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)


def _read(descriptor: int, length: int, start: int) -> bytes:
    """Read that many bytes, fewer only at the end of the file."""
    content = _pread(descriptor, length, start)
    while len(content) < length and (more := _pread(descriptor, length - len(content), start + len(content))):
        content += more
    return content


_one_seeks = threading.Lock()


def _seek_and_read(descriptor: int, length: int, start: int) -> bytes:
    """Read as ``os.pread``, which Windows lacks; threads that share the file share its position."""
    with _one_seeks:
        os.lseek(descriptor, start, os.SEEK_SET)
        return os.read(descriptor, length)


_pread = os.pread if hasattr(os, "pread") else _seek_and_read
