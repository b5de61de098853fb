"""Many threads at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import pytest

from polystore_core.data import data_equal
from polystore_core.errors import PathExists
from polystore_core.testing._kit import Kit, needs
from polystore_core.testing._samples import assert_same

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_core.testing._store import Store

__all__ = ["ThreadTests"]

T = TypeVar("T")

_THREADS = 8
_ROUNDS = 25


def at_once(task: Callable[[int], T], threads: int = _THREADS) -> list[T]:
    """Call ``task(0)``, ``task(1)``... from as many threads, all starting together."""
    start = threading.Barrier(threads)

    def run(number: int) -> T:
        start.wait()
        return task(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


class ThreadTests(Kit):
    """One store used from several threads."""

    @needs("write", "read")
    def test_threads_with_paths_of_their_own_do_not_disturb_each_other(self, store: Store) -> None:
        def work(number: int) -> None:
            for turn in range(_ROUNDS):
                path = self.name(f"d/{number}/t{turn % 3}")
                store.save(self.value(number + turn), path)
                assert_same(store.load(path), self.value(number + turn))

        at_once(work)

    @needs("write", "read")
    def test_every_load_sees_one_whole_value(self, store: Store) -> None:
        path = self.name("d/a")
        values = [self.value(number) for number in range(_THREADS)]
        store.save(values[0], path)

        def work(number: int) -> None:
            for _ in range(_ROUNDS):
                if number % 2:
                    store.save(values[number], path)
                else:
                    found = store.load(path)
                    assert any(data_equal(found, value) for value in values), f"nobody saved {found!r}"

        at_once(work)

    @needs("write", "read")
    def test_the_first_use_opens_one_store(self, store: Store) -> None:
        at_once(lambda number: store.save(self.value(number), self.name(f"d/{number}")))
        for number in range(_THREADS):
            assert_same(store.load(self.name(f"d/{number}")), self.value(number))

    @needs("write", "read")
    def test_one_thread_alone_creates_a_file(self, store: Store) -> None:
        def create(number: int) -> bool:
            try:
                store.save(self.value(number), self.name("d/a"), overwrite=False)
            except PathExists:
                return False
            return True

        created = at_once(create)
        assert sum(created) == 1
        assert_same(store.load(self.name("d/a")), self.value(created.index(True)))

    @needs("write", "list", "delete", "stat")
    def test_listings_stay_whole_while_files_come_and_go(self, store: Store) -> None:
        stays = [self.name(f"d/stay{number}") for number in range(5)]
        store.put_files(*stays)

        def work(number: int) -> None:
            for _ in range(_ROUNDS):
                if number % 2:
                    store.save(self.value(), self.name(f"d/come{number}"))
                    store.delete(self.name(f"d/come{number}"))
                else:
                    assert set(stays) <= set(store.list_files("d"))

        at_once(work)
        assert store.list_files("d") == stays

    @needs("make_directory", "stat")
    def test_threads_may_make_the_same_directory(self, store: Store) -> None:
        at_once(lambda _: store.ensure_directory("d/e/f"))
        assert store.is_dir("d/e/f")

    @needs("move", "put", "list")
    def test_one_thread_alone_moves_a_file(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))

        def move(number: int) -> bool:
            try:
                store.move(self.name("a"), self.name(f"b{number}"))
            except FileNotFoundError:
                return False
            return True

        moved = at_once(move)
        assert sum(moved) == 1
        assert store.tree() == [self.name(f"b{moved.index(True)}")]

    @needs("write", "read")
    def test_batches_may_run_side_by_side(self, store: Store) -> None:
        def work(number: int) -> None:
            paths = [self.name(f"d/{number}/t{turn}") for turn in range(_ROUNDS)]
            values = [self.value(number + turn) for turn in range(_ROUNDS)]
            store.save_batch(values, paths, workers=2)
            for found, value in zip(store.load_batch(paths, workers=2), values, strict=True):
                assert_same(found, value)

        at_once(work, 4)

    @needs("write", "list")
    def test_a_failing_thread_leaves_nothing(self, store: Store) -> None:
        def fail(number: int) -> None:
            with pytest.raises(TypeError):
                store.save(None, self.name(f"d/{number}"))

        at_once(fail)
        assert store.tree() == []
