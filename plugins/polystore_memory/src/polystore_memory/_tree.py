"""A tree of directories and files; nothing here knows about locks or data kinds."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from polystore_core.files import translate_os_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore_core import PolyStoreError
    from polystore_core.data import Data

__all__ = ["Directory", "File", "failure"]


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A stored value, never changed, only replaced.

    Attributes
    ----------
    value
        Arrays in it are read-only.
    size
        Bytes of its content.
    modified
        Seconds since the epoch.
    """

    value: Data
    size: int
    modified: float


@dataclass(slots=True, eq=False)
class Directory:
    """A directory: what lies in it, by name."""

    modified: float
    children: dict[str, Directory | File] = field(default_factory=dict)

    def find(self, path: str, operation: str) -> Directory | File:
        """Return the node under a path relative to this directory; ``""`` is the directory itself.

        Raises
        ------
        PathNotFound
        """
        node: Directory | File | None = self
        for name in path.split("/") if path else ():
            node = node.children.get(name) if isinstance(node, Directory) else None
            if node is None:
                raise failure(errno.ENOENT, path, operation)
        assert node is not None
        return node

    def make(self, path: str, now: float, operation: str) -> Directory:
        """Return the directory under a path, creating it and its parents.

        Raises
        ------
        NotADirectory
            If a file is in the way.
        """
        node = self
        for name in path.split("/") if path else ():
            child = node.children.get(name)
            if child is None:
                child = node.children[name] = Directory(now)
                node.modified = now
            elif isinstance(child, File):
                raise failure(errno.ENOTDIR, path, operation)
            node = child
        return node

    def walk(self, prefix: str = "", *, recursive: bool) -> Iterator[tuple[str, Directory | File]]:
        """Yield what lies in this directory, and with ``recursive`` below it, by relative path."""
        for name, child in self.children.items():
            yield prefix + name, child
            if recursive and isinstance(child, Directory):
                yield from child.walk(f"{prefix}{name}/", recursive=True)

    def files(self) -> Iterator[File]:
        """Yield every file in and below this directory."""
        return (node for _, node in self.walk(recursive=True) if isinstance(node, File))


def failure(number: int, path: str, operation: str) -> PolyStoreError:
    """Return the error that a disk would give, in the same words."""
    return translate_os_error(OSError(number, ""), path=path or ".", operation=operation)
