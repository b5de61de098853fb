"""Copying and moving, within the backend and to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polystore_core.errors import (
    InvalidPath,
    IsADirectory,
    NotADirectory,
    PathExists,
    PathNotFound,
    UnsupportedOperation,
)
from polystore_core.testing._kit import Kit, needs
from polystore_core.testing._reference import ReferenceBackend
from polystore_core.testing._samples import assert_same

if TYPE_CHECKING:
    from polystore_core.data import DataKind
    from polystore_core.testing._store import Store

__all__ = ["CopyTests", "ExchangeTests", "MoveTests"]


class CopyTests(Kit):
    """`copy` within the backend."""

    @needs("copy", "put", "get")
    def test_a_copy_has_the_value(self, store: Store, kind: DataKind) -> None:
        source, target = self.name("a", kind), self.name("new/deeper/b", kind)
        store.put(self.value(1, kind), source)
        store.copy(source, target)
        assert_same(store.get(source), self.value(1, kind))
        assert_same(store.get(target), self.value(1, kind))

    @needs("copy", "write", "get")
    def test_a_copy_is_independent(self, store: Store) -> None:
        source, target = self.name("a"), self.name("b")
        store.save(self.value(0), source)
        store.copy(source, target)
        store.save(self.value(1), source)
        assert_same(store.get(target), self.value(0))

    @needs("copy", "put", "get")
    def test_a_copy_replaces_only_if_told_to(self, store: Store) -> None:
        source, target = self.name("a"), self.name("b")
        store.put_files(source, target)
        with pytest.raises(PathExists):
            store.copy(source, target)
        assert_same(store.get(target), self.value(1))
        store.copy(source, target, overwrite=True)
        assert_same(store.get(target), self.value(0))
        assert_same(store.get(source), self.value(0))

    @needs("copy", "list", "put", "get", "stat")
    def test_a_directory_is_copied_whole(self, store: Store) -> None:
        store.put_files(self.name("d/a"), self.name("d/e/b"), self.name("d/e/f/c"))
        store.copy("d", "new/deeper")
        assert store.list_files("new/deeper", recursive=True) == [
            self.name("new/deeper/a"),
            self.name("new/deeper/e/b"),
            self.name("new/deeper/e/f/c"),
        ]
        for number, stem in enumerate(("a", "e/b", "e/f/c")):
            for directory in ("d", "new/deeper"):
                assert_same(store.get(self.name(f"{directory}/{stem}")), self.value(number))

    @needs("copy", "list", "write", "get", "stat")
    def test_a_copied_directory_is_independent(self, store: Store) -> None:
        store.save(self.value(0), self.name("d/e/a"))
        store.copy("d", "f")
        store.save(self.value(1), self.name("d/e/a"))
        store.save(self.value(2), self.name("f/e/b"))
        assert_same(store.get(self.name("f/e/a")), self.value(0))
        assert store.list_files("d/e") == [self.name("d/e/a")]

    @needs("copy", "make_directory", "list", "stat")
    def test_empty_directories_are_copied(self, store: Store) -> None:
        store.ensure_directory("d/empty")
        store.copy("d", "e")
        assert store.list_dir("e") == ["e/empty"]
        assert store.is_dir("d/empty")

    @needs("copy", "put", "list")
    def test_copying_a_missing_path_is_not_found(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        for missing in (self.name("missing"), f"{self.name('a')}/{self.name('b')}"):
            with pytest.raises(PathNotFound):
                store.copy(missing, self.name("new/b"))
        assert store.list_files("") == [self.name("a")]

    @needs("copy", "put", "get", "list")
    def test_a_copy_onto_itself_changes_nothing(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        for path in (self.name("d/a"), "d"):
            with pytest.raises(PathExists):
                store.copy(path, path)
        store.copy(self.name("d/a"), self.name("./d/a"), overwrite=True)
        assert store.tree() == [self.name("d/a")]
        assert_same(store.get(self.name("d/a")), self.value())

    @needs("copy", "put", "list", "stat")
    def test_a_directory_is_not_copied_into_itself(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        for target in ("d/b", "d/e/f", "d/../d/b"):
            with pytest.raises(InvalidPath):
                store.copy("d", target)
        assert store.list_dir("d") == [self.name("d/a")]

    @needs("copy", "put", "list", "stat")
    def test_a_directory_is_never_replaced_by_a_copy(self, store: Store) -> None:
        store.put_files(self.name("d/a"), self.name("e/b"), self.name("c"))
        for overwrite in (False, True):
            with pytest.raises(PathExists):
                store.copy("d", "e", overwrite=overwrite)
            with pytest.raises(IsADirectory if overwrite else PathExists):
                store.copy(self.name("c"), "e", overwrite=overwrite)
            with pytest.raises(PathExists):
                store.copy("d", self.name("c"), overwrite=overwrite)
        assert store.tree() == [self.name("c"), self.name("d/a"), self.name("e/b")]

    @needs("copy", "put", "list")
    def test_a_copy_does_not_go_below_a_file(self, store: Store) -> None:
        store.put_files(self.name("a"), self.name("b"))
        with pytest.raises(NotADirectory):
            store.copy(self.name("a"), f"{self.name('b')}/{self.name('c')}")
        assert store.tree() == [self.name("a"), self.name("b")]


class MoveTests(Kit):
    """`move` within the backend."""

    @needs("move", "put", "get", "stat")
    def test_a_moved_file_is_there_and_no_longer_here(self, store: Store, kind: DataKind) -> None:
        source, target = self.name("a", kind), self.name("new/deeper/b", kind)
        store.put(self.value(1, kind), source)
        store.move(source, target)
        assert not store.exists(source)
        assert_same(store.get(target), self.value(1, kind))

    @needs("move", "put", "get", "stat")
    def test_a_move_replaces_only_if_told_to(self, store: Store) -> None:
        source, target = self.name("a"), self.name("b")
        store.put_files(source, target)
        with pytest.raises(PathExists):
            store.move(source, target)
        assert_same(store.get(source), self.value(0))
        assert_same(store.get(target), self.value(1))
        store.move(source, target, overwrite=True)
        assert_same(store.get(target), self.value(0))
        assert not store.exists(source)

    @needs("move", "put", "get", "list", "stat")
    def test_a_directory_is_moved_whole(self, store: Store) -> None:
        store.put_files(self.name("d/a"), self.name("d/e/b"), self.name("c"))
        store.move("d", "new/deeper")
        assert store.tree() == [self.name("c"), self.name("new/deeper/a"), self.name("new/deeper/e/b")]
        assert not store.exists("d")
        assert_same(store.get(self.name("new/deeper/e/b")), self.value(1))

    @needs("move", "put", "list")
    def test_moving_a_missing_path_is_not_found(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        for missing in (self.name("missing"), f"{self.name('a')}/{self.name('b')}"):
            with pytest.raises(PathNotFound):
                store.move(missing, self.name("b"))
        assert store.tree() == [self.name("a")]

    @needs("move", "put", "get", "list")
    def test_a_move_onto_itself_changes_nothing(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        for path in (self.name("d/a"), "d"):
            with pytest.raises(PathExists):
                store.move(path, path)
        store.move(self.name("d/a"), self.name("d/./a"), overwrite=True)
        assert store.tree() == [self.name("d/a")]
        assert_same(store.get(self.name("d/a")), self.value())

    @needs("move", "put", "list", "stat")
    def test_a_directory_is_not_moved_into_itself(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        for target in ("d/b", "d/e/f"):
            with pytest.raises(InvalidPath):
                store.move("d", target)
        assert store.list_dir("d") == [self.name("d/a")]

    @needs("move", "put", "list", "stat")
    def test_what_cannot_be_moved_stays(self, store: Store) -> None:
        store.put_files(self.name("d/a"), self.name("e/b"), self.name("c"))
        for overwrite in (False, True):
            with pytest.raises(PathExists):
                store.move("d", "e", overwrite=overwrite)
            with pytest.raises(IsADirectory if overwrite else PathExists):
                store.move(self.name("c"), "e", overwrite=overwrite)
            with pytest.raises(PathExists):
                store.move("d", self.name("c"), overwrite=overwrite)
            with pytest.raises(NotADirectory):
                store.move("d", f"{self.name('c')}/d", overwrite=overwrite)
        assert store.tree() == [self.name("c"), self.name("d/a"), self.name("e/b")]


class ExchangeTests(Kit):
    """`copy` and `move` to another backend and back."""

    def with_partner(self, store: Store) -> str:
        """Return the name of a second, correct backend beside the one under test."""
        store.registry.register("partner", ReferenceBackend, replace=True)
        return "partner"

    @needs("read", "put")
    def test_a_file_is_copied_to_another_backend(self, store: Store, kind: DataKind) -> None:
        partner, path = self.with_partner(store), self.name("d/a", kind)
        store.put(self.value(1, kind), path)
        store.copy(path, path, target_backend=partner)
        assert_same(store.fm.load(path, backend=partner), self.value(1, kind))
        assert_same(store.load(path), self.value(1, kind))

    @needs("write", "get")
    def test_a_file_is_copied_from_another_backend(self, store: Store, kind: DataKind) -> None:
        partner, path = self.with_partner(store), self.name("d/a", kind)
        store.fm.save(self.value(1, kind), path, backend=partner)
        store.fm.copy(path, path, backend=partner, target_backend=self.backend)
        assert_same(store.get(path), self.value(1, kind))

    @needs("write", "get", "stat")
    def test_a_copy_from_another_backend_replaces_only_if_told_to(self, store: Store) -> None:
        partner, path = self.with_partner(store), self.name("a")
        store.save(self.value(0), path)
        store.fm.save(self.value(1), path, backend=partner)
        with pytest.raises(PathExists):
            store.fm.copy(path, path, backend=partner, target_backend=self.backend)
        assert_same(store.get(path), self.value(0))
        store.fm.copy(path, path, backend=partner, target_backend=self.backend, overwrite=True)
        assert_same(store.get(path), self.value(1))

    @needs("read", "put", "delete", "stat")
    def test_a_file_is_moved_to_another_backend(self, store: Store) -> None:
        partner, path = self.with_partner(store), self.name("a")
        store.put(self.value(), path)
        store.move(path, self.name("b"), target_backend=partner)
        assert not store.exists(path)
        assert_same(store.fm.load(self.name("b"), backend=partner), self.value())

    @needs("read", "put", "stat", "delete")
    def test_what_cannot_be_moved_to_another_backend_stays(self, store: Store) -> None:
        partner, path = self.with_partner(store), self.name("a")
        store.put(self.value(0), path)
        store.fm.save(self.value(1), path, backend=partner)
        with pytest.raises(PathExists):
            store.move(path, path, target_backend=partner)
        assert_same(store.load(path), self.value(0))

    @needs("read", "write", "list", "stat", "delete")
    def test_a_directory_goes_to_another_backend_and_back(self, store: Store) -> None:
        partner = self.with_partner(store)
        paths = [self.name("d/a"), self.name("d/e/b")]
        store.put_files(*paths)
        store.move("d", "there", target_backend=partner)
        assert not store.exists("d")
        assert store.fm.list_files("there", backend=partner, recursive=True) == [
            self.name("there/a"),
            self.name("there/e/b"),
        ]
        store.fm.copy("there", "d", backend=partner, target_backend=self.backend)
        for number, path in enumerate(paths):
            assert_same(store.load(path), self.value(number))

    def test_a_backend_that_cannot_take_part_says_so(self, store: Store) -> None:
        partner, path = self.with_partner(store), self.name("a")
        store.fm.save(self.value(), path, backend=partner)
        if not self.can("read"):
            with pytest.raises(UnsupportedOperation):
                store.copy(path, path, target_backend=partner, overwrite=True)
        if not self.can("write"):
            with pytest.raises(UnsupportedOperation):
                store.fm.move(path, path, backend=partner, target_backend=self.backend)
        assert_same(store.fm.load(path, backend=partner), self.value())
