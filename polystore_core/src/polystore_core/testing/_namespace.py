"""What there is, and deleting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polystore_core.errors import DirectoryNotEmpty, InvalidPath, NotADirectory, PathExists, PathNotFound
from polystore_core.testing._kit import Kit, needs
from polystore_core.testing._samples import assert_same

if TYPE_CHECKING:
    from polystore_core.testing._store import Store

__all__ = ["DeletionTests", "DirectoryTests", "ExistenceTests"]


class ExistenceTests(Kit):
    """`exists`, `is_file`, `is_dir` and `stat`."""

    @needs("stat", "put")
    def test_a_file_is_a_file(self, store: Store) -> None:
        path = self.name("d/a")
        store.put(self.value(), path)
        assert (store.exists(path), store.is_file(path), store.is_dir(path)) == (True, True, False)

    @needs("stat", "put")
    def test_a_parent_is_a_directory(self, store: Store) -> None:
        store.put(self.value(), self.name("d/e/a"))
        for path in ("d", "d/e", "."):
            assert (store.exists(path), store.is_file(path), store.is_dir(path)) == (True, False, True)

    @needs("stat", "put")
    def test_what_is_not_there_does_not_exist(self, store: Store) -> None:
        file = self.name("d/a")
        store.put(self.value(), file)
        for path in (
            self.name("a"),
            "e",
            f"d/{self.name('b')}",
            "d/a",
            f"{file}/{self.name('b')}",
            f"{file}/b/c",
        ):
            assert (store.exists(path), store.is_file(path), store.is_dir(path)) == (False, False, False)

    @needs("stat", "put")
    def test_stat_describes_a_file(self, store: Store) -> None:
        path = self.name("d/a")
        store.put(self.value(), path)
        entry = store.stat(f"./{path}")
        assert (entry.path, entry.is_file, entry.is_directory) == (f"./{path}", True, False)
        assert isinstance(entry.size, int)
        assert entry.size > 0
        assert entry.modified is None or entry.modified > 0

    @needs("stat", "put")
    def test_stat_describes_a_directory(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        entry = store.stat("d")
        assert (entry.path, entry.is_file, entry.is_directory, entry.size) == ("d", False, True, None)

    @needs("stat", "put")
    def test_stat_of_a_missing_path_is_not_found(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        for path in (self.name("missing"), f"{self.name('a')}/{self.name('b')}"):
            with pytest.raises(PathNotFound):
                store.stat(path)


class DirectoryTests(Kit):
    """`ensure_directory`."""

    @needs("make_directory", "stat")
    def test_a_directory_is_made_with_its_parents(self, store: Store) -> None:
        store.ensure_directory("d/e/f")
        assert [store.is_dir(path) for path in ("d", "d/e", "d/e/f")] == [True, True, True]

    @needs("make_directory", "list", "put")
    def test_an_existing_directory_is_left_as_it_is(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        for path in ("d", "d/", ".", "d"):
            store.ensure_directory(path)
        assert store.tree() == [self.name("d/a")]

    @needs("make_directory", "get", "put")
    def test_a_file_is_not_made_a_directory(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        with pytest.raises(PathExists):
            store.ensure_directory(self.name("a"))
        with pytest.raises(NotADirectory):
            store.ensure_directory(f"{self.name('a')}/d")
        assert_same(store.get(self.name("a")), self.value())

    @needs("make_directory", "list")
    def test_a_new_directory_is_empty(self, store: Store) -> None:
        store.ensure_directory("d")
        assert (store.list_dir("d"), store.list_files("d", recursive=True)) == ([], [])


class DeletionTests(Kit):
    """`delete`."""

    @needs("delete", "stat", "list", "put")
    def test_a_deleted_file_is_gone(self, store: Store) -> None:
        store.put_files(self.name("d/a"), self.name("d/b"))
        store.delete(self.name("d/a"))
        assert not store.exists(self.name("d/a"))
        assert store.list_files("d") == [self.name("d/b")]

    @needs("delete", "read", "put")
    def test_a_deleted_file_is_not_loaded(self, store: Store) -> None:
        store.put_files(self.name("a"), self.name("b"))
        store.delete(self.name("a"))
        with pytest.raises(PathNotFound):
            store.load(self.name("a"))
        assert_same(store.load(self.name("b")), self.value(1))

    @needs("delete", "stat", "put")
    def test_a_directory_outlives_its_last_file(self, store: Store) -> None:
        store.put(self.value(), self.name("d/e/a"))
        store.delete(self.name("d/e/a"))
        assert store.is_dir("d/e")

    @needs("delete", "put")
    def test_deleting_a_missing_path_is_not_found(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        for path in (self.name("missing"), "d", f"{self.name('a')}/{self.name('b')}"):
            for recursive in (False, True):
                with pytest.raises(PathNotFound):
                    store.delete(path, recursive=recursive)
                store.delete(path, recursive=recursive, missing_ok=True)

    @needs("delete", "list", "put")
    def test_a_directory_with_content_is_kept(self, store: Store) -> None:
        store.put_files(self.name("d/a"), self.name("d/e/b"))
        for missing_ok in (False, True):
            with pytest.raises(DirectoryNotEmpty, match="recursive=True"):
                store.delete("d", missing_ok=missing_ok)
        assert store.tree() == [self.name("d/a"), self.name("d/e/b")]

    @needs("delete", "make_directory", "stat")
    def test_an_empty_directory_is_deleted(self, store: Store) -> None:
        store.ensure_directory("d/e")
        store.delete("d/e")
        assert [store.exists(path) for path in ("d", "d/e")] == [True, False]

    @needs("delete", "list", "stat", "put")
    def test_recursive_deletes_everything_below_and_nothing_beside(self, store: Store) -> None:
        beside = [self.name("a"), self.name("d2/a"), self.name("d a"), self.name("dd/a")]
        store.put_files(*beside, self.name("d/a"), self.name("d/e/b"), self.name("d/e/f/c"))
        store.delete("d", recursive=True)
        assert not store.exists("d")
        assert sorted(store.tree()) == sorted(beside)

    @needs("delete", "list", "put")
    def test_recursive_deletes_a_file_too(self, store: Store) -> None:
        store.put_files(self.name("a"), self.name("b"))
        store.delete(self.name("a"), recursive=True)
        assert store.tree() == [self.name("b")]

    @needs("delete", "list", "put", "rooted")
    def test_the_store_itself_is_not_deleted(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        for path in (".", "d/..", "./"):
            with pytest.raises(InvalidPath):
                store.delete(path, recursive=True)
        assert store.tree() == [self.name("d/a")]

    @needs("delete", "read", "write")
    def test_a_deleted_path_can_be_saved_again(self, store: Store) -> None:
        path = self.name("a")
        store.save(self.value(0), path)
        store.delete(path)
        store.save(self.value(1), path, overwrite=False)
        assert_same(store.load(path), self.value(1))

    @needs("delete", "read", "write")
    def test_a_deleted_file_may_become_a_directory(self, store: Store) -> None:
        path = self.name("a")
        store.save(self.value(0), path)
        store.delete(path)
        store.save(self.value(1), f"{path}/{self.name('b')}")
        store.delete(path, recursive=True)
        store.save(self.value(2), path)
        assert_same(store.load(path), self.value(2))
