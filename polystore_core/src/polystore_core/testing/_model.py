"""A plain dictionary that behaves as every backend must."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from polystore_core.errors import (
    DirectoryNotEmpty,
    InvalidPath,
    IsADirectory,
    NotADirectory,
    PathExists,
    PathNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_core.data import Data

__all__ = ["Model"]


class Model:
    """Values by path, and the directories there are; the methods are those of a file manager.

    Shares no code with what it judges. Values are never copied: the state machine makes new ones.
    """

    def __init__(self) -> None:
        self.files: dict[str, Data] = {}
        self.directories: set[str] = set()

    def save(self, value: Data, path: str, *, overwrite: bool = True) -> None:
        """Put a value under a path."""
        self._check_target(path, overwrite=overwrite)
        self._make_parents(path)
        self.files[path] = value

    def load(self, path: str) -> Data:
        """Return a value."""
        self._check_exists(path)
        if path in self.directories:
            raise IsADirectory(path)
        return self.files[path]

    def delete(self, path: str, *, recursive: bool) -> None:
        """Remove a file or directory."""
        self._check_exists(path)
        if self._below(path) and not recursive:
            raise DirectoryNotEmpty(path)
        for gone in (path, *self._below(path)):
            self.files.pop(gone, None)
            self.directories.discard(gone)

    def copy(self, source: str, target: str, *, overwrite: bool) -> None:
        """Copy a file or a directory."""
        self._transfer(source, target, overwrite=overwrite)

    def move(self, source: str, target: str, *, overwrite: bool) -> None:
        """Move a file or a directory."""
        if self._transfer(source, target, overwrite=overwrite):
            self.delete(source, recursive=True)

    def ensure_directory(self, path: str) -> None:
        """Make a directory and its parents."""
        if path in self.files:
            raise PathExists(path)
        self._make_parents(f"{path}/")

    def list_files(self, directory: str, *, recursive: bool) -> list[str]:
        """List files in natural order."""
        return self._list(directory, self.files, recursive=recursive)

    def list_dir(self, directory: str) -> list[str]:
        """List files and directories in natural order."""
        return self._list(directory, {*self.files, *self.directories}, recursive=False)

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return path in self.files

    def is_dir(self, path: str) -> bool:
        """Whether there is a directory."""
        return path in self.directories

    def exists(self, path: str) -> bool:
        """Whether there is anything."""
        return path in self.files or path in self.directories

    def stat(self, path: str) -> tuple[str, bool]:
        """Return the path, and whether it is a directory."""
        self._check_exists(path)
        return path, path in self.directories

    def _transfer(self, source: str, target: str, *, overwrite: bool) -> bool:
        """Copy; return False if source and target are one file."""
        self._check_exists(source)
        if target.startswith(f"{source}/"):
            raise InvalidPath(target)
        if source == target:
            if overwrite:
                return False
            raise PathExists(target)
        self._check_target(target, overwrite=overwrite and source in self.files)
        self._make_parents(target)
        for path in (source, *self._below(source)):
            moved = target + path.removeprefix(source)
            if path in self.files:
                self.files[moved] = self.files[path]
            else:
                self.directories.add(moved)
        return True

    def _check_exists(self, path: str) -> None:
        if not self.exists(path):
            raise PathNotFound(path)

    def _check_target(self, path: str, *, overwrite: bool) -> None:
        self._check_parents(path)
        if self.exists(path) and not overwrite:
            raise PathExists(path)
        if path in self.directories:
            raise IsADirectory(path)

    def _check_parents(self, path: str) -> None:
        if any(parent in self.files for parent in _parents(path)):
            raise NotADirectory(path)

    def _make_parents(self, path: str) -> None:
        self._check_parents(path)
        self.directories.update(_parents(path))

    def _below(self, path: str) -> list[str]:
        return [name for name in (*self.files, *self.directories) if name.startswith(f"{path}/")]

    def _list(self, directory: str, names: set[str] | dict[str, Data], *, recursive: bool) -> list[str]:
        if directory != ".":
            self._check_exists(directory)
            if directory in self.files:
                raise NotADirectory(directory)
        prefix = "" if directory == "." else f"{directory}/"
        below = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        shown = [name for name in below if recursive or "/" not in name]
        return [f"{directory}/{name}" for name in sorted(shown, key=_natural)]


def _parents(path: str) -> Sequence[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _natural(path: str) -> Any:
    return [
        [int(run) if run.isdigit() else run for run in re.split(r"(\d+)", name)] for name in path.split("/")
    ]
