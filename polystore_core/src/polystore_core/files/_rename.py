"""Renaming from one directory to another without replacing anything by accident."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from polystore_core.files._platform import rename_new

if TYPE_CHECKING:
    from polystore_core.files._place import Place

__all__ = ["rename"]

_NOT_KNOWN_HERE = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})


def rename(source: Place, target: Place, *, overwrite: bool) -> None:
    """Rename a file or directory in one step.

    Parameters
    ----------
    source, target
        Located without following a link in the last component.
    overwrite
        True replaces an existing file. False replaces nothing, whoever creates the target meanwhile; on a
        platform or file system without such a call the target is looked for just before.

    Raises
    ------
    OSError
        As the operating system gave it: ``EEXIST`` if the target is taken, ``EXDEV`` between file systems.
    """
    if overwrite:
        os.replace(source.name, target.name, src_dir_fd=source.dir_fd, dst_dir_fd=target.dir_fd)
        return
    try:
        rename_new(source.name, target.name, source.dir_fd, target.dir_fd)
    except OSError as error:
        if error.errno not in _NOT_KNOWN_HERE:
            raise
        if _is_taken(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target.name) from None
        os.rename(source.name, target.name, src_dir_fd=source.dir_fd, dst_dir_fd=target.dir_fd)


def _is_taken(target: Place) -> bool:
    try:
        os.stat(target.name, dir_fd=target.dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
