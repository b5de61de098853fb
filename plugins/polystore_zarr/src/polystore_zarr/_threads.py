"""Doing many small things in a few threads that are gone when they are done."""

from __future__ import annotations

import _thread
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["spread"]

T = TypeVar("T")


def spread(work: Callable[[T], object], items: Sequence[T], threads: int) -> None:
    """Call ``work(item)`` for every item, in this thread and up to ``threads - 1`` others.

    However the call ends, also by an interruption, none of them is at work any more.

    Raises
    ------
    BaseException
        What the first of the items that failed raised, whichever thread was faster: those before it were all
        begun. What is more than an error comes first. Items that were not begun are left out then.
    """
    left = deque(enumerate(items))
    failed: dict[int, BaseException] = {}

    def drain() -> None:
        while not failed:
            try:
                place, item = left.popleft()
            except IndexError:
                return
            try:
                work(item)
            except BaseException as error:
                failed[place] = error

    def help_out(at_work: threading.Lock) -> None:
        try:
            drain()
        finally:
            at_work.release()

    helpers: list[threading.Lock] = []
    try:
        with suppress(RuntimeError):  # the system grants no more threads: those that run do it all
            for _ in range(min(threads, len(items)) - 1):
                helpers.append(_start(help_out))
        drain()
        _wait_for(helpers)
    finally:
        left.clear()
        _wait_for(helpers)
    if failed:
        raise failed[min(failed, key=lambda place: (isinstance(failed[place], Exception), place))]


def _start(work: Callable[[threading.Lock], None]) -> threading.Lock:
    """Start a thread that releases a lock at its end, and return that.

    ``threading.Thread`` would wait until the thread runs, which takes as long as to decode several chunks.
    """
    at_work = threading.Lock()
    at_work.acquire()
    _thread.start_new_thread(work, (at_work,))
    return at_work


def _wait_for(helpers: Sequence[threading.Lock]) -> None:
    """Wait for the ends of threads."""
    for at_work in helpers:
        with at_work:
            pass
