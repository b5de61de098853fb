"""Running one task per path: thread budget, order, progress, cancellation, one error for all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from polystore_core.errors import BatchError

__all__ = ["Batch", "CancelToken", "Progress"]

T = TypeVar("T")

Progress = Callable[[int, int], object]
"""Called as ``progress(done, total)`` after each finished path, from the calling thread."""

_WORTH_A_THREAD_POOL = 0.002
"""Seconds of remaining work below which starting threads costs more than it saves."""


class CancelToken(Protocol):
    """Anything that says whether to stop; a :class:`threading.Event` is one."""

    def is_set(self) -> bool: ...


class Batch(NamedTuple):
    """How the paths of one request are to be worked through.

    Attributes
    ----------
    workers
        Thread budget of the whole call; ``None`` takes the processors this process may use.
    progress
        Called with the number of finished paths and the total.
    cancel
        Asked before each path; once set, no further path is started.

    Examples
    --------
    >>> from polystore_core.plugins import Batch
    >>> Batch(workers=2).run(["a", "bb", "ccc"], lambda i: i * 10)
    [0, 10, 20]
    """

    workers: int | None = None
    progress: Progress | None = None
    cancel: CancelToken | None = None

    @property
    def threads(self) -> int:
        """The thread budget as a number."""
        return available_processors() if self.workers is None else self.workers

    def run(self, paths: Sequence[str], task: Callable[[int], T], *, parallel: bool = True) -> list[T]:
        """Call ``task(index)`` for every path and return the results in the order of ``paths``.

        Every path is tried, also after another one failed. The first paths run in the calling
        thread; threads are started only when what remains is worth them.

        Parameters
        ----------
        paths
            What the indices stand for; used in the error only.
        task
            Does the work for one index.
        parallel
            False keeps everything in the calling thread (work that holds the interpreter lock).

        Raises
        ------
        BatchError
            If a task failed or the batch was cancelled. A single path raises its own error.
        """
        if len(paths) == 1 and self.cancel is None:
            result = task(0)
            if self.progress is not None:
                self.progress(1, 1)
            return [result]
        results: dict[int, T] = {}
        failed: dict[int, Exception] = {}

        def attempt(index: int) -> None:
            if self._cancelled():
                return
            try:
                results[index] = task(index)
            except Exception as error:
                failed[index] = error

        threads = self.threads if parallel else 1
        reached = self._run_inline(attempt, len(paths), threads)
        if reached < len(paths):
            self._run_in_threads(attempt, range(reached, len(paths)), threads)
        if failed or len(results) < len(paths):
            raise BatchError.from_outcome(
                done=[path for index, path in enumerate(paths) if index in results],
                failed={path: failed[index] for index, path in enumerate(paths) if index in failed},
                not_started=[
                    path for index, path in enumerate(paths) if index not in results and index not in failed
                ],
            )
        return [results[index] for index in range(len(paths))]

    def _cancelled(self) -> bool:
        return self.cancel is not None and self.cancel.is_set()

    def _report(self, done: int, total: int) -> None:
        if self.progress is not None and not self._cancelled():
            self.progress(done, total)

    def _run_inline(self, attempt: Callable[[int], None], total: int, threads: int) -> int:
        """Work in the calling thread until threads pay; return how many paths were tried."""
        for index in range(total):
            begin = time.perf_counter()
            attempt(index)
            remaining = (time.perf_counter() - begin) * (total - index - 1)
            self._report(index + 1, total)
            if threads > 1 and remaining > _WORTH_A_THREAD_POOL:
                return index + 1
        return total

    def _run_in_threads(self, attempt: Callable[[int], None], indices: range, threads: int) -> None:
        from concurrent.futures import ThreadPoolExecutor, as_completed

        pool = ThreadPoolExecutor(min(threads, len(indices)), thread_name_prefix="polystore-batch")
        try:
            futures = [pool.submit(attempt, index) for index in indices]
            for finished, future in enumerate(as_completed(futures), start=1):
                future.result()
                self._report(indices.start + finished, indices.stop)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def available_processors() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
