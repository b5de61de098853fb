"""Doing many small things in a few threads that are gone when they are done."""

from __future__ import annotations

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

    def help_out(ended: threading.Event) -> None:
        try:
            drain()
        finally:
            ended.set()

    helpers: list[tuple[threading.Thread, threading.Event]] = []
    try:
        with suppress(RuntimeError):  # the system grants no more threads: those that run do it all
            for _ in range(min(threads, len(items)) - 1):
                ended = threading.Event()
                helper = threading.Thread(target=help_out, args=(ended,))
                helper.start()
                helpers.append((helper, ended))
        drain()
        _wait_for(helpers)
    finally:
        left.clear()
        _wait_for(helpers)
    if failed:
        raise failed[min(failed, key=lambda place: (isinstance(failed[place], Exception), place))]


def _wait_for(helpers: Sequence[tuple[threading.Thread, threading.Event]]) -> None:
    """Wait for the ends of threads; one whose ``join`` was interrupted counts as ended ever after."""
    for helper, ended in helpers:
        ended.wait()
        helper.join()
