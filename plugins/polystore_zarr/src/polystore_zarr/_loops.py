"""Running zarr's coroutines in the thread that asks, on an event loop of their own.

zarr-python's own way hands every call of the process to one background thread, which a forked child does
not have. Here there is no thread and no loop before or after a call, so that there is nothing to inherit.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["run"]

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T], *, threads: int = 1) -> T:
    """Run a coroutine to its end and return its result.

    Parameters
    ----------
    coroutine
        What it hands to :func:`asyncio.to_thread` runs in this thread if ``threads`` is 1.
    threads
        How many threads may compress or decompress chunks.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run_here(coroutine, threads)
    return _run_beside(coroutine, threads)


def _run_here(coroutine: Coroutine[Any, Any, T], threads: int) -> T:
    loop = asyncio.SelectorEventLoop(_selector())
    executor = _InThisThread() if threads == 1 else ThreadPoolExecutor(threads, "polystore-zarr")
    loop.set_default_executor(executor)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        executor.shutdown(cancel_futures=True)
        _cancel_all(loop)
        loop.close()


def _run_beside(coroutine: Coroutine[Any, Any, T], threads: int) -> T:
    """Run in another thread: this one, as in a notebook, has a running loop already."""
    result: Future[T] = Future()

    def work() -> None:
        try:
            result.set_result(_run_here(coroutine, threads))
        except BaseException as error:
            result.set_exception(error)

    thread = threading.Thread(target=work, name="polystore-zarr")
    thread.start()
    thread.join()
    return result.result()


def _selector() -> selectors.BaseSelector:
    """Return a selector without state in the kernel, which a forked child would share."""
    return selectors.PollSelector() if hasattr(selectors, "PollSelector") else selectors.SelectSelector()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        with contextlib.suppress(BaseException):
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


class _InThisThread(ThreadPoolExecutor):
    """An executor that has no threads: with one chunk there is nothing to do meanwhile."""

    def submit(self, function: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **named))
        except BaseException as error:
            future.set_exception(error)
        return future
