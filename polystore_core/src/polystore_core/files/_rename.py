"""Renaming from one directory to another without replacing anything by accident."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import TYPE_CHECKING

from polystore_core.files._platform import _libc

if TYPE_CHECKING:
    from polystore_core.files._place import Place

__all__ = ["rename"]

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
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
    call = getattr(_libc(), "renameat2", None) if sys.platform == "linux" else None
    if call is not None:
        number = _renameat2(call, source, target)
        if number == 0:
            return
        if number not in _NOT_KNOWN_HERE:
            raise OSError(number, os.strerror(number), target.name)
    if _is_taken(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target.name)
    os.rename(source.name, target.name, src_dir_fd=source.dir_fd, dst_dir_fd=target.dir_fd)


def _renameat2(call: ctypes._NamedFuncPointer, source: Place, target: Place) -> int:
    ends: list[int | bytes] = []
    for place in (source, target):
        ends += [_AT_FDCWD if place.dir_fd is None else place.dir_fd, os.fsencode(place.name)]
    return 0 if call(*ends, ctypes.c_uint(_RENAME_NOREPLACE)) == 0 else ctypes.get_errno()


def _is_taken(target: Place) -> bool:
    try:
        os.stat(target.name, dir_fd=target.dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
