"""Small file systems of our own: mounted for a test, filled up, cut off from power."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PowerDisk", "can_cut_power", "small_disk"]

_SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN of ``fs/ext4/ext4.h``, an unsigned number for its argument."""

_DROP_THE_JOURNAL = 2
"""EXT4_GOING_FLAGS_NOLOGFLUSH: what has not reached the medium yet never does."""


def _as_root(*command: str | Path) -> None:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*sudo, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@contextlib.contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    """Mount a file system in memory, with options like ``size=1m`` or ``nr_inodes=20``."""
    folder.mkdir()
    _as_root("mount", "-t", "tmpfs", "-o", f"{options},mode=777", "none", folder)
    try:
        yield folder
    finally:
        _as_root("umount", "--lazy", folder)


class PowerDisk:
    """An ext4 file system in a file, whose power can be cut."""

    def __init__(self, folder: Path) -> None:
        self._image = folder / "image"
        self.folder = folder / "mounted"
        self.folder.mkdir()
        with open(self._image, "wb") as file:
            file.truncate(32 << 20)
        _as_root("mkfs.ext4", "-q", "-F", self._image)
        self._mount()

    def _mount(self) -> None:
        _as_root("mount", "-t", "ext4", "-o", "loop", self._image, self.folder)

    def cut_power(self) -> None:
        """Lose whatever has not reached the medium; nothing can be read or written from now on."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _DROP_THE_JOURNAL))
        finally:
            os.close(descriptor)

    def power_up(self) -> None:
        """Mount again, as after a start of the machine; everybody who had it open is to be dead."""
        self.close()
        self._mount()

    def close(self) -> None:
        """Unmount."""
        _as_root("umount", self.folder)


def can_cut_power(folder: Path) -> str | None:
    """Why the power of a file system cannot be cut on this machine; ``None`` if it can."""
    folder.mkdir()
    try:
        disk = PowerDisk(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        return str(error)
    try:
        disk.cut_power()
    except OSError as error:
        return str(error)
    finally:
        disk.close()
    return None
