"""Walking directories, by path or, under a root, by descriptor so that no link leads out."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from polystore_core.files import is_companion_name, is_temporary_name, locate, sweep_temporaries
from polystore_core.plugins import Listing

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["list_tree", "open_directory", "sweep"]

_OPEN_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def list_tree(directory: str, *, root: str | None, recursive: bool) -> Listing:
    """List a directory.

    Temporaries and the companions of metadata documents are not shown; temporaries whose writer has died
    are removed on the way. Links to directories are listed as directories and not descended into; links to
    nothing are not listed.
    """
    files: list[str] = []
    directories: list[str] = []
    with open_directory(directory, root=root) as handle:
        _scan(handle, "", files, directories, recursive=recursive)
    return Listing(files, directories)


@contextlib.contextmanager
def open_directory(directory: str, *, root: str | None) -> Iterator[str | int]:
    """Yield what :func:`os.scandir` takes: the path, or under a root a descriptor."""
    if root is None:
        yield directory
        return
    with locate(directory, root=root) as place:
        if place.dir_fd is None:
            yield place.name
            return
        descriptor = os.open(place.name, _OPEN_DIRECTORY | _NO_FOLLOW, dir_fd=place.dir_fd)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sweep(handle: str | int) -> None:
    """Remove the temporaries that nobody will finish, as far as this process may."""
    with contextlib.suppress(OSError):
        sweep_temporaries(handle)


def _scan(
    handle: str | int, prefix: str, files: list[str], directories: list[str], *, recursive: bool
) -> None:
    found: list[str] = []
    litter = False
    with os.scandir(handle) as entries:
        for entry in entries:
            name = entry.name
            if entry.is_dir():
                directories.append(prefix + name)
                if recursive and not entry.is_symlink():
                    found.append(name)
            elif name[0] == "." and (is_temporary_name(name) or is_companion_name(name)):
                litter = litter or is_temporary_name(name)
            elif not entry.is_symlink() or entry.is_file():
                files.append(prefix + name)
    if litter:
        sweep(handle)
    for name in found:
        _descend(handle, name, prefix, files, directories)


def _descend(handle: str | int, name: str, prefix: str, files: list[str], directories: list[str]) -> None:
    if isinstance(handle, str):
        _scan(f"{handle}/{name}", f"{prefix}{name}/", files, directories, recursive=True)
        return
    descriptor = os.open(name, _OPEN_DIRECTORY | _NO_FOLLOW, dir_fd=handle)
    try:
        _scan(descriptor, f"{prefix}{name}/", files, directories, recursive=True)
    finally:
        os.close(descriptor)
