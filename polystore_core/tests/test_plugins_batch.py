"""A batch does every path, in order, within its thread budget, and says what became of each."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polystore_core import BatchError, Cancelled, PathNotFound
from polystore_core.plugins import Batch
from polystore_core.plugins._batch import gains_from_threads

TEN = [f"{index}.npy" for index in range(10)]

WAITING = {"wait", "join", "_wait_for_tstate_lock"}
"""Functions of ``threading`` that a thread is in while it waits for another."""


def long_enough(seconds: float = 0.002) -> None:
    """Compute for so long that threads are worth it."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(100))


class Workers:
    """Counts who is at work at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active = 0
        self.most = 0
        self.threads: set[int] = set()

    def __enter__(self) -> None:
        with self._lock:
            self._active += 1
            self.most = max(self.most, self._active)
            self.threads.add(threading.get_ident())

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._active -= 1


def run_with(workers: Workers, batch: Batch, paths: list[str], *, parallel: bool = True) -> None:
    def task(index: int) -> None:
        with workers:
            long_enough()

    batch.run(paths, task, parallel=parallel)


class TestResults:
    @given(count=st.integers(0, 40), workers=st.integers(1, 6))
    @settings(deadline=None)
    def test_come_in_the_order_of_the_paths(self, count, workers):
        paths = [str(index) for index in range(count)]
        assert Batch(workers).run(paths, lambda index: index * index) == [i * i for i in range(count)]

    def test_come_in_the_order_of_the_paths_when_the_first_takes_longest(self):
        def task(index):
            long_enough(0.03 if index == 0 else 0.002)
            return index

        assert Batch(4).run(TEN, task) == list(range(10))

    def test_of_no_paths_are_none(self):
        assert Batch().run([], lambda index: index) == []

    def test_may_be_none(self):
        assert Batch().run(["a", "b"], lambda index: None) == [None, None]

    def test_of_repeated_paths_are_all_there(self):
        assert Batch().run(["a", "a"], lambda index: index) == [0, 1]


class TestWorkers:
    @pytest.mark.parametrize("budget", [1, 2, 3, 5])
    def test_are_never_more_than_the_budget(self, budget):
        workers = Workers()
        run_with(workers, Batch(budget), TEN * 4)
        assert workers.most <= budget
        assert len(workers.threads) <= budget

    def test_are_several_for_long_tasks(self):
        workers = Workers()
        run_with(workers, Batch(3), TEN * 4)
        assert len(workers.threads) == 3

    def test_include_the_calling_thread(self):
        workers = Workers()
        run_with(workers, Batch(2), TEN * 4)
        assert threading.get_ident() in workers.threads

    @pytest.mark.parametrize(
        ("recent", "left", "gains"),
        [
            ([0.003], 100, False),
            ([0.003, 0.003], 100, True),
            ([0.003, 0.003, 0.003], 100, True),
            ([0.0009, 0.0009], 2, False),
            ([0.05], 2, True),
            ([0.05], 1, False),
            ([0.05, 0.00005], 100, False),
            ([0.00005, 0.003, 0.00005], 1000, False),
        ],
    )
    def test_are_several_only_if_the_quickest_recent_task_is_long_and_much_is_left(self, recent, left, gains):
        assert gains_from_threads(recent, left) is gains

    def test_are_several_from_the_first_task_on_if_there_is_much_to_move(self):
        both = threading.Barrier(2)
        assert len(Batch(2).run(["a", "b"], lambda index: both.wait(60), nbytes=lambda: 2**23)) == 2

    @pytest.mark.parametrize(
        ("count", "nbytes", "arguments"),
        [(2, 2**23 - 1, {}), (9, 2**23, {}), (2, 2**40, {"parallel": False})],
        ids=["little in all", "little in each", "not parallel"],
    )
    def test_are_the_calling_thread_alone_with_little_to_move(self, count, nbytes, arguments):
        threads = Batch(2).run(
            TEN[:count], lambda _: threading.get_ident(), nbytes=lambda: nbytes, **arguments
        )
        assert set(threads) == {threading.get_ident()}

    def test_are_within_the_budget_with_much_to_move(self):
        threads = Batch(1).run(TEN, lambda _: threading.get_ident(), nbytes=lambda: 2**40)
        assert set(threads) == {threading.get_ident()}

    def test_are_the_calling_thread_alone_when_not_parallel(self):
        workers = Workers()
        run_with(workers, Batch(4), TEN, parallel=False)
        assert workers.threads == {threading.get_ident()}

    def test_are_gone_when_the_batch_ends(self):
        before = threading.active_count()
        run_with(Workers(), Batch(4), TEN)
        assert threading.active_count() == before

    def test_default_to_the_processors_of_this_process(self):
        assert Batch().threads >= 1
        assert Batch(7).threads == 7


class TestFailures:
    def test_of_every_path_are_reported_by_path(self):
        def task(index):
            long_enough()
            if index % 3 == 0:
                raise PathNotFound(f"no {index}")

        with pytest.raises(BatchError) as caught:
            Batch(3).run(TEN, task)
        assert list(caught.value.failed) == ["0.npy", "3.npy", "6.npy", "9.npy"]
        assert [str(error) for error in caught.value.failed.values()] == ["no 0", "no 3", "no 6", "no 9"]
        assert caught.value.done == ("1.npy", "2.npy", "4.npy", "5.npy", "7.npy", "8.npy")
        assert caught.value.not_started == ()
        assert caught.value.message == "4 of 10 paths failed: '0.npy': no 0, and 3 more (see .failed)"

    @given(bad=st.sets(st.integers(0, 9), min_size=1), workers=st.integers(1, 4))
    @settings(deadline=None)
    def test_split_the_paths_into_done_and_failed(self, bad, workers):
        def task(index):
            if index in bad:
                raise ValueError(index)

        with pytest.raises(BatchError) as caught:
            Batch(workers).run(TEN, task)
        assert list(caught.value.failed) == [TEN[index] for index in sorted(bad)]
        assert list(caught.value.done) == [path for index, path in enumerate(TEN) if index not in bad]

    def test_of_a_single_path_are_raised_bare(self):
        def task(index):
            raise PathNotFound("no 'a.npy'")

        with pytest.raises(PathNotFound, match=r"^no 'a\.npy'$"):
            Batch().run(["a.npy"], task)


class TestProgress:
    @pytest.mark.parametrize("seconds", [0.0, 0.002])
    def test_counts_every_path_once(self, seconds):
        calls = []
        Batch(3, lambda done, total: calls.append((done, total))).run(TEN, lambda _: long_enough(seconds))
        assert calls == [(done, 10) for done in range(1, 11)]

    def test_counts_a_single_path(self):
        calls = []
        Batch(progress=lambda *call: calls.append(call)).run(["a"], lambda index: index)
        assert calls == [(1, 1)]

    def test_counts_paths_that_failed(self):
        calls = []

        def task(index):
            raise ValueError(index)

        with pytest.raises(BatchError):
            Batch(progress=lambda *call: calls.append(call)).run(["a", "b"], task)
        assert calls == [(1, 2), (2, 2)]

    def test_is_told_from_the_calling_thread(self):
        threads = set()
        batch = Batch(3, lambda done, total: threads.add(threading.get_ident()))
        run_with(Workers(), batch, TEN)
        assert threads == {threading.get_ident()}

    @pytest.mark.parametrize("error", [ValueError("the bar broke"), KeyboardInterrupt()])
    def test_that_raises_ends_the_batch_with_its_error(self, error):
        workers, tasks = Workers(), []

        def task(index):
            with workers:
                tasks.append(index)
                long_enough()

        def progress(done, total):
            if done == 4:
                raise error

        before = threading.active_count()
        with pytest.raises(type(error)) as caught:
            Batch(2, progress).run(TEN * 10, task)
        assert caught.value is error
        assert len(tasks) < 100
        assert threading.active_count() == before


class TestCancelling:
    def test_before_the_batch_starts_nothing(self):
        cancel, tasks = threading.Event(), []
        cancel.set()
        with pytest.raises(BatchError) as caught:
            Batch(cancel=cancel).run(TEN, tasks.append)
        assert tasks == []
        assert caught.value.not_started == tuple(TEN)
        assert isinstance(caught.value.exceptions[0], Cancelled)
        assert caught.value.message == "cancelled: 0 of 10 paths done"

    def test_before_a_batch_of_one_starts_nothing(self):
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(BatchError) as caught:
            Batch(cancel=cancel).run(["a"], lambda index: index)
        assert caught.value.not_started == ("a",)

    @pytest.mark.parametrize("seconds", [0.0, 0.002])
    def test_during_the_batch_finishes_what_was_started(self, seconds):
        cancel, tasks = threading.Event(), []

        def task(index):
            tasks.append(index)
            if index == 5:
                cancel.set()
            long_enough(seconds)

        with pytest.raises(BatchError) as caught:
            Batch(3, cancel=cancel).run(TEN * 4, task)
        error = caught.value
        assert len(error.done) == len(tasks)
        assert 6 <= len(tasks) < 40
        assert len(error.done) + len(error.not_started) == 40
        assert error.failed == {}

    def test_from_progress_stops_after_that_path(self):
        cancel = threading.Event()
        with pytest.raises(BatchError) as caught:
            Batch(1, lambda done, total: cancel.set(), cancel).run(TEN, lambda index: index)
        assert caught.value.done == ("0.npy",)

    def test_after_the_last_path_is_too_late(self):
        cancel = threading.Event()
        batch = Batch(1, lambda done, total: done == total and cancel.set(), cancel)
        assert batch.run(TEN, lambda index: index) == list(range(10))

    def test_keeps_the_failures_until_then(self):
        cancel = threading.Event()

        def task(index):
            cancel.set()
            raise ValueError("broken")

        with pytest.raises(BatchError, match="1 of 3 paths failed: 'a': broken; 2 not started") as caught:
            Batch(cancel=cancel).run(["a", "b", "c"], task)
        assert caught.value.not_started == ("b", "c")


def test_all_is_done_where_the_system_grants_no_thread():
    before = threading.stack_size(2**47)  # more than the address space has
    try:
        assert Batch(4).run(TEN, lambda index: long_enough() or index) == list(range(10))
    finally:
        threading.stack_size(before)


class TestInterruption:
    @pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
    def test_of_the_calling_thread_ends_the_batch(self, interruption):
        tasks = []

        def task(index):
            tasks.append(index)
            long_enough()
            if index == 3:
                raise interruption

        before = threading.active_count()
        with pytest.raises(interruption):
            Batch(1).run(TEN, task)
        assert tasks == [0, 1, 2, 3]
        assert threading.active_count() == before

    def test_of_the_calling_thread_while_it_waits_lets_the_others_finish_what_is_under_way(self):
        caller, gone_on = threading.get_ident(), []
        helping, idle, left = threading.Event(), threading.Event(), threading.Event()

        def task(index):
            if index == 0:
                long_enough(0.03)
            elif threading.get_ident() == caller:
                helping.wait()
                idle.set()
            else:
                helping.set()
                idle.wait()
                while sys._current_frames()[caller].f_code.co_name not in WAITING:
                    time.sleep(0.001)
                signal.pthread_kill(caller, signal.SIGINT)
                gone_on.append(left.wait(timeout=0.3))

        with pytest.raises(KeyboardInterrupt):
            Batch(2).run(TEN[:3], task)
        left.set()
        assert gone_on == [False]

    def test_of_a_helper_ends_the_batch_in_the_calling_thread(self):
        caller, tasks = threading.get_ident(), []

        def task(index):
            tasks.append(index)
            long_enough()
            if threading.get_ident() != caller:
                raise SystemExit(3)

        with pytest.raises(SystemExit, match="3"):
            Batch(2).run(TEN * 10, task)
        assert len(tasks) < 100
