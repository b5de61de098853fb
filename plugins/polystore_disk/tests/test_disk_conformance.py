"""The disk backend keeps the promises of every backend."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from hypothesis import settings

from polystore_core import BackendRegistry
from polystore_core.testing import BackendConformance

if TYPE_CHECKING:
    from polystore_core.data import Data

THOROUGH = settings(BackendConformance.settings, max_examples=200, stateful_step_count=50)


class Disk(BackendConformance):
    backend = "disk"
    persistent = True
    shared = True
    heavy_modules = ("tifffile", "imagecodecs", "PIL")

    def raw_put(self, folder: Path, path: str, value: Data) -> None:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        match value:
            case np.ndarray():
                np.save(file, value, allow_pickle=False)
            case bytes():
                file.write_bytes(value)
            case str():
                file.write_bytes(value.encode())
            case {"number": _}:
                file.write_text(json.dumps(value), encoding="utf-8")
            case _:
                np.savez(file, **value)  # type: ignore[arg-type]

    def raw_get(self, folder: Path, path: str) -> Data:
        file = folder / path
        match file.suffix:
            case ".npy":
                array: Data = np.load(file, allow_pickle=False)
                return array
            case ".bin":
                return file.read_bytes()
            case ".txt":
                return file.read_bytes().decode()
            case ".json":
                value: Data = json.loads(file.read_bytes())
                return value
            case _:
                with np.load(file, allow_pickle=False) as archive:
                    return dict(archive)


class TestDiskWithRoot(Disk):
    settings = THOROUGH

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        return {"root": folder}


class TestDiskWithoutRoot(Disk):
    """Paths are relative to the working directory."""

    rooted = False

    @pytest.fixture(autouse=True)
    def _return_to_the_working_directory(self) -> Iterator[None]:
        origin = Path.cwd()
        yield
        os.chdir(origin)

    def registry(self, folder: Path) -> BackendRegistry:
        os.chdir(folder)
        return BackendRegistry()

    def test_stores_share_nothing(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as one:
            one.save(self.value(), self.name("a"))
        folder = tmp_path / "two"
        folder.mkdir()
        with self.opened(folder) as two:
            assert not two.exists(self.name("a"))


class TestDurableDisk(Disk):
    """Every save waits for the medium."""

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        return {"root": folder, "durability": "durable"}


class TestTiffOnDisk(Disk):
    """Images; what TIFF cannot hold is refused."""

    suffixes: ClassVar = {"array": ".tif"}
    holds_every_array = False
    raw_put = BackendConformance.raw_put
    raw_get = BackendConformance.raw_get

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        return {"root": folder}
