"""Many values in one call."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from polystore_core.errors import BatchError, InvalidOption, PathExists, PathNotFound, UnsupportedData
from polystore_core.testing._kit import Kit, needs
from polystore_core.testing._samples import assert_same, spoil

if TYPE_CHECKING:
    from polystore_core.data import DataKind
    from polystore_core.testing._store import Store

__all__ = ["BatchFailureTests", "BatchTests"]

each_budget = pytest.mark.parametrize("workers", [1, 4])


class BatchTests(Kit):
    """`save_batch` and `load_batch` when all goes well."""

    def many(self, count: int = 24, kind: DataKind | None = None) -> tuple[list[str], list[Any]]:
        """Return paths in an order that is no sorted one, and their values."""
        numbers = [(7 * number) % count for number in range(count)]
        return [self.name(f"d/t{n}", kind) for n in numbers], [self.value(n, kind) for n in numbers]

    @needs("write", "get")
    @each_budget
    def test_each_value_of_a_batch_goes_to_its_path(self, store: Store, kind: DataKind, workers: int) -> None:
        paths, values = self.many(kind=kind)
        store.save_batch(values, paths, workers=workers)
        for path, value in zip(paths, values, strict=True):
            assert_same(store.get(path), value)

    @needs("read", "put")
    @each_budget
    def test_values_are_loaded_in_the_order_of_the_paths(
        self, store: Store, kind: DataKind, workers: int
    ) -> None:
        paths, values = self.many(kind=kind)
        for path, value in zip(paths, values, strict=True):
            store.put(value, path)
        loaded = store.load_batch(paths, workers=workers)
        assert isinstance(loaded, list)
        assert len(loaded) == len(values)
        for found, value in zip(loaded, values, strict=True):
            assert_same(found, value)

    @needs("read", "put")
    @each_budget
    def test_a_path_may_be_loaded_twice_in_a_batch(self, store: Store, workers: int) -> None:
        store.put_files(self.name("a"), self.name("b"))
        first, other, second = store.load_batch(
            [self.name("a"), self.name("b"), self.name("./a")], workers=workers
        )
        spoil(first)
        assert_same(other, self.value(1))
        assert_same(second, self.value(0))

    @needs("read", "write")
    def test_an_empty_batch_does_nothing(self, store: Store) -> None:
        store.save_batch([], [])
        assert store.load_batch([]) == []

    @needs("write", "get", "array")
    def test_a_stack_is_saved_plane_by_plane(self, store: Store) -> None:
        stack = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
        paths = [self.name("z0", "array"), self.name("z1", "array")]
        store.save_batch(stack, tuple(paths))
        for path, plane in zip(paths, stack, strict=True):
            assert_same(store.get(path), plane)

    @needs("write", "get")
    def test_a_batch_replaces_what_is_there(self, store: Store) -> None:
        paths = [self.name("a"), self.name("b")]
        store.put_files(*paths)
        store.save_batch([self.value(2), self.value(3)], paths)
        for number, path in enumerate(paths, start=2):
            assert_same(store.get(path), self.value(number))

    @needs("write")
    @each_budget
    def test_the_callers_values_are_left_as_they_were(
        self, store: Store, kind: DataKind, workers: int
    ) -> None:
        paths, values = self.many(6, kind)
        store.save_batch(values, paths, workers=workers)
        for value, untouched in zip(values, self.many(6, kind)[1], strict=True):
            assert_same(value, untouched)

    @needs("write", "read")
    @each_budget
    def test_progress_counts_every_path_from_the_calling_thread(self, store: Store, workers: int) -> None:
        paths, values = self.many(5)
        calls: list[tuple[int, int, int]] = []

        def progress(done: int, total: int) -> None:
            calls.append((done, total, threading.get_ident()))

        store.save_batch(values, paths, progress=progress, workers=workers)
        store.load_batch(paths, progress=progress, workers=workers)
        assert calls == [(done, 5, threading.get_ident()) for done in (1, 2, 3, 4, 5)] * 2

    @needs("write", "list")
    def test_a_call_that_makes_no_sense_saves_nothing(self, store: Store) -> None:
        paths, values = self.many(2)
        for wrong_values, wrong_paths, options in (
            (values, paths[:1], {}),
            (values, [paths[0], f"./{paths[0]}"], {}),
            (values, paths[0], {}),
            (iter(values), paths, {}),
            (values, paths, {"workers": 0}),
            (values, paths, {"no_such_option": 1}),
            (values[:1], paths[:1], {"no_such_option": 1}),
            (values, paths, {"progress": 3}),
        ):
            with pytest.raises(InvalidOption):
                store.save_batch(wrong_values, wrong_paths, **options)
        assert store.tree() == []


class BatchFailureTests(Kit):
    """`save_batch` and `load_batch` when a path fails or the caller cancels."""

    @needs("read", "put")
    @each_budget
    def test_a_failed_load_says_which_paths_failed(self, store: Store, workers: int) -> None:
        there = [self.name("a"), self.name("b")]
        store.put_files(*there)
        missing = [self.name("missing"), self.name("d/missing")]
        with pytest.raises(BatchError, match="2 of 4 paths failed") as caught:
            store.load_batch([there[0], missing[0], there[1], missing[1]], workers=workers)
        error = caught.value
        assert (error.done, list(error.failed), error.not_started) == (tuple(there), missing, ())
        for path, member in error.failed.items():
            assert isinstance(member, PathNotFound)
            assert (member.backend, member.operation, member.path) == (self.backend, "read", path)
        assert sorted(map(str, error.exceptions)) == sorted(map(str, error.failed.values()))
        assert (error.backend, error.operation) == (self.backend, "read")

    @needs("read", "put")
    def test_a_batch_of_one_fails_as_a_batch(self, store: Store) -> None:
        with pytest.raises(BatchError) as caught:
            store.load_batch([self.name("missing")])
        assert list(caught.value.failed) == [self.name("missing")]

    @needs("write", "get")
    @each_budget
    def test_what_can_be_saved_is_saved(self, store: Store, workers: int) -> None:
        store.save(self.value(9), self.name("old"))
        paths = [self.name("a"), self.name("old"), self.name("b"), self.name("none")]
        with pytest.raises(BatchError, match="2 of 4 paths failed") as caught:
            store.save_batch(
                [self.value(0), self.value(1), self.value(2), None], paths, overwrite=False, workers=workers
            )
        error = caught.value
        assert error.done == (paths[0], paths[2])
        assert {path: type(member) for path, member in error.failed.items()} == {
            paths[1]: PathExists,
            paths[3]: UnsupportedData,
        }
        assert_same(store.get(paths[0]), self.value(0))
        assert_same(store.get(paths[1]), self.value(9))
        assert_same(store.get(paths[2]), self.value(2))

    @needs("write", "read")
    @each_budget
    def test_a_batch_cancelled_beforehand_does_nothing(self, store: Store, workers: int) -> None:
        cancel = threading.Event()
        cancel.set()
        paths = [self.name("a"), self.name("b")]
        with pytest.raises(BatchError) as caught:
            store.save_batch([self.value(0), self.value(1)], paths, cancel=cancel, workers=workers)
        assert (caught.value.done, caught.value.failed, caught.value.not_started) == ((), {}, tuple(paths))
        for path in paths:
            with pytest.raises(PathNotFound):
                store.load(path)

    @needs("write", "read")
    def test_a_batch_stops_where_it_is_cancelled(self, store: Store) -> None:
        cancel = threading.Event()
        paths = [self.name(f"t{number}") for number in range(6)]
        values = [self.value(number) for number in range(6)]

        def cancel_after_two(done: int, _total: int) -> None:
            if done == 2:
                cancel.set()

        with pytest.raises(BatchError, match="cancelled") as caught:
            store.save_batch(values, paths, cancel=cancel, progress=cancel_after_two, workers=1)
        error = caught.value
        assert (error.done, error.not_started) == (tuple(paths[:2]), tuple(paths[2:]))
        for path, value in zip(paths[:2], values, strict=False):
            assert_same(store.load(path), value)
        with pytest.raises(PathNotFound):
            store.load(paths[2])

    @needs("read", "put")
    @each_budget
    def test_a_cancelled_load_says_what_was_not_started(self, store: Store, workers: int) -> None:
        paths = [self.name("a"), self.name("b")]
        store.put_files(*paths)
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(BatchError, match="cancelled") as caught:
            store.load_batch(paths, cancel=cancel, workers=workers)
        assert (caught.value.done, caught.value.not_started) == ((), tuple(paths))
