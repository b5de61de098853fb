"""At exit: a bounded wait for viewers that are still starting, then one line about what never arrived."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections import Counter, deque
from typing import Protocol

__all__ = ["let_go", "retire", "watch"]

_MOST_RETIRED = 8


class _Engine(Protocol):
    def linger(self) -> dict[str, int]: ...
    def retire(self) -> None: ...
    def stop(self) -> None: ...


_engines: set[_Engine] = set()
_retired: deque[_Engine] = deque()
_losses: Counter[str] = Counter()


def watch(engine: _Engine) -> None:
    """Keep an engine until it has ended, and let it linger when this process ends."""
    _engines.add(engine)
    # Workers of multiprocessing end without atexit; they run their finalizers.
    util = sys.modules.get("multiprocessing.util")
    if util is not None and sys.modules["multiprocessing.process"].parent_process() is not None:
        util.Finalize(None, _linger, exitpriority=10)


def retire(engine: _Engine) -> None:
    """Let an engine go on that nobody can append to any more, until everything has arrived.

    Only a few at a time, so that a program that makes a file manager for every image does not pile them up.
    """
    if engine not in _engines:
        return
    engine.retire()
    _retired.append(engine)
    while len(_retired) > _MOST_RETIRED:
        _retired.popleft().stop()


def let_go(engine: _Engine, losses: dict[str, int]) -> None:
    """Forget an engine that has ended; what it lost is told at exit."""
    _engines.discard(engine)
    with contextlib.suppress(ValueError):
        _retired.remove(engine)
    _losses.update(losses)


def _forget() -> None:
    _engines.clear()
    _retired.clear()
    _losses.clear()


def _linger() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        for engine in list(_engines):
            _losses.update(engine.linger())
    for loss, count in _losses.items():
        print(f"polystore: {count} of the last frames {loss}", file=sys.stderr)
    _losses.clear()


atexit.register(_linger)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
