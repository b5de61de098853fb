"""Making a node aside and putting it in its place in one step; removing one in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
from typing import TYPE_CHECKING

from polystore_core import IsADirectory, PathExists
from polystore_core.files import Place, make_directories, rename, sweep_temporaries, temporary_name
from polystore_zarr._exchange import exchange
from polystore_zarr._nodes import kind_of, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore_zarr._nodes import NodeKind

__all__ = ["Staging", "publish", "refuse_to_replace", "rename_new"]


class Staging:
    """Where nodes are made and unmade: hidden directories beside the store, or beside a lone array.

    Nothing unfinished is ever seen inside a store. What a killed process leaves is removed the first time
    that another one stages something in the same place.
    """

    def __init__(self) -> None:
        self._swept: set[str] = set()
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def directory(self, target: str) -> Iterator[str]:
        """Yield the path of a new directory on the file system of ``target``; what is left goes."""
        staged = self.new_name(target)
        os.mkdir(staged)
        try:
            yield staged
        finally:
            if os.path.lexists(staged):
                shutil.rmtree(staged, ignore_errors=True)

    def new_name(self, target: str) -> str:
        """Return an unused hidden path on the file system of ``target``."""
        parent = os.path.dirname(store_of(target) or target) or "."
        self.sweep(parent)
        return os.path.join(parent, temporary_name())

    def sweep(self, parent: str) -> None:
        """Remove what dead processes left, the first time that this is called for a directory."""
        with self._guard:
            if parent in self._swept:
                return
            self._swept.add(parent)
        make_directories(parent)
        with contextlib.suppress(OSError):
            sweep_temporaries(parent, directories=True)

    def discard(self, path: str) -> None:
        """Let a node vanish in one step, then remove it."""
        hidden = self.new_name(path)
        os.rename(path, hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def rename_new(source: str, target: str) -> None:
    """Rename to a name that must be free.

    Raises
    ------
    FileExistsError
    """
    rename(Place(source, None, source), Place(target, None, target), overwrite=False)


def publish(staged: str, target: str, *, overwrite: bool, shown: str, replaces: NodeKind = "array") -> None:
    """Put a finished node in its place; the one it replaces is left under the name ``staged``.

    Raises
    ------
    PathExists, IsADirectory
        If the target may not be replaced.
    """
    while True:
        try:
            rename_new(staged, target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        else:
            return
        refuse_to_replace(target, overwrite=overwrite, shown=shown, replaces=replaces)
        try:
            exchange(staged, target)
        except FileNotFoundError:
            continue
        if kind_of(staged) == replaces:
            return
        exchange(staged, target)


def refuse_to_replace(target: str, *, overwrite: bool, shown: str, replaces: NodeKind = "array") -> None:
    """Raise unless there is nothing, or a node of a kind that may be replaced.

    Raises
    ------
    PathExists, IsADirectory
    """
    kind = kind_of(target)
    if kind == replaces and overwrite:
        return
    if kind is not None and not overwrite:
        raise PathExists(f"{shown!r} exists already; pass overwrite=True to replace it", path=shown)
    if kind == "directory":
        raise IsADirectory(f"cannot write {shown!r}: it is a directory; name an array in it", path=shown)
    if kind is not None:
        raise PathExists(
            f"{shown!r} is something else than what would replace it; choose another path", path=shown
        )
