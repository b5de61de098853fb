"""Copying and moving files without decoding them."""

from __future__ import annotations

import errno
import os
import shutil
import stat

from polystore_core import IsADirectory, PathExists
from polystore_core.files import (
    Durability,
    atomic_writer,
    locate,
    make_directories,
    refuse_inside_itself,
    rename,
)
from polystore_disk._listing import list_tree
from polystore_disk._opening import open_file

__all__ = ["copy_file", "copy_tree", "is_directory", "move"]


def is_directory(path: str, *, root: str | None) -> bool:
    """Whether there is a directory, links followed; a missing path raises ``FileNotFoundError``."""
    with locate(path, root=root) as place:
        return stat.S_ISDIR(os.stat(place.name, dir_fd=place.dir_fd).st_mode)


def copy_file(source: str, target: str, *, root: str | None, overwrite: bool, durability: Durability) -> None:
    """Copy the bytes of one file; the target is old or new at any time."""
    with (
        open_file(source, root=root) as original,
        atomic_writer(target, overwrite=overwrite, durability=durability, root=root) as file,
    ):
        shutil.copyfileobj(original, file, 1 << 20)


def copy_tree(source: str, target: str, *, root: str | None, durability: Durability) -> int:
    """Copy a directory to a path where there is nothing; return how many files were copied."""
    refuse_inside_itself(source, target, shown=source, shown_target=target)
    listing = list_tree(source, root=root, recursive=True)
    with locate(target, root=root, make_parents=True, follow=False) as place:
        if place.dir_fd is None:
            make_directories(os.path.dirname(target))
        try:
            os.mkdir(place.name, dir_fd=place.dir_fd)
        except FileExistsError:
            raise _taken(target, by_directory=True) from None
    for directory in sorted(listing.directories):
        with locate(f"{target}/{directory}", root=root) as place:
            os.mkdir(place.name, dir_fd=place.dir_fd)
    for file in listing.files:
        copy_file(f"{source}/{file}", f"{target}/{file}", root=root, overwrite=False, durability=durability)
    return len(listing.files)


def move(source: str, target: str, *, root: str | None, overwrite: bool) -> None:
    """Rename a file or directory; a directory never replaces anything.

    Raises
    ------
    OSError
        As the operating system gave it; ``EXDEV`` between file systems.
    """
    with locate(source, root=root, follow=False) as old:
        status = os.stat(old.name, dir_fd=old.dir_fd, follow_symlinks=False)
        directory = stat.S_ISDIR(status.st_mode)
        if directory:
            refuse_inside_itself(source, target, shown=source, shown_target=target)
        with locate(target, root=root, make_parents=True, follow=False) as new:
            if new.dir_fd is None:
                make_directories(os.path.dirname(target))
            try:
                rename(old, new, overwrite=overwrite and not directory)
            except FileExistsError:
                raise _taken(target, by_directory=directory) from None
            except OSError as error:
                # The system finds a target that holds the source "not empty" before it finds it a directory.
                if error.errno not in (errno.EISDIR, errno.ENOTEMPTY):
                    raise
                raise IsADirectory(
                    f"cannot move {source!r} to {target!r}: it is a directory; name a file in it", path=target
                ) from None


def _taken(target: str, *, by_directory: bool) -> PathExists:
    mend = "delete it, or choose another target" if by_directory else "pass overwrite=True to replace it"
    return PathExists(f"{target!r} exists already; {mend}", path=target)


def crosses_file_systems(error: OSError) -> bool:
    """Whether a rename failed because source and target lie on different file systems."""
    return error.errno == errno.EXDEV
