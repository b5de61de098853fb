"""At exit: a bounded wait for viewers that are still starting, then one line about what never arrived."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from typing import Protocol

__all__ = ["watch"]


class _Stream(Protocol):
    def linger(self) -> str | None: ...
    def forget(self) -> None: ...


_streams: weakref.WeakSet[_Stream] = weakref.WeakSet()


def watch(stream: _Stream) -> None:
    """Let a stream linger when this process ends, and forget its state in a forked child."""
    _streams.add(stream)
    # Workers of multiprocessing end without atexit; they run their finalizers.
    util = sys.modules.get("multiprocessing.util")
    if util is not None and sys.modules["multiprocessing.process"].parent_process() is not None:
        util.Finalize(None, _linger, exitpriority=10)


def _linger() -> None:
    for stream in list(_streams):
        complaint = stream.linger()
        if complaint:
            print(f"polystore: {complaint}", file=sys.stderr)


def _forget() -> None:
    for stream in list(_streams):
        stream.forget()


atexit.register(_linger)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
