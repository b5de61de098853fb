"""An array that is open for writing: its chunks are replaced one by one."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from polystore_core.files import file_lock, sweep_temporaries, temporary_name
from polystore_zarr._durable import sync_directory, sync_tree
from polystore_zarr._nodes import ASIDE
from polystore_zarr._snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore_core.files import Durability

__all__ = ["OpenArray"]


class OpenArray(Snapshot):
    """The directory of an array, into which finished files are moved.

    Like any snapshot it stays the same directory whatever takes its name meanwhile, so that no chunk gets
    into an array that replaced the one that was opened. Where the platform has no ``openat`` (Windows) files
    go by name.

    Parameters
    ----------
    path
        The directory.
    durability
        Whether what is moved into it survives the loss of power.
    """

    __slots__ = ("_durability", "_made")

    def __init__(self, path: str, durability: Durability = "atomic") -> None:
        super().__init__(path)
        self._durability = durability
        self._made = {"", ASIDE}

    def lock(self) -> file_lock:
        """Return the lock that whoever moves files into the array holds."""
        return file_lock(f"{self.path}/{ASIDE}/lock")

    @contextlib.contextmanager
    def staging(self) -> Iterator[str]:
        """Yield the name of a new directory in this one for files to be made in; what is left in it goes.

        What killed writers left goes too.
        """
        aside = f"{self.path}/{ASIDE}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(self._at(ASIDE), dir_fd=self._descriptor)
        sweep_temporaries(aside, directories=True)
        name = f"{ASIDE}/{temporary_name()}"
        os.mkdir(f"{self.path}/{name}")
        try:
            yield name
        finally:
            shutil.rmtree(f"{self.path}/{name}", ignore_errors=True)

    def exists(self, name: str) -> bool:
        """Whether there is a file of a name."""
        try:
            os.stat(self._at(name), dir_fd=self._descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def sync(self, name: str) -> None:
        """Force a directory of finished files to the medium, if that was asked for."""
        sync_tree(f"{self.path}/{name}", self._durability)

    def move(self, source: str, target: str) -> None:
        """Let a finished file take the place of whatever has its name, in one step."""
        parent = target.rpartition("/")[0]
        self._make(parent)
        os.replace(
            self._at(source), self._at(target), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor
        )
        sync_directory(f"{self.path}/{parent}", self._durability)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self._descriptor)

    def _make(self, name: str) -> None:
        if name in self._made:
            return
        self._make(name.rpartition("/")[0])
        with contextlib.suppress(FileExistsError):
            os.mkdir(self._at(name), dir_fd=self._descriptor)
            sync_directory(f"{self.path}/{name.rpartition('/')[0]}", self._durability)
        self._made.add(name)

    def _at(self, name: str) -> str:
        return f"{self.path}/{name}" if self._descriptor is None else f"{self._inside}{name}"
