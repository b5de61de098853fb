"""Damaged arrays: a clear error, bounded memory, and nothing filled in."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numcodecs  # type: ignore[import-untyped]
import numpy as np
import pytest
import zarr

from polystore_core import BackendRegistry, CorruptData, FileManager, InvalidOption

IMAGE = np.arange(48, dtype=np.uint16).reshape(3, 4, 4)


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
    fm.save(IMAGE, "image.npy", backend="zarr")
    return fm


def rewrite(path: Path, **changes: Any) -> None:
    document = json.loads((path / "zarr.json").read_text())
    (path / "zarr.json").write_text(json.dumps(document | changes))


def grid(*shape: int) -> dict[str, Any]:
    return {"name": "regular", "configuration": {"chunk_shape": shape}}


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated zarr.json": lambda path: (path / "zarr.json").write_bytes(b'{"zarr_format": 3, "node'),
    "zarr.json is a list": lambda path: (path / "zarr.json").write_bytes(b"[]"),
    "zarr.json is deeply nested": lambda path: (path / "zarr.json").write_bytes(b"[" * 100_000),
    "zarr.json without a shape": lambda path: rewrite(path, shape=None),
    "negative shape": lambda path: rewrite(path, shape=[-1, 4, 4]),
    "unknown data type": lambda path: rewrite(path, data_type="uint17"),
    "another data type": lambda path: rewrite(path, data_type="float64"),
    "unknown codec": lambda path: rewrite(path, codecs=[{"name": "nobody"}]),
    "shape of a petabyte": lambda path: rewrite(path, shape=[2**40, 4, 4]),
    "chunks of a petabyte": lambda path: rewrite(path, chunk_grid=grid(2**40, 4, 4)),
    "a million chunks": lambda path: rewrite(path, shape=[10**6, 4, 4], chunk_grid=grid(1, 1, 1)),
    "missing chunk": lambda path: (path / "c/1/0/0").unlink(),
    "empty chunk": lambda path: (path / "c/1/0/0").write_bytes(b""),
    "torn chunk": lambda path: (path / "c/1/0/0").write_bytes((path / "c/1/0/0").read_bytes()[:-5]),
    "chunk of noise": lambda path: (path / "c/1/0/0").write_bytes(b"noise" * 10),
    "chunk too long": lambda path: (path / "c/1/0/0").write_bytes(numcodecs.Zstd().encode(bytes(33))),
    "chunk that claims gigabytes": lambda path: (path / "c/1/0/0").write_bytes(
        numcodecs.Zstd().encode(bytes(2**28))
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told_and_left_as_it_is(fm: FileManager, tmp_path: Path, damage: str) -> None:
    DAMAGE[damage](tmp_path / "image.npy.zarr")
    files = {path: path.read_bytes() for path in (tmp_path / "image.npy.zarr").rglob("*") if path.is_file()}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CorruptData, match=r"'image.npy' cannot be read as Zarr: .* It was left as it is"):
        fm.load("image.npy", backend="zarr")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert {path: path.read_bytes() for path in files} == files


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_can_be_replaced_and_deleted(fm: FileManager, tmp_path: Path, damage: str) -> None:
    DAMAGE[damage](tmp_path / "image.npy.zarr")
    fm.save(IMAGE, "image.npy", backend="zarr")
    np.testing.assert_array_equal(fm.load("image.npy", backend="zarr"), IMAGE)
    DAMAGE[damage](tmp_path / "image.npy.zarr")
    fm.delete("image.npy", backend="zarr")
    assert fm.list_files(".", backend="zarr") == []


@pytest.mark.parametrize("kept", [0, 1, 10, 100])
def test_a_torn_shard_is_told(fm: FileManager, tmp_path: Path, kept: int) -> None:
    fm.save(IMAGE, "image.npy", backend="zarr", chunks=(1, 2, 2), shards=(3, 4, 4), compression="none")
    shard = tmp_path / "image.npy.zarr/c/0/0/0"
    shard.write_bytes(shard.read_bytes()[:kept])
    with pytest.raises(CorruptData, match="cannot be read as Zarr"):
        fm.load("image.npy", backend="zarr")


def test_a_missing_chunk_is_named(fm: FileManager, tmp_path: Path) -> None:
    (tmp_path / "image.npy.zarr/c/1/0/0").unlink()
    with pytest.raises(CorruptData) as caught:
        fm.load("image.npy", backend="zarr")
    assert str(caught.value) == (
        "'image.npy' cannot be read as Zarr: chunk 'c/1/0/0' is missing. If another program left out chunks "
        "that hold nothing but the fill value, pass missing='fill'. It was left as it is"
    )


def test_chunks_that_another_program_left_out_are_filled_on_request(fm: FileManager, tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "sparse.npy", shape=(4, 4), chunks=(2, 2), dtype="u1", fill_value=7)
    array[:2] = 1
    expected = np.array([[1] * 4] * 2 + [[7] * 4] * 2, np.uint8)
    np.testing.assert_array_equal(fm.load("sparse.npy", backend="zarr", missing="fill"), expected)


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(InvalidOption, match="max_bytes takes a number of bytes or None; got -1"):
        FileManager(BackendRegistry({"zarr": {"max_bytes": -1}})).exists("a", backend="zarr")


def test_an_array_larger_than_allowed_is_refused(fm: FileManager) -> None:
    told = r"it claims 96 bytes, more than the limit of 95: load with max_bytes=\.\.\. if you trust it"
    with pytest.raises(CorruptData, match=told):
        fm.load("image.npy", backend="zarr", max_bytes=95)
    assert fm.load("image.npy", backend="zarr", max_bytes=96).nbytes == 96


@pytest.mark.parametrize("compression", ["zstd", "blosc", "gzip"])
def test_an_inflated_chunk_is_not_decoded(fm: FileManager, tmp_path: Path, compression: str) -> None:
    fm.save(
        np.zeros((2**14, 2**14), np.uint8),
        "bomb",
        backend="zarr",
        compression=compression,
        chunks=(2**14,) * 2,
    )
    fm.save(np.ones((4, 4), np.uint8), "image.npy", backend="zarr", compression=compression)
    (tmp_path / "bomb/c/0/0").rename(tmp_path / "image.npy.zarr/c/0/0")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CorruptData):
        fm.load("image.npy", backend="zarr")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
