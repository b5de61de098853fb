"""Damaged arrays in an object store: a clear error, bounded memory, and nothing filled in."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numcodecs  # type: ignore[import-untyped]
import numpy as np
import obstore
import pytest
import zarr
from s3_server import BUCKET, S3, running
from zarr.storage import ObjectStore

from polystore_core import BackendRegistry, CorruptData, FileManager

IMAGE = np.arange(48, dtype=np.uint16).reshape(3, 4, 4)
URL = f"s3://{BUCKET}/image.zarr"
LITTLE_BYTES = 16 * 2**20


class Stored:
    """The array at :data:`URL` as the object store has it: its pointer, and its version."""

    def __init__(self, s3: S3) -> None:
        self.store = s3.store()

    @property
    def keys(self) -> list[str]:
        """Of all objects."""
        return sorted(meta["path"] for page in obstore.list(self.store) for meta in page)

    def key(self, ending: str) -> str:
        """Return the key of an object of the version."""
        (key,) = [key for key in self.keys if key.endswith(ending) and "/version-" in key]
        return key

    def get(self, key: str) -> bytes:
        """Read an object."""
        return bytes(obstore.get(self.store, key).bytes())

    def put(self, ending: str, content: bytes) -> None:
        """Replace an object of the version."""
        obstore.put(self.store, self.key(ending), content)

    def rewrite(self, **changes: Any) -> None:
        """Change what the document of the version says."""
        document = json.loads(self.get(self.key("zarr.json")))
        self.put("zarr.json", json.dumps(document | changes).encode())


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    """A server; what Python allocates is traced as long as it runs.

    To stop tracing while a thread of obstore allocates would crash Python before 3.12.9.
    """
    tracemalloc.start()
    with running() as server:
        yield server
    tracemalloc.stop()


@pytest.fixture
def stored(server: S3) -> Iterator[Stored]:
    stored = Stored(server)
    yield stored
    obstore.delete(stored.store, stored.keys)


@pytest.fixture
def fm(server: S3, stored: Stored) -> FileManager:
    fm = FileManager(BackendRegistry({"zarr": {"storage_options": server.options}}))
    fm.save(IMAGE, URL, backend="zarr")
    return fm


def grid(*shape: int) -> dict[str, Any]:
    return {"name": "regular", "configuration": {"chunk_shape": shape}}


DAMAGE: dict[str, Callable[[Stored], object]] = {
    "truncated pointer": lambda it: obstore.put(it.store, "image.zarr/zarr.json", b'{"zarr_format": 3, "n'),
    "truncated zarr.json": lambda it: it.put("zarr.json", b'{"zarr_format": 3, "node'),
    "zarr.json is deeply nested": lambda it: it.put("zarr.json", b"[" * 100_000),
    "negative shape": lambda it: it.rewrite(shape=[-1, 4, 4]),
    "another data type": lambda it: it.rewrite(data_type="float64"),
    "shape of a petabyte": lambda it: it.rewrite(shape=[2**40, 4, 4]),
    "chunks of a petabyte": lambda it: it.rewrite(chunk_grid=grid(2**40, 4, 4)),
    "a million chunks": lambda it: it.rewrite(shape=[10**6, 4, 4], chunk_grid=grid(1, 1, 1)),
    "missing chunk": lambda it: obstore.delete(it.store, it.key("c/1/0/0")),
    "empty chunk": lambda it: it.put("c/1/0/0", b""),
    "torn chunk": lambda it: it.put("c/1/0/0", it.get(it.key("c/1/0/0"))[:-5]),
    "chunk of noise": lambda it: it.put("c/1/0/0", b"noise" * 10),
    "chunk that claims gigabytes": lambda it: it.put("c/1/0/0", numcodecs.Zstd().encode(bytes(2**26))),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told_and_left_as_it_is(fm: FileManager, stored: Stored, damage: str) -> None:
    DAMAGE[damage](stored)
    before = {key: stored.get(key) for key in stored.keys}
    there, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    with pytest.raises(CorruptData, match=r"image\.zarr' cannot be read as Zarr: .* It was left as it is"):
        fm.load(URL, backend="zarr")
    assert tracemalloc.get_traced_memory()[1] - there < LITTLE_BYTES
    assert {key: stored.get(key) for key in stored.keys} == before


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_can_be_replaced_and_deleted(fm: FileManager, stored: Stored, damage: str) -> None:
    DAMAGE[damage](stored)
    fm.save(IMAGE + 1, URL, backend="zarr")
    np.testing.assert_array_equal(fm.load(URL, backend="zarr"), IMAGE + 1)
    DAMAGE[damage](stored)
    fm.delete(URL, backend="zarr")
    assert stored.keys == []


@pytest.mark.parametrize("kept", [0, 1, 10, 100])
def test_a_torn_shard_is_told(fm: FileManager, stored: Stored, kept: int) -> None:
    fm.save(IMAGE, URL, backend="zarr", chunks=(1, 2, 2), shards=(3, 4, 4), compression="none")
    np.testing.assert_array_equal(fm.load(URL, backend="zarr"), IMAGE)
    stored.put("c/0/0/0", stored.get(stored.key("c/0/0/0"))[:kept])
    with pytest.raises(CorruptData, match="cannot be read as Zarr"):
        fm.load(URL, backend="zarr")


def test_a_missing_chunk_is_filled_only_on_request(fm: FileManager, server: S3) -> None:
    store = ObjectStore(server.store("theirs.zarr"))
    array = zarr.create_array(store, shape=(4, 4), chunks=(2, 2), dtype="u1", fill_value=7)
    array[:2] = 1
    url = f"s3://{BUCKET}/theirs.zarr"
    with pytest.raises(CorruptData, match=r"chunk 'c/1/[01]' is missing.*pass missing='fill'"):
        fm.load(url, backend="zarr")
    expected = np.array([[1] * 4] * 2 + [[7] * 4] * 2, np.uint8)
    np.testing.assert_array_equal(fm.load(url, backend="zarr", missing="fill"), expected)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_array_of_another_program_is_replaced_whole(
    fm: FileManager, server: S3, stored: Stored, zarr_format: Any
) -> None:
    store = ObjectStore(server.store("theirs.zarr"))
    array = zarr.create_array(store, shape=(4, 4), chunks=(2, 2), dtype="u1", zarr_format=zarr_format)
    array[...] = 1
    url = f"s3://{BUCKET}/theirs.zarr"
    assert fm.list_files(f"s3://{BUCKET}", backend="zarr") == [URL, url]
    np.testing.assert_array_equal(fm.load(url, backend="zarr"), np.ones((4, 4)))
    fm.save(IMAGE, url, backend="zarr")
    np.testing.assert_array_equal(fm.load(url, backend="zarr"), IMAGE)
    inside = [key.removeprefix("theirs.zarr/") for key in stored.keys if key.startswith("theirs.zarr/")]
    assert [key for key in inside if not key.startswith("version-")] == ["zarr.json"]
