"""Damaged arrays and plates of Zarr v2: a clear error, bounded memory, and nothing filled in."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numcodecs  # type: ignore[import-untyped]
import numpy as np
import pytest
import zarr
from plates import PATTERN, STORE, paths_of, plane_of

from polystore_core import BackendRegistry, CorruptData, FileManager

IMAGE = np.arange(48, dtype=np.uint16).reshape(3, 4, 4)
LITTLE_BYTES = 16 * 2**20
BOMB_BYTES = 2**26


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """Fail if what is done allocates much at a time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < LITTLE_BYTES
    finally:
        tracemalloc.stop()


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    stored = zarr.create_array(
        tmp_path / "old.zarr",
        shape=IMAGE.shape,
        chunks=(1, 4, 4),
        dtype=IMAGE.dtype,
        zarr_format=2,
        compressors=numcodecs.Zstd(),
        config={"write_empty_chunks": True},
    )
    stored[...] = IMAGE
    return FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))


def rewrite(path: Path, **changes: Any) -> None:
    document = json.loads((path / ".zarray").read_text())
    (path / ".zarray").write_text(json.dumps(document | changes))


def recompress(path: Path, codec: Any) -> None:
    """Store the array by another compression."""
    rewrite(path, compressor=codec.get_config())
    for number, plane in enumerate(IMAGE):
        (path / f"{number}.0.0").write_bytes(codec.encode(plane.tobytes()))


@cache
def bomb(codec_id: str) -> bytes:
    """Return little that would decode to much."""
    return bytes(numcodecs.get_codec({"id": codec_id}).encode(bytes(BOMB_BYTES)))


def arm(path: Path, codec_id: str) -> None:
    recompress(path, numcodecs.get_codec({"id": codec_id}))
    (path / "1.0.0").write_bytes(bomb(codec_id))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated .zarray": lambda path: (path / ".zarray").write_bytes(b'{"zarr_format": 2, "sha'),
    ".zarray is a list": lambda path: (path / ".zarray").write_bytes(b"[]"),
    ".zarray is deeply nested": lambda path: (path / ".zarray").write_bytes(b"[" * 100_000),
    "no shape": lambda path: rewrite(path, shape=None),
    "negative shape": lambda path: rewrite(path, shape=[-1, 4, 4]),
    "unknown dtype": lambda path: rewrite(path, dtype="<u17"),
    "another dtype": lambda path: rewrite(path, dtype="<f8"),
    "objects": lambda path: rewrite(path, dtype="|O", filters=[{"id": "pickle"}]),
    "unknown compression": lambda path: rewrite(path, compressor={"id": "nobody"}),
    "shape of a petabyte": lambda path: rewrite(path, shape=[2**40, 4, 4]),
    "chunks of a petabyte": lambda path: rewrite(path, chunks=[2**40, 4, 4]),
    "a million chunks": lambda path: rewrite(path, shape=[10**6, 4, 4], chunks=[1, 1, 1]),
    "missing chunk": lambda path: (path / "1.0.0").unlink(),
    "empty chunk": lambda path: (path / "1.0.0").write_bytes(b""),
    "torn chunk": lambda path: (path / "1.0.0").write_bytes((path / "1.0.0").read_bytes()[:-5]),
    "chunk of noise": lambda path: (path / "1.0.0").write_bytes(b"noise" * 10),
    "chunk too long": lambda path: (path / "1.0.0").write_bytes(numcodecs.Zstd().encode(bytes(33))),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told_and_left_as_it_is(fm: FileManager, tmp_path: Path, damage: str) -> None:
    DAMAGE[damage](tmp_path / "old.zarr")
    files = {path: path.read_bytes() for path in (tmp_path / "old.zarr").rglob("*") if path.is_file()}
    with (
        little_memory(),
        pytest.raises(CorruptData, match=r"'old\.zarr' cannot be read as Zarr: .* It was left as it is"),
    ):
        fm.load("old.zarr", backend="zarr")
    assert {path: path.read_bytes() for path in files} == files


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_can_be_replaced(fm: FileManager, tmp_path: Path, damage: str) -> None:
    DAMAGE[damage](tmp_path / "old.zarr")
    fm.save(IMAGE + 1, "old.zarr", backend="zarr")
    np.testing.assert_array_equal(fm.load("old.zarr", backend="zarr"), IMAGE + 1)
    assert not (tmp_path / "old.zarr/.zarray").exists()


CODECS = ["zstd", "zlib", "gzip", "lz4", "bz2", "lzma", "blosc"]


@pytest.mark.parametrize("codec", CODECS)
def test_an_inflated_chunk_is_not_decoded(fm: FileManager, tmp_path: Path, codec: str) -> None:
    arm(tmp_path / "old.zarr", codec)
    with (
        little_memory(),
        pytest.raises(CorruptData, match=r"chunk '1\.0\.0' claims more than the 32 bytes of a chunk"),
    ):
        fm.load("old.zarr", backend="zarr")


@pytest.mark.parametrize("codec", CODECS)
def test_chunks_of_any_compression_are_read(fm: FileManager, tmp_path: Path, codec: str) -> None:
    recompress(tmp_path / "old.zarr", numcodecs.get_codec({"id": codec}))
    np.testing.assert_array_equal(fm.load("old.zarr", backend="zarr"), IMAGE)


def test_chunks_that_another_program_left_out_are_filled_on_request(fm: FileManager, tmp_path: Path) -> None:
    stored = zarr.create_array(
        tmp_path / "sparse.zarr", shape=(4, 4), chunks=(2, 2), dtype="u1", zarr_format=2, fill_value=7
    )
    stored[:2] = 1
    with pytest.raises(CorruptData, match=r"chunk '1\.0' is missing.*pass missing='fill'"):
        fm.load("sparse.zarr", backend="zarr")
    expected = np.array([[1] * 4] * 2 + [[7] * 4] * 2, np.uint8)
    np.testing.assert_array_equal(fm.load("sparse.zarr", backend="zarr", missing="fill"), expected)


@pytest.mark.parametrize(
    ("node", "path", "options"),
    [
        ("", "A01_s1_w1_z5.tif", {"store": STORE}),
        ("A/1", STORE, {"at": {"well": "A01"}}),
        ("A/1/1", STORE, {"at": {"well": "A01"}}),
        ("A/1/1/0", STORE, {"at": {"well": "A01"}}),
    ],
)
@pytest.mark.parametrize("ngff", ["0.5", "0.4"])
def test_a_damaged_document_of_a_plate_is_told(
    fm: FileManager, tmp_path: Path, node: str, path: str, options: dict[str, Any], ngff: str
) -> None:
    paths = paths_of(["A01"])
    planes = [plane_of(path) for path in paths]
    fm.save_batch(planes, paths, backend="zarr", pattern=PATTERN, store=STORE, ngff=ngff)
    names = ["zarr.json"] if ngff == "0.5" else [".zarray", ".zattrs"]
    document = next(file for name in names if (file := tmp_path / STORE / node / name).exists())
    document.write_bytes(document.read_bytes()[:-7])
    with pytest.raises(CorruptData, match="cannot be read"):
        fm.load(path, backend="zarr", **options)
