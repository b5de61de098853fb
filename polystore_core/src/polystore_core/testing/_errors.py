"""Every error says where it happened."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from polystore_core.errors import PolyStoreError
from polystore_core.testing._kit import Kit, needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_core.testing._store import Store

__all__ = ["ErrorTests"]


class ErrorTests(Kit):
    """Errors carry backend, operation and path, and travel between processes."""

    def check(
        self, operation: str, path: str, call: Callable[..., object], *args: Any, **options: Any
    ) -> None:
        """Fail unless the call raises an error about the path."""
        with pytest.raises(PolyStoreError) as caught:
            call(*args, **options)
        error = caught.value
        assert (error.backend, error.operation, error.path) == (self.backend, operation, path)
        assert path in str(error)
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (str(copy), copy.path) == (str(error), path)

    @needs("read")
    def test_a_failed_load_says_where(self, store: Store) -> None:
        path = self.name("d/missing")
        self.check("read", path, store.load, f"./{path}")

    @needs("write", "read")
    def test_a_failed_save_says_where(self, store: Store) -> None:
        path = self.name("d/a")
        store.save(self.value(), path)
        self.check("write", path, store.save, self.value(), f"d//{self.name('a')}", overwrite=False)
        self.check("write", f"{path}/b", store.save, self.value(), f"{path}/b")

    @needs("write")
    def test_a_refused_value_says_where(self, store: Store) -> None:
        for value in (None, object(), np.array([None])):
            with pytest.raises(PolyStoreError) as caught:
                store.save(value, self.name("a"))
            error = caught.value
            assert (error.backend, error.operation, error.path) == (self.backend, "write", self.name("a"))

    @needs("write", "read")
    def test_a_refused_argument_says_where(self, store: Store) -> None:
        path, value = self.name("a"), self.value()
        calls: list[tuple[str, Callable[[], object]]] = [
            ("write", lambda: store.save(value, path, overwrite="no")),
            ("write", lambda: store.save(value, "a\0")),
            ("read", lambda: store.load(path, copy="no")),
            ("read", lambda: store.load("")),
            ("write", lambda: store.save_batch([value, value], [path])),
            ("read", lambda: store.load_batch(path)),
        ]
        for operation, call in calls:
            with pytest.raises(PolyStoreError) as caught:
                call()
            assert (caught.value.backend, caught.value.operation) == (self.backend, operation)

    @needs("list", "put")
    def test_a_failed_listing_says_where(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        self.check("list", "missing", store.list_files, "./missing/")
        self.check("list", self.name("a"), store.list_dir, self.name("a"))

    @needs("stat")
    def test_a_failed_stat_says_where(self, store: Store) -> None:
        self.check("stat", "missing", store.stat, "missing")

    @needs("delete", "put")
    def test_a_failed_deletion_says_where(self, store: Store) -> None:
        store.put(self.value(), self.name("d/a"))
        self.check("delete", "missing", store.delete, "missing")
        self.check("delete", "d", store.delete, "d")

    @needs("make_directory", "put")
    def test_a_directory_that_cannot_be_made_says_where(self, store: Store) -> None:
        store.put(self.value(), self.name("a"))
        self.check("make_directory", self.name("a"), store.ensure_directory, self.name("a"))
        self.check("make_directory", f"{self.name('a')}/d", store.ensure_directory, f"{self.name('a')}/d")

    @needs("copy", "put")
    def test_a_failed_copy_says_where(self, store: Store) -> None:
        store.put_files(self.name("a"), self.name("b"))
        missing = self.name("missing")
        self.check("copy", missing, store.copy, missing, self.name("c"))
        self.check("copy", self.name("b"), store.copy, self.name("a"), self.name("b"))

    @needs("move", "put")
    def test_a_failed_move_says_where(self, store: Store) -> None:
        store.put_files(self.name("a"), self.name("b"))
        missing = self.name("missing")
        self.check("move", missing, store.move, missing, self.name("c"))
        self.check("move", self.name("b"), store.move, self.name("a"), self.name("b"))
