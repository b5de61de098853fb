"""Counting the copies from an accelerator's memory to the host."""

from __future__ import annotations

import threading

__all__ = ["count_device_to_host_copy", "device_to_host_copies"]

_lock = threading.Lock()
_copies = 0


def device_to_host_copies() -> int:
    """Return how many arrays were copied from an accelerator to the host in this process so far.

    Every array that lives on a GPU or another device costs one such copy when it is saved; the
    difference of two calls tells what a stretch of code has cost.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_core.data import device_to_host_copies, normalize
    >>> before = device_to_host_copies()
    >>> _ = normalize(np.zeros(3))
    >>> device_to_host_copies() - before
    0
    """
    return _copies


def count_device_to_host_copy() -> None:
    """Count one copy; called by whoever makes it."""
    global _copies
    with _lock:
        _copies += 1
