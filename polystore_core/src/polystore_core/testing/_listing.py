"""Listings, and the spellings of a path."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from polystore_core.errors import AccessDenied, InvalidOption, InvalidPath, NotADirectory, PathNotFound
from polystore_core.manager import IMAGE_EXTENSIONS
from polystore_core.testing._kit import Kit, needs
from polystore_core.testing._samples import assert_same

if TYPE_CHECKING:
    from polystore_core.testing._store import Store

__all__ = ["ListingTests", "PathTests"]


class ListingTests(Kit):
    """`list_files`, `list_image_files` and `list_dir`."""

    @needs("list", "put")
    @pytest.mark.parametrize(
        ("given", "prefix"),
        [
            ("d", "d/"),
            ("d/", "d/"),
            ("./d", "./d/"),
            ("./d/", "./d/"),
            ("d/e/..", "d/e/../"),
            ("d//", "d//"),
            ("d/.", "d/./"),
            (PurePosixPath("d"), "d/"),
        ],
    )
    def test_paths_start_with_the_directory_as_it_was_given(
        self, store: Store, given: Any, prefix: str
    ) -> None:
        store.put_files(self.name("d/a"), self.name("d/e/b"))
        assert store.list_files(given) == [prefix + self.name("a")]
        assert store.list_files(given, recursive=True) == [prefix + self.name("a"), prefix + self.name("e/b")]
        assert store.list_dir(given) == [prefix + self.name("a"), f"{prefix}e"]

    @needs("list", "put")
    @pytest.mark.parametrize(("given", "prefix"), [("", ""), (".", "./"), ("./", "./"), ("d/..", "d/../")])
    def test_the_top_is_listed(self, store: Store, given: str, prefix: str) -> None:
        store.put_files(self.name("a"), self.name("d/b"))
        assert store.list_files(given) == [prefix + self.name("a")]
        assert store.list_files(given, recursive=True) == [prefix + self.name("a"), prefix + self.name("d/b")]
        assert store.list_dir(given) == [prefix + self.name("a"), f"{prefix}d"]

    @needs("list", "get", "put")
    def test_what_is_listed_can_be_loaded(self, store: Store) -> None:
        stems = ["a", "é", "日本", "a b", "%61", "#1", "a.b", ".hidden", "-x", "[1]", "x*"]
        paths = [self.name(f"d/{stem}") for stem in stems]
        store.put_files(*paths)
        listed = store.list_files("d")
        assert sorted(listed) == sorted(paths)
        for path in listed:
            assert_same(store.get(path), self.value(paths.index(path)))

    @needs("list", "put")
    def test_numbers_are_in_natural_order(self, store: Store) -> None:
        paths = [self.name(stem) for stem in ("d/t1", "d/t2", "d/t9", "d/t10", "d/t100", "d2/t1", "d10/t1")]
        store.put_files(*reversed(paths))
        assert store.tree() == paths
        assert store.list_files("d") == paths[:5]
        assert store.list_dir("") == ["d", "d2", "d10"]

    @needs("list", "put")
    def test_an_empty_store_and_an_unwritten_directory_differ(self, store: Store) -> None:
        assert store.list_dir(".") == []
        with pytest.raises(PathNotFound):
            store.list_dir("d")

    @needs("list", "put")
    def test_a_missing_directory_is_not_found(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        for missing in ("missing", "d/missing", f"{self.name('d/a')}/below"):
            for recursive in (False, True):
                with pytest.raises(PathNotFound):
                    store.list_files(missing, recursive=recursive)
            with pytest.raises(PathNotFound):
                store.list_dir(missing)

    @needs("list", "put")
    def test_a_file_is_not_listed_as_a_directory(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        with pytest.raises(NotADirectory):
            store.list_files(self.name("d/a"))
        with pytest.raises(NotADirectory):
            store.list_dir(self.name("d/a"))

    @needs("list", "put")
    def test_a_path_is_listed_once_however_often_it_was_saved(self, store: Store) -> None:
        for number in range(3):
            store.put(self.value(number), self.name("d/a"))
        assert store.list_files("d") == [self.name("d/a")]
        assert store.list_dir("d") == [self.name("d/a")]

    @needs("list", "put")
    def test_similar_names_are_told_apart(self, store: Store) -> None:
        paths = [self.name("d/a"), self.name("d-2/a"), self.name("dd/a")]
        store.put_files(*paths)
        for path in paths:
            assert store.list_files(path.partition("/")[0]) == [path]

    @needs("list", "put", "make_directory")
    def test_an_empty_directory_is_listed_by_list_dir_only(self, store: Store) -> None:
        store.ensure_directory("d/empty")
        store.put(self.value(), self.name("d/a"))
        assert store.list_dir("d") == [self.name("d/a"), "d/empty"]
        assert store.list_files("d", recursive=True) == [self.name("d/a")]

    @needs("list", "put")
    def test_extensions_select(self, store: Store) -> None:
        suffix = self.suffixes[self.kind]
        store.put_files(self.name("d/a"), self.name("d/b.roi"), self.name("d/roi"))
        assert store.list_files("d", extensions=f".roi{suffix}") == [self.name("d/b.roi")]
        assert len(store.list_files("d", extensions=suffix.upper().removeprefix("."))) == 3
        assert store.list_files("d", extensions=[".other"]) == []

    @needs("list", "put")
    def test_a_pattern_selects(self, store: Store) -> None:
        store.put_files(self.name("d/a1"), self.name("d/a2"), self.name("d/e/a3"), self.name("d/b1"))
        assert store.list_files("d", pattern="a*") == [self.name("d/a1"), self.name("d/a2")]
        assert store.list_files("d", pattern="e/*", recursive=True) == [self.name("d/e/a3")]

    @needs("list", "put", "array")
    def test_images_are_listed(self, store: Store) -> None:
        path = self.name("d/a", "array")
        store.put(self.value(0, "array"), path)
        assert store.list_image_files("d") == [path] * path.endswith(IMAGE_EXTENSIONS)


class PathTests(Kit):
    """One algebra of paths."""

    @needs("write", "get", "list")
    @pytest.mark.parametrize(
        "spelling",
        ["{d}/{a}", "./{d}/{a}", "{d}//{a}", "{d}/./{a}", "{d}/x/../{a}", "x/../{d}/{a}", "./{d}/./{a}"],
    )
    def test_spellings_name_the_same_entry(self, store: Store, spelling: str) -> None:
        spelt = spelling.format(d="d", a=self.name("a"))
        store.put(self.value(0), self.name("d/a"))
        store.save(self.value(1), spelt)
        assert_same(store.get(self.name("d/a")), self.value(1))
        assert_same(store.get(spelt), self.value(1))
        assert store.tree() == [self.name("d/a")]

    @needs("write", "get")
    def test_a_path_object_is_a_path(self, store: Store) -> None:
        store.save(self.value(), PurePosixPath("d") / self.name("a"))
        assert_same(store.get(self.name("d/a")), self.value())

    @needs("put", "list")
    def test_letter_case_is_kept(self, store: Store) -> None:
        store.put_files(self.name("Plate/WellA"))
        assert store.tree() == [self.name("Plate/WellA")]

    @needs("write", "read", "list", "put", "rooted")
    @pytest.mark.parametrize("outside", ["../{a}", "../../{a}", "d/../../{a}", "../store/{a}", "./../{a}"])
    def test_nothing_leads_out_of_the_root(self, store: Store, outside: str) -> None:
        path = outside.format(a=self.name("a"))
        store.put(self.value(), self.name("a"))
        before = sorted(store.folder.parent.glob("*"))
        for call in (
            lambda: store.save(self.value(1), path),
            lambda: store.load(path),
            lambda: store.list_dir(path),
        ):
            with pytest.raises(AccessDenied):
                call()
        assert sorted(store.folder.parent.glob("*")) == before
        assert_same(store.load(self.name("a")), self.value())

    @needs("stat", "delete", "put", "get", "rooted")
    def test_nothing_outside_the_root_is_seen_or_deleted(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        for path in ("..", "../store", f"../store/{self.name('a')}", f"../{self.name('a')}"):
            for call in (store.stat, store.exists, store.delete):
                with pytest.raises(AccessDenied):
                    call(path)
        assert_same(store.get(self.name("a")), self.value())

    @needs("write", "read")
    @pytest.mark.parametrize("path", ["", "a\0b", "/../a"])
    def test_what_is_no_path_is_refused(self, store: Store, path: str) -> None:
        with pytest.raises(InvalidPath):
            store.save(self.value(), path)
        with pytest.raises(InvalidPath):
            store.load(path)

    @needs("write", "read")
    def test_a_path_is_text(self, store: Store) -> None:
        for path in (b"a", None, 1):
            with pytest.raises(InvalidOption):
                store.save(self.value(), path)
            with pytest.raises(InvalidOption):
                store.load(path)
