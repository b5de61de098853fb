"""From a path to the plate whose workspace shows it."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from polystore_core import CorruptData, InvalidPath, IsADirectory, PathNotFound
from polystore_core.files import translate_os_error
from polystore_core.paths import store_path
from polystore_workspace._confinement import Confinement, relative_to, resolve
from polystore_workspace._document import join, mappings, read_document
from polystore_workspace._index import Index, build_index
from polystore_workspace._target import Target, decode_target

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Found", "Lookup", "Plates"]

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})
_MOST_PLATES = 32
"""How many plates one backend remembers; a plate of 20,000 planes takes some 10 MB."""

Version = tuple[int, int, int]


class Found(NamedTuple):
    """Where a path leads: a plate, what its workspaces hold, and the path relative to the plate."""

    plate: str
    tree: Index
    name: str


class Plates:
    """The workspaces of all plates that were asked for, read again when a metadata file has changed.

    Threads may build the same index at the same time, which costs time and does no harm; so there is no
    lock that a fork could leave locked.

    Parameters
    ----------
    plate
        The only plate, absolute; paths are relative to it. ``None`` finds the plate of each path.
    metadata
        Name of the metadata file.
    allow_outside
        Whether targets may lie outside their plate.
    """

    def __init__(self, plate: str | None, metadata: str, *, allow_outside: bool) -> None:
        self.plate = plate
        self.metadata = metadata
        self.allow_outside = allow_outside
        self._known: dict[str, tuple[Version, Index]] = {}

    def index(self, plate: str) -> Index | None:
        """Return what the workspaces of a plate hold now; ``None`` if there is no metadata file.

        Raises
        ------
        CorruptData
            If the metadata is damaged.
        """
        file = join(plate, self.metadata)
        try:
            status = os.stat(file)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise translate_os_error(error, path=file, operation="read") from error
        version = status.st_mtime_ns, status.st_size, status.st_ino
        known = self._known.get(file)
        if known is not None and known[0] == version:
            return known[1]
        index = build_index(mappings(read_document(file), file), modified=status.st_mtime, file=file)
        self._known[file] = version, index
        for oldest in list(self._known)[:-_MOST_PLATES]:
            self._known.pop(oldest, None)
        return index


class Lookup:
    """Answers the questions of one request from one version of each metadata file."""

    def __init__(self, plates: Plates) -> None:
        self._plates = plates
        self._confinement = Confinement()
        self._seen: dict[str, Index | None] = {}

    def find(self, path: str) -> Found:
        """Find the plate of a path: the nearest directory on the path that has workspaces.

        Raises
        ------
        PathNotFound
            If there is none.
        CorruptData
            If the metadata of that directory is damaged.
        """
        plate = self._plates.plate
        if plate is not None:
            index = self._index(plate)
            if index is None:
                raise PathNotFound(
                    f"plate {plate!r} has no workspace: there is no {self._plates.metadata!r} in it; "
                    f"make one: polystore workspace create {plate} --pattern ...",
                    path=path,
                )
            return Found(plate, index, _below(plate, path))
        for directory, name in _splits(path):
            index = self._index(directory)
            if index is not None and index.targets:
                return Found(directory, index, name)
        raise PathNotFound(
            f"no workspace shows {path!r}: no directory on that path has a {self._plates.metadata!r} with one"
            "; make one: polystore workspace create PLATE --pattern ...",
            path=path,
        )

    def is_directory(self, found: Found, path: str) -> bool:
        """Tell a virtual directory from a virtual file.

        Raises
        ------
        PathNotFound
            If there is neither.
        """
        if found.name in found.tree.directories:
            return True
        if found.name in found.tree.targets:
            return False
        raise PathNotFound(
            f"no {path!r} among the {len(found.tree.targets)} virtual files of plate {found.plate!r}; "
            f"list them: polystore ls {found.plate!r} -b virtual_workspace --recursive",
            path=path,
        )

    def target(self, path: str) -> Target:
        """Say what a virtual file shows, its address as a path on its backend.

        Raises
        ------
        PathNotFound, IsADirectory
            If there is no such file.
        AccessDenied
            If the target lies outside the plate and that is not allowed.
        CorruptData
            If the metadata is damaged.
        """
        found = self.find(path)
        if self.is_directory(found, path):
            raise IsADirectory(f"{path!r} is a virtual directory; name a file in it, or list it", path=path)
        file = join(found.plate, self._plates.metadata)
        try:
            target = decode_target(found.tree.targets[found.name])
            address = resolve(found.plate, target.address)
        except ValueError as error:
            raise CorruptData(f"{found.name!r} in {file!r}: {error}", path=path) from error
        if not self._plates.allow_outside:
            address = self._confinement.check(found.plate, target.address, shown=path)
        return replace(target, address=address)

    def _index(self, directory: str) -> Index | None:
        if directory not in self._seen:
            self._seen[directory] = self._plates.index(directory)
        return self._seen[directory]


def _splits(path: str) -> Iterator[tuple[str, str]]:
    """Yield every way to see a path as a directory and a name below it, the longest directory first."""
    directory, name = path, ""
    while True:
        yield directory, name
        above, last = os.path.split(directory)
        if not last or last in {".", ".."}:
            return
        directory, name = above or ".", f"{last}/{name}" if name else last


def _below(plate: str, path: str) -> str:
    if not os.path.isabs(path):
        return store_path(path)
    below = relative_to(plate, path)
    if not os.path.isabs(below):
        return store_path(below)
    raise InvalidPath(
        f"{path!r} is not below the plate {plate!r} that this backend is configured for; give a path "
        "relative to that plate",
        path=path,
    )
