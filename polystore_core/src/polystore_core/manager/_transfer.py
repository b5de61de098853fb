"""Copying and moving, within one backend and between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_core.errors import InvalidPath, PathExists
from polystore_core.paths import lies_in
from polystore_core.plugins import ListRequest, ReadRequest, WriteRequest
from polystore_core.plugins._calls import locating

if TYPE_CHECKING:
    from polystore_core.plugins import Backend, Entry

__all__ = ["Transfer"]


class Transfer:
    """One copy or move under way.

    A file keeps its value: between backends, or without a copy hook, it is read and written. A
    directory is taken whole; an existing target directory is never replaced or merged into.
    """

    def __init__(self, source: Backend, target: Backend, *, overwrite: bool) -> None:
        self._source = source
        self._target = target
        self._overwrite = overwrite

    def copy(self, source: str, target: str) -> None:
        """Copy a file or a whole directory."""
        if self._is_same(source, target):
            return
        if self._source is self._target and self._source.can("copy"):
            self._source.copy(source=source, target=target, overwrite=self._overwrite)
        else:
            self._copy_value(source, target)

    def move(self, source: str, target: str) -> None:
        """Move a file or a whole directory; the source goes only after the target is complete."""
        if source == ".":
            raise InvalidPath("'.' is not moved as a whole; name what is in it, or copy it", path=source)
        if self._is_same(source, target):
            return
        if self._source is self._target and self._source.can("move"):
            self._source.move(source=source, target=target, overwrite=self._overwrite)
        else:
            if not self._source.can("delete"):
                self._source.delete(path=source, recursive=True)
            self._copy_value(source, target)
            self._source.delete(path=source, recursive=True)

    def _is_same(self, source: str, target: str) -> bool:
        """Whether source and target are one path; a directory into itself is refused."""
        if self._source is not self._target:
            return False
        if lies_in(target, source):
            if self._source.can("stat"):
                self._source.stat(path=source)
            raise InvalidPath(f"{source!r} cannot be put inside itself, at {target!r}", path=target)
        if source != target:
            return False
        self._source.stat(path=source)
        if not self._overwrite:
            raise PathExists(f"{target!r} exists already, it is the source itself", path=target)
        return True

    def _copy_value(self, source: str, target: str) -> None:
        if self._source.can("stat") and self._source.stat(path=source).is_directory:
            self._copy_tree(source, target)
        else:
            self._refuse_existing(target)
            self._copy_file(source, target)

    def _copy_file(self, source: str, target: str) -> None:
        (value,) = self._source.read(request=ReadRequest((source,), copy=False))
        with locating(self._target.name, "write", target):
            self._target.write(request=WriteRequest((target,), (value,), overwrite=self._overwrite))

    def _copy_tree(self, source: str, target: str) -> None:
        if self._existing(target) is not None:
            raise PathExists(f"{target!r} exists already; delete it, or choose another target", path=target)
        listing = self._source.list(request=ListRequest(source, recursive=True))
        if self._target.can("make_directory"):
            self._target.make_directory(path=target)
            for directory in listing.directories:
                self._target.make_directory(path=f"{target}/{directory}")
        for file in listing.files:
            self._copy_file(f"{source}/{file}", f"{target}/{file}")

    def _refuse_existing(self, target: str) -> None:
        """Find out before a large value is read; the write decides it again, atomically."""
        if not self._overwrite and self._existing(target) is not None:
            raise PathExists(f"{target!r} exists already; pass overwrite=True to replace it", path=target)

    def _existing(self, path: str) -> Entry | None:
        if not self._target.can("stat"):
            return None
        try:
            entry: Entry = self._target.stat(path=path)
        except FileNotFoundError:
            return None
        return entry
