"""The virtual tree of one plate, as of one version of its metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from polystore_core import CorruptData
from polystore_core.plugins import Listing

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Directory", "Index", "build_index"]


class Directory(NamedTuple):
    """Names in one virtual directory."""

    files: list[str]
    directories: list[str]


class Index(NamedTuple):
    """All virtual files of a plate.

    Attributes
    ----------
    targets
        Virtual path -> its target, still as JSON: only what is read is decoded.
    directories
        Virtual directory -> the names in it; ``""`` is the plate.
    modified
        When the metadata was last changed, in seconds since the epoch.
    """

    targets: dict[str, object]
    directories: dict[str, Directory]
    modified: float

    def listing(self, directory: str, *, recursive: bool) -> Listing:
        """List a virtual directory that exists, at a cost proportional to what is listed."""
        if not recursive:
            return Listing(*self.directories[directory])
        files: list[str] = []
        directories: list[str] = []
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            found = self.directories[f"{directory}/{prefix}".strip("/")]
            files += [prefix + name for name in found.files]
            below = [prefix + name for name in found.directories]
            directories += below
            waiting += [f"{name}/" for name in below]
        return Listing(files, directories)


def build_index(paths: Iterable[tuple[str, object]], *, modified: float, file: str) -> Index:
    """Arrange virtual paths in a tree.

    Parameters
    ----------
    paths
        Pairs of a normalised virtual path and its target.
    modified, file
        Of the metadata; the file is for messages.

    Raises
    ------
    CorruptData
        If a path is a file and a directory.
    """
    targets = dict(paths)
    directories = {"": Directory([], [])}
    for path in targets:
        parent, _, name = path.rpartition("/")
        directory = directories.get(parent) or _made(directories, parent)
        directory.files.append(name)
    for path in targets.keys() & directories.keys():
        raise CorruptData(f"{path!r} is a file and a directory in {file!r}", path=file)
    return Index(targets, directories, modified)


def _made(directories: dict[str, Directory], path: str) -> Directory:
    parent, _, name = path.rpartition("/")
    above = directories.get(parent) or _made(directories, parent)
    above.directories.append(name)
    directories[path] = Directory([], [])
    return directories[path]
