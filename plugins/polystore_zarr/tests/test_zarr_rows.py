"""Chunks that are decoded in rows: whatever is wanted of them, and whatever is wrong with one."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polystore_core import BackendRegistry, CorruptData, FileManager

PIXELS = np.random.default_rng(3).integers(1, 60_000, (4, 40, 70)).astype(np.uint16)
TILES: dict[str, Any] = {"chunks": (1, 8, 8)}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[:-9],
    "of another size": lambda content: content[:4] + bytes(4) + content[8:],
    "too long": lambda content: content + bytes(10_000_000),
}


def manager(root: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": root}}))


@given(st.data(), st.sampled_from(["zstd", "blosc", "gzip", "none"]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_part_is_what_numpy_cuts_out(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, compression: str, sharded: bool
) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3), "shape"))
    chunks = tuple(data.draw(st.integers(max(1, size // 8), size), "chunk") for size in shape)
    shards = tuple(size * data.draw(st.integers(1, 9), "shard") for size in chunks) if sharded else None
    image = np.arange(1, prod(shape) + 1, dtype=np.uint32).reshape(shape)
    fm = manager(tmp_path_factory.mktemp("any part"))
    fm.save(image, "image.zarr", backend="zarr", chunks=chunks, shards=shards, compression=compression)
    np.testing.assert_array_equal(fm.load("image.zarr", backend="zarr"), image)
    for _ in range(3):
        starts = [data.draw(st.integers(0, size - 1), "start") for size in shape]
        region = tuple(
            slice(start, data.draw(st.integers(start + 1, size), "stop"))
            for start, size in zip(starts, shape, strict=True)
        )
        part = fm.load("image.zarr", backend="zarr", region=region)
        np.testing.assert_array_equal(part, image[region])


@pytest.mark.parametrize("compression", ["zstd", "blosc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_damaged_one_of_many_is_named(tmp_path: Path, damage: str, compression: str) -> None:
    fm = manager(tmp_path)
    fm.save(PIXELS, "image.zarr", backend="zarr", compression=compression, **TILES)
    chunk = tmp_path / "image.zarr/c/2/3/4"
    chunk.write_bytes(DAMAGES[damage](chunk.read_bytes()))
    with pytest.raises(CorruptData, match=r"'image\.zarr' cannot be read as Zarr: .*'c/2/3/4'"):
        fm.load("image.zarr", backend="zarr")


@pytest.mark.parametrize("shards", [None, (1, 8, 72)])
@pytest.mark.parametrize("compression", ["zstd", "blosc"])
def test_missing_ones_among_many_hold_the_fill_value(tmp_path: Path, compression: str, shards: Any) -> None:
    fm = manager(tmp_path)
    fm.save(PIXELS, "image.zarr", backend="zarr", compression=compression, shards=shards, **TILES)
    (tmp_path / "image.zarr/c/2/3" / ("4" if shards is None else "0")).unlink()
    expected = PIXELS.copy()
    expected[2, 24:32, slice(32, 40) if shards is None else slice(None)] = 0
    with pytest.raises(CorruptData, match="missing"):
        fm.load("image.zarr", backend="zarr")
    np.testing.assert_array_equal(fm.load("image.zarr", backend="zarr", missing="fill"), expected)
