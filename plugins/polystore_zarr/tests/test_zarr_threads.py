"""Threads that share work, and a file."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from polystore_zarr._snapshot import _seek_and_read
from polystore_zarr._threads import spread

WAITING = "_wait_for"
"""The function that a thread is in while it waits for those that helped."""


@pytest.fixture
def no_more_threads() -> Iterator[None]:
    """Let every new thread ask for a stack larger than the address space."""
    before = threading.stack_size(2**47)
    yield
    threading.stack_size(before)


def test_every_item_is_done_once() -> None:
    done: list[int] = []
    spread(done.append, range(1000), 8)
    assert sorted(done) == list(range(1000))


def test_all_is_done_where_the_system_grants_no_thread(no_more_threads: None) -> None:
    done: list[int] = []
    spread(done.append, range(100), 8)
    assert done == list(range(100))


def test_what_is_not_begun_is_left_out_after_a_failure() -> None:
    begun: list[int] = []

    def fail(item: int) -> None:
        begun.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        spread(fail, range(100), 1)
    assert begun == [0]


@pytest.mark.parametrize(("second", "raised"), [(ValueError, 0), (KeyboardInterrupt, 1)])
def test_the_first_item_that_fails_is_told_of_unless_the_work_is_interrupted(
    second: type[BaseException], raised: int
) -> None:
    failing = threading.Event()

    def fail(item: int) -> None:
        if item == 1:
            failing.set()
            raise second(1)
        failing.wait(60)
        time.sleep(0.01)  # by now the other failure is known
        raise ValueError(0)

    with pytest.raises(BaseException, match=str(raised)) as caught:
        spread(fail, range(2), 2)
    assert type(caught.value) is (second if raised else ValueError)


def test_nobody_is_at_work_any_more_after_an_interruption_of_who_waits() -> None:
    caller, gone_on = threading.get_ident(), []
    helping, idle, left = threading.Event(), threading.Event(), threading.Event()

    def work(item: int) -> None:
        if threading.get_ident() == caller:
            helping.wait()
            idle.set()
            return
        helping.set()
        idle.wait()
        while sys._current_frames()[caller].f_code.co_name != WAITING:
            time.sleep(0.001)
        signal.pthread_kill(caller, signal.SIGINT)
        gone_on.append(left.wait(timeout=0.3))

    with pytest.raises(KeyboardInterrupt):
        spread(work, range(2), 2)
    left.set()
    assert gone_on == [False]


@pytest.mark.parametrize("read", [_seek_and_read, os.pread])
def test_threads_read_their_parts_of_one_file(tmp_path: Path, read: Callable[[int, int, int], bytes]) -> None:
    parts = [bytes([number]) * 64 for number in range(64)]
    (tmp_path / "shard").write_bytes(b"".join(parts))
    found: dict[int, set[bytes]] = {number: set() for number in range(64)}
    with (tmp_path / "shard").open("rb") as file:
        spread(
            lambda number: found[number % 64].add(read(file.fileno(), 64, number % 64 * 64)),
            range(20_000),
            8,
        )
    assert found == {number: {part} for number, part in enumerate(parts)}
