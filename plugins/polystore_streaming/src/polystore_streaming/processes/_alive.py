"""Whether a viewer lives: it holds a lock from its first moment to its last, however it ends."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from polystore_core.files import close_private, open_private

if TYPE_CHECKING:
    from polystore_streaming.processes._runtime import RuntimeFiles

__all__ = ["claim", "is_running", "let_go"]

_POLL_SECONDS = 0.02


def claim(files: RuntimeFiles, patience: float = 0.0) -> int | None:
    """Take the lock of a viewer; ``None`` if one of that name runs or starts.

    Parameters
    ----------
    files
        Of the viewer.
    patience
        Seconds to wait for one that may be about to end.

    Returns
    -------
    int or None
        A descriptor. The lock goes with the last process that has it open: a viewer that inherits it holds it
        until it ends, even if who started it has let go.
    """
    import fcntl

    deadline = time.monotonic() + patience
    fd = open_private(str(files.lock), os.O_RDWR | os.O_CREAT, 0o600)
    while not _locked(fd, fcntl.LOCK_EX):
        # Who only looks shares the lock for an instant.
        if not _locked(fd, fcntl.LOCK_SH) and time.monotonic() >= deadline:
            close_private(fd)
            return None
        fcntl.flock(fd, fcntl.LOCK_UN)
        time.sleep(_POLL_SECONDS if patience else 0)
    return fd


def let_go(fd: int) -> None:
    """Close what :func:`claim` returned, in this process; who inherited it keeps the lock."""
    close_private(fd)


def is_running(files: RuntimeFiles) -> bool:
    """Whether a viewer of that name runs, or is being started."""
    import fcntl

    try:
        fd = open_private(str(files.lock), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _locked(fd, fcntl.LOCK_SH)
    finally:
        close_private(fd)


def _locked(fd: int, kind: int) -> bool:
    import fcntl

    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
