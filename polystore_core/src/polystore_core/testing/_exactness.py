"""What was saved is what is loaded."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from polystore_core.errors import PathNotFound, UnsupportedData
from polystore_core.testing._kit import Kit, needs
from polystore_core.testing._samples import ARRAYS, assert_same, assert_untouched, duplicate

if TYPE_CHECKING:
    from polystore_core.data import Data, DataKind
    from polystore_core.testing._store import Store

__all__ = ["ExactnessTests"]


class ExactnessTests(Kit):
    """Same kind, dtype, shape and values, or a refusal; never a silent conversion."""

    @needs("write", "get", "array")
    @pytest.mark.parametrize("array", ARRAYS)
    def test_an_array_comes_back_as_it_was(self, store: Store, array: str) -> None:
        self._check_round_trip(store, self.name("a", "array"), ARRAYS[array]())

    @needs("write", "get")
    def test_any_value_comes_back_as_it_was(self, store: Store, kind: DataKind) -> None:
        path = self.name("a", kind)

        @self.settings
        @given(self.any_value(kind))
        def check(value: Any) -> None:
            self._check_round_trip(store, path, value)

        check()

    @needs("write", "read", "array")
    @pytest.mark.parametrize("array", ARRAYS)
    def test_a_view_of_an_array_is_as_it_was(self, store: Store, array: str) -> None:
        path = self.name("a", "array")
        with self._refusal_allowed():
            store.save(ARRAYS[array](), path)
            assert_same(store.load(path, copy=False), ARRAYS[array]())

    def _check_round_trip(self, store: Store, path: str, value: Data) -> None:
        before = duplicate(value)
        with self._refusal_allowed():
            store.save(value, path)
            assert_same(store.get(path), before)
        assert_untouched(value, before)

    def _refusal_allowed(self) -> contextlib.AbstractContextManager[object]:
        """Let a refusal pass where the backend does not claim to hold every array."""
        if self.can("holds_every_array"):
            return contextlib.nullcontext()
        return contextlib.suppress(UnsupportedData)

    @needs("write", "read", "array")
    def test_a_refused_array_leaves_nothing(self, store: Store) -> None:
        for number, make in enumerate(ARRAYS.values()):
            path = self.name(f"{number}", "array")
            try:
                store.save(make(), path)
            except UnsupportedData:
                with pytest.raises(PathNotFound):
                    store.load(path)
            else:
                assert_same(store.load(path), make())
