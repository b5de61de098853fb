"""Temporaries: their names, and sweeping those whose owner is gone."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from polystore_core._os_errors import OsErrorTranslation
from polystore_core.files._process import host_tag, is_alive, started_at

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["is_temporary_name", "sweep_temporaries", "temporary_name"]

_NAME = re.compile(
    r"\.polystore-(?P<host>[0-9a-f]{8})-(?P<pid>[0-9]+)-(?P<start>[0-9]+)-[0-9a-f]{12}\.tmp",
    re.ASCII,
)
_ONE_DAY = 86_400.0


class _Owner(NamedTuple):
    pid: int
    prefix: str
    numbers: Iterator[int]


_owner = _Owner(-1, "", iter(()))


def temporary_name() -> str:
    """Make a new hidden name that says which host and process it belongs to, and counts from a random number.

    What has such a name, a file or (on request) a directory, is removed by :func:`sweep_temporaries` once
    its process has ended.

    Examples
    --------
    >>> is_temporary_name(temporary_name())
    True
    """
    global _owner
    pid = os.getpid()
    if _owner.pid != pid:
        first = int.from_bytes(os.urandom(5), "big")
        prefix = f".polystore-{host_tag()}-{pid}-{started_at(pid)}-"
        _owner = _Owner(pid, prefix, itertools.count(first))
    return f"{_owner.prefix}{next(_owner.numbers):012x}.tmp"


def is_temporary_name(name: str) -> bool:
    """Whether a file of that name is a temporary of this library, not to be shown to anybody.

    Parameters
    ----------
    name
        Last component of a path.

    Examples
    --------
    >>> is_temporary_name(".polystore-5d41402a-4711-90210-0123456789ab.tmp")
    True
    >>> is_temporary_name("image.tmp")
    False
    """
    return name.startswith(".polystore-") and _NAME.fullmatch(name) is not None


def sweep_temporaries(
    directory: str | os.PathLike[str] | int, *, older_than: float = _ONE_DAY, directories: bool = False
) -> int:
    """Remove the temporaries that nobody will finish.

    A temporary goes if the process that made it ran on this host and has ended, or if it was last
    written longer than ``older_than`` ago, wherever it came from. Nothing else is touched.

    Parameters
    ----------
    directory
        The directory itself, not what is below it; a descriptor of a directory will do.
    older_than
        Age in seconds from which a temporary of another host is litter.
    directories
        Whether directories with such a name go too, with all they hold.

    Returns
    -------
    int
        How many were removed.

    Raises
    ------
    PathNotFound, NotADirectory, AccessDenied
        If the directory cannot be read. A temporary that cannot be removed is left for the next sweep.

    Examples
    --------
    >>> import tempfile
    >>> sweep_temporaries(tempfile.mkdtemp())
    0
    """
    shown = "." if isinstance(directory, int) else os.fspath(directory)
    dir_fd = directory if isinstance(directory, int) else None
    removed = 0
    with OsErrorTranslation(shown, "list"), os.scandir(directory) as entries:
        for entry in entries:
            if is_temporary_name(entry.name):
                path = entry.name if dir_fd is not None else entry.path
                removed += _sweep(path, dir_fd, older_than, directories=directories)
    return removed


def _sweep(path: str, dir_fd: int | None, older_than: float, *, directories: bool) -> bool:
    name = _NAME.fullmatch(os.path.basename(path))
    if name is None:
        return False
    try:
        status = os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
        ours = name["host"] == host_tag()
        dead = ours and not is_alive(int(name["pid"]), int(name["start"]))
        directory = stat.S_ISDIR(status.st_mode)
        known = (directory and directories) or stat.S_ISREG(status.st_mode)
        if not known or not (dead or time.time() - status.st_mtime > older_than):
            return False
        if directory:
            shutil.rmtree(path, dir_fd=dir_fd)
        else:
            os.unlink(path, dir_fd=dir_fd)
    except OSError:
        return False
    return True
