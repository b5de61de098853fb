"""Telling local file systems from those where locks and appends are somebody else's."""

from __future__ import annotations

import os
import sys

from polystore_core.files._place import make_directories

__all__ = ["is_local", "is_local_directory"]

_LOCAL = frozenset(
    {
        0xEF53,  # ext2, ext3, ext4
        0x58465342,  # xfs
        0x9123683E,  # btrfs
        0x01021994,  # tmpfs
        0x794C7630,  # overlay
        0x2FC12FC1,  # zfs
        0xF2F52010,  # f2fs
        0xCA451A4E,  # bcachefs
    }
)
"""Numbers from statfs(2)."""


_known: dict[int, bool] = {}


def is_local(fd: int) -> bool:
    """Whether an open file lies on a Linux file system known to be of this machine; False in doubt.

    There appends are atomic, ``flock`` and byte-range locks are independent of each other, and all
    who use the file run under one clock.
    """
    if sys.platform != "linux":
        return False
    device = os.fstat(fd).st_dev
    if device not in _known:
        _known[device] = _type_number(fd) in _LOCAL
    return _known[device]


def is_local_directory(directory: str) -> bool:
    """Like :func:`is_local`, for a directory, which is made if missing."""
    try:
        known = _known.get(os.stat(directory).st_dev)
    except FileNotFoundError:
        make_directories(directory)
        known = None
    if known is not None or sys.platform != "linux":
        return bool(known)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return is_local(fd)
    finally:
        os.close(fd)


def _type_number(fd: int) -> int:
    """``f_type``, the first word of what fstatfs(2) fills in; -1 if it cannot be had."""
    try:
        import ctypes

        buffer = ctypes.create_string_buffer(512)
        if ctypes.CDLL(None, use_errno=True).fstatfs(fd, buffer) != 0:
            return -1
        return ctypes.c_ulong.from_buffer(buffer).value & 0xFFFFFFFF
    except (ImportError, OSError, AttributeError):
        return -1
