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

if TYPE_CHECKING:
    from polystore_core.data import Data


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
            zarr.save_array(folder / path, cast("Any", value))

    def raw_get(self, folder: Path, path: str) -> Data:
        stored = zarr.open_array(folder / path, mode="r")
        return np.asarray(stored[...])


class TestZarrArrays(Zarr):
    """Arrays in directories of their own."""


class TestZarrStores(Zarr):
    """Every array is a store, and every directory of the same form a group."""

    suffixes: ClassVar = {"array": ".zarr"}
    settings = BRIEF


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
