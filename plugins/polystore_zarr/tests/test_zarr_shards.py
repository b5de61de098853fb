"""Damaged shards: what their index tells is found out, without compression and checksums too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
import obstore
import pytest
import zarr
from engines import by_itself
from s3_server import BUCKET, S3
from zarr.codecs.sharding import ShardingCodecIndexLocation
from zarr.core.array import ShardsConfigParam

from polystore_core import BackendRegistry, CorruptData, FileManager

IMAGE = np.arange(4 * 8 * 8, dtype=np.uint16).reshape(4, 8, 8)
CHUNKS, CHUNK_BYTES = 16, 32
INDEX_BYTES = 16 * CHUNKS + 4
NOTHING = 2**64 - 1


class Shard(NamedTuple):
    """The one shard of an array, and how to load the array."""

    get: Callable[[], bytes]
    put: Callable[[bytes], object]
    load: Callable[..., Any]

    def rewrite_index(self, change: Callable[[Any], object]) -> None:
        """Change the index, and its checksum."""
        content = self.get()
        index = np.frombuffer(content[-INDEX_BYTES:-4], np.uint64).reshape(CHUNKS, 2).copy()
        change(index)
        checksum = int(google_crc32c.value(index.tobytes())).to_bytes(4, "little")
        self.put(content[:-INDEX_BYTES] + index.tobytes() + checksum)


@pytest.fixture(params=["disk", "disk, zarrs", "s3"])
def shard(request: pytest.FixtureRequest, server: S3, tmp_path: Path) -> Shard:
    """An uncompressed shard of 16 chunks in a directory, or in an object store."""
    options: dict[str, Any] = {"backend": "zarr", "chunks": (1, 4, 4), "shards": (4, 8, 8)}
    if request.param == "s3":
        path, store = f"s3://{BUCKET}/image.zarr", server.store()
        fm = FileManager(BackendRegistry({"zarr": {"storage_options": server.options}}))
        fm.save(IMAGE, path, compression="none", **options)
        keys = [meta["path"] for page in obstore.list(store) for meta in page]
        (key,) = [key for key in keys if key.endswith("c/0/0/0")]
        return Shard(
            lambda: bytes(obstore.get(store, key).bytes()),
            lambda content: obstore.put(store, key, content),
            lambda **lazy: fm.load(path, backend="zarr", **lazy),
        )
    file = tmp_path / "image/c/0/0/0"
    engine = "zarrs" if "zarrs" in request.param else "zarr-python"
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path, "engine": engine}}))
    fm.save(IMAGE, "image", compression="none", **options)

    def load(**lazy: Any) -> Any:
        with by_itself(engine):
            return fm.load("image", backend="zarr", **lazy)

    return Shard(file.read_bytes, file.write_bytes, load)


def without(content: bytes, start: int, count: int) -> bytes:
    return content[:start] + content[start + count :]


def point_beyond(index: Any) -> None:
    index[3] = CHUNKS * CHUNK_BYTES, CHUNK_BYTES


def point_far_beyond(index: Any) -> None:
    index[3] = NOTHING - 8, CHUNK_BYTES


def point_to_its_middle(index: Any) -> None:
    index[3, 0] += 2


def point_to_another_chunk(index: Any) -> None:
    index[3] = index[4]


def shorten(index: Any) -> None:
    index[3, 1] -= 2


def half_forget(index: Any) -> None:
    index[3, 0] = NOTHING


DAMAGE: dict[str, tuple[Callable[[Shard], object], str]] = {
    "a byte cut out": (lambda it: it.put(without(it.get(), 100, 1)), "points beyond its end"),
    "a chunk cut out": (lambda it: it.put(without(it.get(), 3 * 32, 32)), "points beyond its end"),
    "the beginning cut off": (lambda it: it.put(it.get()[6:]), "points beyond its end"),
    "the end cut off": (lambda it: it.put(it.get()[:-1]), "is damaged"),
    "a byte of the index cut out": (lambda it: it.put(without(it.get(), 600, 1)), "is damaged"),
    "a bit of the index turned": (
        lambda it: it.put(it.get()[:-100] + bytes([it.get()[-100] ^ 1]) + it.get()[-99:]),
        "is damaged",
    ),
    "nothing but an index": (lambda it: it.put(it.get()[-INDEX_BYTES:]), "points beyond its end"),
    "nothing": (lambda it: it.put(b""), "is damaged"),
    "an index that points into itself": (lambda it: it.rewrite_index(point_beyond), "points beyond its end"),
    "an index that overflows": (lambda it: it.rewrite_index(point_far_beyond), "points beyond its end"),
    "half of an empty entry": (lambda it: it.rewrite_index(half_forget), "points beyond its end"),
    "chunks that overlap": (lambda it: it.rewrite_index(point_to_its_middle), "puts chunks over one another"),
    "a chunk for two": (lambda it: it.rewrite_index(point_to_another_chunk), "puts chunks over one another"),
    "a chunk too short": (lambda it: it.rewrite_index(shorten), "a chunk of 30 bytes, where each takes 32"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told_whatever_is_read(shard: Shard, damage: str) -> None:
    np.testing.assert_array_equal(shard.load(), IMAGE)
    harm, message = DAMAGE[damage]
    harm(shard)
    with pytest.raises(CorruptData, match=message):
        shard.load()
    with pytest.raises(CorruptData, match=message):
        shard.load(lazy=True)[3, 4:, 4:].compute(scheduler="sync")


def test_chunks_that_the_index_leaves_out_are_of_the_fill_value(shard: Shard) -> None:
    def forget(index: Any) -> None:
        index[3] = NOTHING

    shard.rewrite_index(forget)
    expected = IMAGE.copy()
    expected[0, 4:, 4:] = 0
    np.testing.assert_array_equal(shard.load(), expected)


def test_room_that_no_chunk_takes_is_allowed(shard: Shard) -> None:
    content = shard.get()
    shard.put(content[:-INDEX_BYTES] + b"unused" + content[-INDEX_BYTES:])
    np.testing.assert_array_equal(shard.load(), IMAGE)


def test_a_checksum_notices_what_was_changed_in_its_place(tmp_path: Path, engine: str) -> None:
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path, "engine": engine}}))
    codecs = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
    fm.save(IMAGE, "image", backend="zarr", chunks=(1, 4, 4), shards=(4, 8, 8), codecs=codecs)
    np.testing.assert_array_equal(fm.load("image", backend="zarr"), IMAGE)
    file = tmp_path / "image/c/0/0/0"
    content = file.read_bytes()
    file.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    with pytest.raises(CorruptData):
        fm.load("image", backend="zarr")
    file.write_bytes(without(content, 100, 1))
    with pytest.raises(CorruptData, match="points beyond its end"):
        fm.load("image", backend="zarr")


@pytest.mark.parametrize("kept", [slice(0, -1), slice(1, None)])
def test_an_index_at_the_beginning_is_checked_too(tmp_path: Path, engine: Any, kept: slice) -> None:
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path, "engine": engine}}))
    array = zarr.create_array(
        tmp_path / "theirs",
        shape=IMAGE.shape,
        chunks=(1, 4, 4),
        shards=ShardsConfigParam(shape=(4, 8, 8), index_location=ShardingCodecIndexLocation.start),
        dtype=IMAGE.dtype,
        compressors=None,
        config={"write_empty_chunks": True},
    )
    array[...] = IMAGE
    np.testing.assert_array_equal(fm.load("theirs", backend="zarr"), IMAGE)
    np.testing.assert_array_equal(fm.load("theirs", backend="zarr", region=np.s_[1, 2:6]), IMAGE[1, 2:6])
    file = tmp_path / "theirs/c/0/0/0"
    file.write_bytes(file.read_bytes()[kept])
    for region in (None, np.s_[3, 4:]):
        with pytest.raises(CorruptData, match="the index of shard 'c/0/0/0'"):
            fm.load("theirs", backend="zarr", region=region)
