"""The memory that frames wait in."""

import gc
import mmap
import os
import resource
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore_streaming.memory import (
    ALIGNMENT,
    CAN_SHARE,
    Arena,
    Block,
    Blocks,
    make_shared,
    map_received,
    populate,
)

END = 4096


def overlaps(one, other):
    return one.offset < other.offset + other.size and other.offset < one.offset + one.size


@given(st.lists(st.one_of(st.integers(0, 1500), st.tuples(st.just("give back"), st.integers(0, 100)))))
def test_blocks_never_overlap_and_none_gets_lost(steps):
    blocks, taken = Blocks(ALIGNMENT, END), []
    for step in steps:
        if isinstance(step, tuple):
            if taken:
                blocks.give_back(taken.pop(step[1] % len(taken)))
        elif (block := blocks.take(step)) is not None:
            assert block.size >= max(step, 1)
            assert block.offset % ALIGNMENT == block.size % ALIGNMENT == 0
            assert ALIGNMENT <= block.offset <= block.offset + block.size <= END
            assert not any(overlaps(block, other) for other in taken)
            taken.append(block)
        else:
            assert blocks.largest_gap < max(step, 1)
        assert blocks.free == END - ALIGNMENT - sum(block.size for block in taken)
    for block in taken:
        blocks.give_back(block)
    assert blocks.largest_gap == blocks.free == END - ALIGNMENT


def test_the_lowest_gap_is_taken_so_that_touched_memory_is_used_again():
    blocks = Blocks(0, 1024)
    first, second, _ = blocks.take(64), blocks.take(128), blocks.take(64)
    blocks.give_back(second)
    blocks.give_back(first)
    assert blocks.take(192) == Block(0, 192)


def test_an_arena_that_is_full_gives_nothing_until_something_comes_back():
    arena = Arena(1 << 20)
    block = arena.take(1 << 20)
    assert (arena.take(1), arena.free) == (None, 0)
    arena.give_back(block)
    assert arena.take(1 << 20) == block
    arena.close()


def test_arrays_of_an_arena_lie_aligned_in_the_memory_that_is_handed_over():
    arena = Arena(1 << 20)
    block = arena.take(600)
    arena.array(block, 64, (3, 5), np.dtype("<u2"))[:] = np.arange(15).reshape(3, 5)
    received = map_received(os.dup(arena.fd), arena.size)
    there = np.frombuffer(received[block.offset + 64 :][:30], "<u2").reshape(3, 5)
    assert there.tolist() == np.arange(15).reshape(3, 5).tolist()
    assert block.offset % ALIGNMENT == 0
    assert bytes(received[: len(arena.nonce)]) == arena.nonce
    arena.close()


def test_an_array_outlives_the_arena_it_lies_in():
    arena = Arena(1 << 20)
    array = arena.array(arena.take(800), 0, (100,), np.dtype("<i8"))
    array[:] = 7
    arena.close()
    assert array.sum() == 700


def test_the_garbage_collector_may_give_a_block_back_in_the_midst_of_a_take():
    arena = Arena(1 << 20)

    class Frame:
        block = None

        def __init__(self):
            self.itself = self
            self.block = arena.take(1000)

        def __del__(self):
            if self.block is not None:
                arena.give_back(self.block)

    def churn():
        for _ in range(20_000):
            Frame()

    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        worker = threading.Thread(target=churn, daemon=True)
        worker.start()
        worker.join(60)
        assert not worker.is_alive()
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert arena.free == arena.size - ALIGNMENT
    arena.close()


def test_threads_share_an_arena():
    arena = Arena(1 << 20)
    found = []

    def churn(seed):
        random = np.random.default_rng(seed)
        mine = []
        for _ in range(2000):
            block = arena.take(int(random.integers(1, 20_000)))
            if block is not None:
                view = arena.view(block, block.size)
                view[0] = view[-1] = seed
                mine.append(block)
            if mine and (block is None or random.random() < 0.5):
                done = mine.pop(int(random.integers(len(mine))))
                view = arena.view(done, done.size)
                found.append(view[0] == view[-1] == seed)
                arena.give_back(done)
        for block in mine:
            arena.give_back(block)

    workers = [threading.Thread(target=churn, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert all(found)
    assert arena.free == arena.size - ALIGNMENT
    arena.close()


def test_pages_are_put_behind_memory_before_it_is_written():
    memory, fd = make_shared(1 << 20)
    assert populate(memory, fd, 0, 1 << 16)
    assert os.stat(fd).st_blocks * 512 >= 1 << 16
    os.close(fd)


def test_a_kernel_without_populate_sets_pages_aside(monkeypatch):
    monkeypatch.setattr("polystore_streaming.memory._shared._POPULATE_WRITE", 999)
    memory, fd = make_shared(1 << 20)
    assert populate(memory, fd, 0, 1 << 16)
    assert os.stat(fd).st_blocks * 512 >= 1 << 16
    os.close(fd)


def limited(script, **limits):
    """Run a script under limits of resources."""

    def limit():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    return subprocess.run(
        [sys.executable, "-c", script],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.strip()


ARENA = """
import sys
from polystore_streaming.memory import Arena
arena = Arena(192 << 20)
block = arena.take(1000)
arena.view(block, 1000)[:] = bytes(1000)
print(arena.fd is None, arena.size >> 20)
"""


def test_memory_that_may_not_be_shared_is_private():
    assert limited(ARENA, RLIMIT_FSIZE=1 << 20) == "True 192"


def test_memory_that_is_refused_is_asked_for_in_halves():
    size = 1 << 30
    script = ARENA.replace("192 << 20", f"{size} * 4")
    said = limited(script, RLIMIT_AS=size)
    assert said.startswith("False ")
    assert 16 <= int(said.split()[1]) <= 1024


def test_next_to_nothing_is_memory_too():
    arena = Arena(1)
    assert arena.size <= mmap.PAGESIZE
    arena.close()


def test_this_platform_shares():
    assert CAN_SHARE
