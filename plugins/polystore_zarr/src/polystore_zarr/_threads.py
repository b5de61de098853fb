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

    Raises
    ------
    BaseException
        What the first item that failed raised; items that were not begun are left out then.
    """
    left = deque(items)
    failed: list[BaseException] = []

    def drain() -> None:
        while not failed:
            try:
                item = left.popleft()
            except IndexError:
                return
            try:
                work(item)
            except BaseException as error:
                failed.append(error)

    helpers = [threading.Thread(target=drain) for _ in range(min(threads, len(items)) - 1)]
    with suppress(RuntimeError):  # the system grants no more threads: those that run do it all
        for helper in helpers:
            helper.start()
    drain()
    for helper in helpers:
        if helper.ident is not None:
            helper.join()
    if failed:
        raise failed[0]
