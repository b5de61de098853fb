"""Removing files and directories."""

from __future__ import annotations

import errno
import os
import shutil
import stat

from polystore_core import InvalidPath
from polystore_core.files import Place, is_temporary_name, locate
from polystore_disk._listing import list_tree, open_directory, sweep

__all__ = ["delete"]

_MOST_ATTEMPTS = 10


def delete(path: str, *, root: str | None, recursive: bool) -> int:
    """Remove a file, a link, or a directory; return how many files went.

    A link is removed, not what it points to.
    """
    if os.path.normpath(path) in (".", os.sep) or (root is not None and _is_root(path, root)):
        raise InvalidPath(f"{path!r} is not deleted as a whole; name what is in it", path=path)
    with locate(path, root=root, follow=False) as place:
        status = os.stat(place.name, dir_fd=place.dir_fd, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(place.name, dir_fd=place.dir_fd)
            return 1
        if not recursive:
            _sweep_before(path, root)
            os.rmdir(place.name, dir_fd=place.dir_fd)
            return 0
        count = len(list_tree(path, root=root, recursive=True).files)
        _remove_tree(place)
        return count


def _remove_tree(place: Place) -> None:
    """Remove a directory, also while somebody else removes, renames or adds files in it."""
    for _ in range(_MOST_ATTEMPTS - 1):
        try:
            shutil.rmtree(place.name, dir_fd=place.dir_fd)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTEMPTY}:
                raise
            try:
                os.stat(place.name, dir_fd=place.dir_fd, follow_symlinks=False)
            except FileNotFoundError:
                return
        else:
            return
    shutil.rmtree(place.name, dir_fd=place.dir_fd)


def _sweep_before(path: str, root: str | None) -> None:
    """Remove orphaned temporaries, which must not make an empty directory look full."""
    with open_directory(path, root=root) as handle:
        if any(is_temporary_name(name) for name in os.listdir(handle)):
            sweep(handle)


def _is_root(path: str, root: str) -> bool:
    return os.path.isabs(path) and os.path.normpath(path) == os.path.normpath(root)
