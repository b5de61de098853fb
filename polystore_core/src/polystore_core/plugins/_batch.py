"""Running one task per path: thread budget, order, progress, cancellation, one error for all."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Generic, NamedTuple, Protocol, TypeVar

from polystore_core.errors import BatchError

__all__ = ["Batch", "CancelToken", "Progress"]

T = TypeVar("T")

Progress = Callable[[int, int], object]
"""Called as ``progress(done, total)`` after each finished path, from the calling thread."""

_SHORT = 0.0004
"""Seconds below which a task is mostly interpreter work: threads would wait for each other's lock."""

_LONG = 0.02
"""Seconds from which one task is enough to judge by; a shorter first one may just have been an import."""

_LITTLE = 0.002
"""Seconds of remaining work below which starting threads costs more than it saves."""

_MUCH = 8 * 2**20
_MUCH_EACH = 2**20
"""Bytes in all, and for each task, from which only copying them takes longer than starting threads."""


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

    def threads_each(self, count: int) -> int:
        """Share of the thread budget for each of ``count`` tasks, at least one thread."""
        return max(1, self.threads // count)

    def run(
        self,
        paths: Sequence[str],
        task: Callable[[int], T],
        *,
        parallel: bool = True,
        nbytes: Callable[[], int] = int,
    ) -> list[T]:
        """Call ``task(index)`` for every path and return the results in the order of ``paths``.

        Every path is tried, also after another one failed. The calling thread works too. Others join it at
        once where there is much to move, and otherwise only when the tasks prove long enough to gain from
        them, so that a batch is not slower than a loop.

        Parameters
        ----------
        paths
            What the indices stand for; used in the error only.
        task
            Does the work for one index.
        parallel
            False keeps everything in the calling thread (work that holds the interpreter lock).
        nbytes
            Tells how many bytes the tasks move together, as far as that is known beforehand; by default 0.
            Not asked about a single path.

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
        work = _Work(len(paths), task, self.cancel)
        at_once = parallel and nbytes() >= max(_MUCH, _MUCH_EACH * len(paths))
        if at_once or (parallel and len(paths) > 2):
            self._do_together(work, len(paths), at_once=at_once)
        else:
            self._do_alone(work, len(paths))
        results, failed = work.results, work.failed
        if failed or len(results) < len(paths):
            raise BatchError.from_outcome(
                done=[path for index, path in enumerate(paths) if index in results],
                failed={path: failed[index] for index, path in enumerate(paths) if index in failed},
                not_started=[
                    path for index, path in enumerate(paths) if index not in results and index not in failed
                ],
            )
        return [results[index] for index in range(len(paths))]

    def _do_alone(self, work: _Work[T], total: int) -> None:
        """Work in the calling thread until nothing is left."""
        while work.do_next():
            if self.progress is not None:
                self.progress(work.done, total)

    def _do_together(self, work: _Work[T], total: int, *, at_once: bool) -> None:
        """Work in the calling thread until nothing is left, with helpers as soon as they are worth it."""
        helpers: list[tuple[Thread, Event]] = []
        recent: deque[float] = deque(maxlen=3)
        reported = 0

        def get_help() -> None:
            with suppress(RuntimeError):  # no more threads are granted: those that run do it all
                for _ in range(min(self.threads, len(work.left)) - 1):
                    ended = Event()
                    helper = Thread(target=work.do_all, args=(ended,), name="polystore-batch")
                    helper.start()
                    helpers.append((helper, ended))

        try:
            if at_once:
                get_help()
            begin = time.perf_counter()
            while work.do_next():
                recent.append(time.perf_counter() - begin)
                if self.progress is not None:
                    reported = self._report(reported, work.done, total)
                if not helpers and gains_from_threads(recent, len(work.left)):
                    get_help()
                begin = time.perf_counter()
            for _, ended in helpers:
                ended.wait()
                reported = self._report(reported, work.done, total)
        finally:
            work.left.clear()
            for helper, ended in helpers:  # after an interrupted join a thread would count as ended
                ended.wait()
                helper.join()
        if work.interrupted is not None:
            raise work.interrupted

    def _report(self, reported: int, done: int, total: int) -> int:
        """Tell of each path that was finished since the last time."""
        if self.progress is not None:
            for finished in range(reported + 1, done + 1):
                self.progress(finished, total)
        return done


class _Work(Generic[T]):
    """What is left of a batch and what came out, shared by the threads at work on it.

    It needs no lock: ``deque.popleft`` is atomic, and each index is written by one thread.
    """

    def __init__(self, total: int, task: Callable[[int], T], cancel: CancelToken | None) -> None:
        self.left = deque(range(total))
        self.results: dict[int, T] = {}
        self.failed: dict[int, Exception] = {}
        self.interrupted: BaseException | None = None
        self._task = task
        self._cancel = cancel

    @property
    def done(self) -> int:
        """How many tasks have ended, well or not."""
        return len(self.results) + len(self.failed)

    def do_next(self) -> bool:
        """Do the next task; False if none is left or the batch was cancelled."""
        if not self.left or (self._cancel is not None and self._cancel.is_set()):
            return False
        try:
            index = self.left.popleft()
        except IndexError:
            return False
        try:
            self.results[index] = self._task(index)
        except Exception as error:
            self.failed[index] = error
        return True

    def do_all(self, ended: Event) -> None:
        """Do tasks until none is left, and tell; what is no error but ends a thread ends the batch."""
        try:
            while self.do_next():
                pass
        except BaseException as interruption:
            self.interrupted = interruption
            self.left.clear()
        finally:
            ended.set()


def gains_from_threads(recent: Sequence[float], left: int) -> bool:
    """Judge by the quickest of the last few tasks, in seconds: one alone may have been slow by accident."""
    if left < 2:
        return False
    quickest = min(recent)
    return quickest >= (_SHORT if len(recent) > 1 else _LONG) and quickest * left >= _LITTLE


_HAS_AFFINITY = hasattr(os, "sched_getaffinity")


def available_processors() -> int:
    """Number of processors that this process may use."""
    if _HAS_AFFINITY:
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
