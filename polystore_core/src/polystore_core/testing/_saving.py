"""Saving and loading one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from polystore_core.errors import (
    InvalidOption,
    IsADirectory,
    NotADirectory,
    PathExists,
    PathNotFound,
    UnsupportedData,
    UnsupportedOperation,
)
from polystore_core.plugins import OPERATIONS
from polystore_core.testing._kit import Kit, needs
from polystore_core.testing._samples import assert_same, duplicate, spoil

if TYPE_CHECKING:
    from polystore_core.data import DataKind
    from polystore_core.testing._store import Store

__all__ = ["CapabilityTests", "LoadingTests", "SavingTests"]

_CALLS = {
    "read": lambda store, path: store.load(path),
    "write": lambda store, path: store.fm.save(b"", path, backend=store.backend),
    "list": lambda store, path: store.list_files(path),
    "stream": lambda store, path: store.stream(),
    "stat": lambda store, path: store.stat(path),
    "delete": lambda store, path: store.delete(path),
    "make_directory": lambda store, path: store.ensure_directory(path),
}
"""How each operation is called; copy and move are made of others where the backend lacks them."""


class CapabilityTests(Kit):
    """The backend can do what it says."""

    def test_implements_exactly_its_capabilities(self, store: Store) -> None:
        store.can("read")
        (info,) = (info for info in store.fm.backends() if info.name == self.backend)
        assert sorted(info.capabilities) == sorted(self.capabilities)

    def test_what_it_cannot_do_is_refused_and_says_what_it_can(self, store: Store) -> None:
        for operation in (set(OPERATIONS) - set(self.capabilities)) & set(_CALLS):
            with pytest.raises(UnsupportedOperation) as caught:
                _CALLS[operation](store, self.name("a"))
            message = str(caught.value)
            assert repr(self.backend) in message
            assert all(capability in message for capability in self.capabilities)

    @needs("write")
    def test_nothing_is_left_to_deliver_after_a_flush(self, store: Store) -> None:
        store.save(self.value(), self.name("a"))
        assert store.flush(timeout=60) == 0


class SavingTests(Kit):
    """What `save` does."""

    @needs("write", "get")
    def test_what_was_saved_is_loaded(self, store: Store, kind: DataKind) -> None:
        store.save(self.value(1, kind), self.name("a", kind))
        assert_same(store.get(self.name("a", kind)), self.value(1, kind))

    @needs("write", "raw_get")
    def test_what_was_saved_is_really_there(self, store: Store, kind: DataKind) -> None:
        store.save(self.value(1, kind), self.name("d/a", kind))
        assert_same(self.raw_get(store.folder, self.name("d/a", kind)), self.value(1, kind))

    @needs("write", "get")
    def test_missing_parents_are_created(self, store: Store) -> None:
        path = self.name("new/deeper/a")
        store.save(self.value(), path)
        assert_same(store.get(path), self.value())

    @needs("write", "get")
    def test_paths_do_not_mix(self, store: Store) -> None:
        paths = [
            self.name(stem) for stem in ("a", "b", "d/a", "d/e/a", "a b", "é", "日本", "%61", "a.b", "1")
        ]
        store.put_files(*paths)
        for number, path in enumerate(paths):
            assert_same(store.get(path), self.value(number))

    @needs("write", "get")
    def test_an_existing_file_is_replaced(self, store: Store, kind: DataKind) -> None:
        path = self.name("a", kind)
        for number in (5, 0, 2):
            store.save(self.value(number, kind), path)
            assert_same(store.get(path), self.value(number, kind))

    @needs("write", "get")
    def test_overwrite_false_keeps_the_old_value(self, store: Store) -> None:
        store.save(self.value(0), self.name("a"))
        with pytest.raises(PathExists, match="exists already"):
            store.save(self.value(1), self.name("a"), overwrite=False)
        assert_same(store.get(self.name("a")), self.value(0))

    @needs("write", "get")
    def test_overwrite_false_saves_where_nothing_is(self, store: Store) -> None:
        store.save(self.value(0), self.name("d/a"), overwrite=False)
        assert_same(store.get(self.name("d/a")), self.value(0))

    @needs("write", "read")
    def test_a_directory_is_not_overwritten(self, store: Store) -> None:
        store.save(self.value(), self.name("d/a"))
        with pytest.raises(IsADirectory):
            store.save(self.value(), "d")
        assert_same(store.load(self.name("d/a")), self.value())

    @needs("write", "read")
    def test_a_directory_with_the_name_of_a_file_is_not_overwritten(self, store: Store) -> None:
        directory = self.name("d")
        store.save(self.value(), f"{directory}/{self.name('a')}")
        with pytest.raises(IsADirectory):
            store.save(self.value(1), directory)
        with pytest.raises(PathExists):
            store.save(self.value(1), directory, overwrite=False)
        assert_same(store.load(f"{directory}/{self.name('a')}"), self.value())

    @needs("write", "read")
    def test_a_file_is_not_taken_for_a_directory(self, store: Store) -> None:
        file = self.name("a")
        store.save(self.value(), file)
        with pytest.raises(NotADirectory):
            store.save(self.value(1), f"{file}/{self.name('b')}")
        with pytest.raises(NotADirectory):
            store.save(self.value(1), f"{file}/new/{self.name('b')}")
        assert_same(store.load(file), self.value())

    @needs("write")
    def test_the_callers_value_is_left_as_it_was(self, store: Store, kind: DataKind) -> None:
        value = self.value(1, kind)
        store.save(value, self.name("a", kind))
        assert_same(value, self.value(1, kind))

    @needs("write", "array")
    def test_the_callers_array_stays_writable(self, store: Store) -> None:
        array = self.value(1, "array")
        assert isinstance(array, np.ndarray)
        store.save(array, self.name("a", "array"))
        assert array.flags.writeable

    @needs("write", "get")
    def test_changing_the_callers_value_later_changes_nothing(self, store: Store, kind: DataKind) -> None:
        value = duplicate(self.value(1, kind))
        store.save(value, self.name("a", kind))
        spoil(value)
        assert_same(store.get(self.name("a", kind)), self.value(1, kind))

    @needs("write", "get")
    def test_copy_false_saves_the_same_value(self, store: Store, kind: DataKind) -> None:
        value = duplicate(self.value(1, kind))
        store.save(value, self.name("a", kind), copy=False)
        assert_same(value, self.value(1, kind))
        assert_same(store.get(self.name("a", kind)), self.value(1, kind))

    @needs("write")
    def test_none_is_refused(self, store: Store) -> None:
        with pytest.raises(UnsupportedData, match="None"):
            store.save(None, self.name("a"))

    @needs("write")
    def test_objects_are_refused(self, store: Store) -> None:
        for value in (
            np.array([{}, None], dtype=object),
            object(),
            {"a": object()},
            np.array([("x", 1)], "O,i4"),
        ):
            with pytest.raises(UnsupportedData):
                store.save(value, self.name("a"))

    @needs("write", "list")
    def test_what_is_refused_leaves_nothing(self, store: Store) -> None:
        for value in (None, object(), np.array([None])):
            with pytest.raises(UnsupportedData):
                store.save(value, self.name("a"))
        with pytest.raises(InvalidOption):
            store.save(self.value(), self.name("a"), no_such_option=1)
        assert store.tree() == []

    @needs("write", "get")
    def test_what_is_refused_keeps_the_old_value(self, store: Store) -> None:
        store.save(self.value(), self.name("a"))
        for value in (None, object(), np.array([None])):
            with pytest.raises(UnsupportedData):
                store.save(value, self.name("a"))
        with pytest.raises(InvalidOption):
            store.save(self.value(1), self.name("a"), no_such_option=1)
        assert_same(store.get(self.name("a")), self.value())

    @needs("write")
    def test_an_unknown_option_is_refused_and_the_valid_ones_are_listed(self, store: Store) -> None:
        with pytest.raises(InvalidOption, match=r"no option 'no_such_option'; options: "):
            store.save(self.value(), self.name("a"), no_such_option=1)


class LoadingTests(Kit):
    """What `load` does."""

    @needs("read", "raw_put")
    def test_what_is_really_there_is_loaded(self, store: Store, kind: DataKind) -> None:
        self.raw_put(store.folder, self.name("d/a", kind), self.value(1, kind))
        assert_same(store.load(self.name("d/a", kind)), self.value(1, kind))

    @needs("read")
    def test_a_missing_path_is_not_found(self, store: Store) -> None:
        with pytest.raises(PathNotFound):
            store.load(self.name("missing"))
        with pytest.raises(FileNotFoundError):
            store.load(self.name("missing/too"))

    @needs("read", "put")
    def test_nothing_is_found_below_a_file(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        with pytest.raises(PathNotFound):
            store.load(f"{self.name('a')}/{self.name('b')}")

    @needs("read", "put")
    def test_a_directory_is_not_loaded(self, store: Store) -> None:
        store.put_files(self.name("d/a"), f"{self.name('d')}/{self.name('a')}")
        for directory in ("d", self.name("d")):
            with pytest.raises(IsADirectory):
                store.load(directory)

    @needs("read", "put")
    def test_loading_twice_gives_the_same(self, store: Store, kind: DataKind) -> None:
        store.put(self.value(1, kind), self.name("a", kind))
        assert_same(store.load(self.name("a", kind)), self.value(1, kind))
        assert_same(store.load(self.name("a", kind)), self.value(1, kind))

    @needs("read", "put")
    def test_what_is_loaded_belongs_to_the_caller(self, store: Store, kind: DataKind) -> None:
        path = self.name("a", kind)
        store.put(self.value(1, kind), path)
        first, second = store.load(path), store.load(path)
        spoil(first)
        assert_same(second, self.value(1, kind))
        assert_same(store.load(path), self.value(1, kind))

    @needs("read", "put", "array")
    def test_a_loaded_array_is_a_plain_writable_one(self, store: Store) -> None:
        store.put(self.value(1, "array"), self.name("a", "array"))
        array = store.load(self.name("a", "array"))
        assert type(array) is np.ndarray
        assert array.flags.writeable

    @needs("read", "put")
    def test_copy_false_gives_the_same_value(self, store: Store, kind: DataKind) -> None:
        store.put(self.value(1, kind), self.name("a", kind))
        assert_same(store.load(self.name("a", kind), copy=False), self.value(1, kind))

    @needs("read", "put", "array")
    def test_a_view_of_what_is_stored_is_read_only(self, store: Store) -> None:
        path = self.name("a", "array")
        store.put(self.value(1, "array"), path)
        view = store.load(path, copy=False)
        if not view.flags.writeable:
            with pytest.raises(ValueError, match="(?i)writeable"):
                view.flags.writeable = True
        spoil(view)
        assert_same(store.load(path), self.value(1, "array"))

    @needs("read", "write", "array")
    def test_a_view_keeps_its_value_when_the_file_is_replaced(self, store: Store) -> None:
        path = self.name("a", "array")
        store.save(self.value(1, "array"), path)
        view = store.load(path, copy=False)
        store.save(self.value(2, "array"), path)
        assert_same(view, self.value(1, "array"))

    @needs("read", "put")
    def test_an_unknown_option_is_refused_when_loading(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        with pytest.raises(InvalidOption, match=r"no option 'no_such_option'; options: "):
            store.load(self.name("a"), no_such_option=1)
