"""The Zarr backend keeps the promises of every backend."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import pytest
import zarr
from hypothesis import settings

from polystore_core import BackendRegistry
from polystore_core.testing import BackendConformance
from polystore_zarr._names import array_directory

if TYPE_CHECKING:
    from polystore_core.data import Data
    from polystore_core.testing import Store


BRIEF = settings(BackendConformance.settings, max_examples=15, stateful_step_count=20)


class Zarr(BackendConformance):
    backend = "zarr"
    suffixes: ClassVar = {"array": ".npy"}
    holds_every_array = False
    persistent = True
    shared = True
    heavy_modules = ("zarr", "numcodecs", "pydantic", "ome_zarr_models")

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        return {"root": folder}

    def raw_put(self, folder: Path, path: str, value: Data) -> None:
        assert isinstance(value, np.ndarray)
        with zarr.config.set({"array.write_empty_chunks": True}):
            zarr.save_array(folder / array_directory(path), cast("Any", value))

    def raw_get(self, folder: Path, path: str) -> Data:
        stored = zarr.open_array(folder / array_directory(path), mode="r")
        return np.asarray(stored[...])


class TestZarrArrays(Zarr):
    """Arrays in directories of their own."""


class TestZarrStores(Zarr):
    """Every array is a store, and every directory of the same form a group."""

    suffixes: ClassVar = {"array": ".zarr"}
    settings = BRIEF

    def test_what_is_listed_can_be_loaded(self, store: Store) -> None:
        """Without ``.zarr``, where that name leads to the same array."""
        stems = ["a", "é", "a b", "a.b", ".hidden", "-x"]
        listed = ["d/a.zarr", "d/é.zarr", "d/a b.zarr", "d/a.b", "d/.hidden", "d/-x.zarr"]
        store.put_files(*(self.name(f"d/{stem}") for stem in stems))
        assert sorted(store.list_files("d")) == sorted(listed)
        for number, path in enumerate(listed):
            np.testing.assert_array_equal(cast("Any", store.get(path)), cast("Any", self.value(number)))

    def test_extensions_select(self, store: Store) -> None:
        """Those of the names that are listed."""
        store.put_files(self.name("d/a"), self.name("d/b.roi"), self.name("d/roi"))
        assert store.list_files("d", extensions=".roi") == ["d/b.roi"]
        assert store.list_files("d", extensions="ZARR") == ["d/a.zarr", "d/roi.zarr"]


class TestZarrWithoutRoot(Zarr):
    """Paths are relative to the working directory."""

    rooted = False
    settings = BRIEF

    @pytest.fixture(autouse=True)
    def _return_to_the_working_directory(self) -> Iterator[None]:
        origin = Path.cwd()
        yield
        os.chdir(origin)

    def registry(self, folder: Path) -> BackendRegistry:
        os.chdir(folder)
        return BackendRegistry()

    test_stores_share_nothing = None  # type: ignore[assignment]
