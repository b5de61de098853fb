"""Files that hold, or decode to, far more than they may: refused before that costs memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import multiprocessing
import os
import re
import resource
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import google_crc32c
import numcodecs  # type: ignore[import-untyped]
import numpy as np
import obstore
import pytest
import zarr
from engines import by_itself
from s3_server import BUCKET, S3

from polystore_core import BackendRegistry, CorruptData, FileManager

IMAGE = np.arange(3 * 64 * 64, dtype=np.uint16).reshape(3, 64, 64)
CHUNK_BYTES = 64 * 64 * 2
HUGE_BYTES = 2**31
LARGE_BYTES = 2**27
LITTLE_KIB = 40 * 2**10

Load = Callable[..., tuple[str, int]]


def load_on_demand(connection: Any) -> None:
    """Load what is asked for; send back what was said, and by how many KiB the most memory grew."""
    while asked := connection.recv():
        configuration, path, options = asked
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        said = ""
        try:
            with by_itself(options.get("engine", "zarr-python")):
                FileManager(BackendRegistry({"zarr": configuration})).load(path, backend="zarr", **options)
        except CorruptData as error:
            said = str(error)
        except Exception as error:
            said = repr(error)
        connection.send((said, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))


@pytest.fixture(scope="module")
def load() -> Iterator[Load]:
    """Load in a process whose memory is measured."""
    context: Any = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=load_on_demand, args=(theirs,), daemon=True)
    process.start()
    theirs.close()

    def ask(configuration: dict[str, Any], path: str, **options: Any) -> tuple[str, int]:
        ours.send((configuration, path, options))
        outcome: tuple[str, int] = ours.recv()
        return outcome

    yield ask
    ours.send(None)
    process.join()


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))


def refused(load: Load, configuration: dict[str, Any], path: str, expected: str, **options: Any) -> None:
    """Check that a load complains, and that it costs no more memory than one of what is whole."""
    load(configuration, f"{path.removesuffix('.zarr')}-whole.zarr", **options)
    said, grown = load(configuration, path, **options)
    assert re.match(
        rf"'{re.escape(path)}' cannot be read as Zarr: {expected}\. It was left as it is$", said
    ), said
    assert grown < LITTLE_KIB


def too_much(name: str, size: int) -> str:
    return rf"'{re.escape(name)}' is stored in {size} bytes, more than the \d+ that it ever needs"


def save(fm: FileManager, path: str, image: Any = IMAGE, **options: Any) -> None:
    """Save what will be damaged, and what will not."""
    for place in (path, f"{path.removesuffix('.zarr')}-whole.zarr"):
        fm.save(image, place, backend="zarr", **options)


class TestStoredSize:
    """What is stored in more bytes than its content ever needs."""

    @pytest.mark.parametrize("compression", ["none", "zstd", "gzip"])
    @pytest.mark.parametrize(("shards", "key"), [(None, "c/1/0/0"), ((3, 64, 64), "c/0/0/0")])
    def test_a_huge_file_is_not_read(
        self,
        fm: FileManager,
        load: Load,
        tmp_path: Path,
        engine: str,
        compression: str,
        shards: Any,
        key: str,
    ) -> None:
        save(fm, "image.zarr", compression=compression, shards=shards)
        os.truncate(tmp_path / "image.zarr" / key, HUGE_BYTES)
        for region in (None, np.s_[1]):
            expected = too_much(key, HUGE_BYTES)
            refused(load, {"root": tmp_path}, "image.zarr", expected, engine=engine, region=region)

    def test_a_huge_document_is_not_read(self, fm: FileManager, load: Load, tmp_path: Path) -> None:
        save(fm, "image.zarr")
        os.truncate(tmp_path / "image.zarr/zarr.json", HUGE_BYTES)
        refused(load, {"root": tmp_path}, "image.zarr", too_much("zarr.json", HUGE_BYTES))

    def test_a_huge_chunk_of_zarr_v2_is_not_read(self, load: Load, tmp_path: Path) -> None:
        for name in ("image.zarr", "image-whole.zarr"):
            stored = zarr.create_array(
                tmp_path / name, shape=IMAGE.shape, chunks=(1, 64, 64), dtype=IMAGE.dtype, zarr_format=2
            )
            stored[...] = IMAGE
        os.truncate(tmp_path / "image.zarr/1.0.0", HUGE_BYTES)
        refused(load, {"root": tmp_path}, "image.zarr", too_much("1.0.0", HUGE_BYTES))

    @pytest.mark.parametrize(
        ("shards", "ending"), [(None, "c/1/0/0"), ((3, 64, 64), "c/0/0/0"), (None, "zarr.json")]
    )
    def test_a_huge_object_is_not_fetched(self, server: S3, load: Load, shards: Any, ending: str) -> None:
        configuration = {"storage_options": server.options}
        path, store = f"s3://{BUCKET}/image.zarr", server.store()
        save(FileManager(BackendRegistry({"zarr": configuration})), path, shards=shards)
        keys = [meta["path"] for page in obstore.list(store, "image.zarr") for meta in page]
        (key,) = [key for key in keys if key.endswith(ending) and "/version-" in key]
        obstore.put(store, key, bytes(LARGE_BYTES))
        refused(load, configuration, path, too_much(ending, LARGE_BYTES))

    @pytest.mark.parametrize("compression", ["none", "zstd", "gzip", "blosc"])
    @pytest.mark.parametrize("chunks", [(1, 1, 1), (3, 64, 64)])
    def test_what_does_not_compress_is_never_too_much(
        self, fm: FileManager, compression: str, chunks: tuple[int, ...]
    ) -> None:
        noise = np.random.default_rng(0).integers(0, 2**16, (2, 8, 8), np.uint16)
        for number, shards in enumerate((None, (3, 64, 64))):
            fm.save(noise, f"{number}", backend="zarr", compression=compression, chunks=chunks, shards=shards)
            np.testing.assert_array_equal(fm.load(f"{number}", backend="zarr"), noise)


def zstd_frame(size: int) -> bytes:
    """Return a frame of Zstandard that is full of zeros and does not say how many."""
    blocks = [(step << 3 | 2).to_bytes(3, "little") + b"\0" for step in [2**17] * (size >> 17)]
    return (
        b"\x28\xb5\x2f\xfd\x00\x38"
        + b"".join(blocks)
        + (1 | size % 2**17 << 3 | 2).to_bytes(3, "little")
        + b"\0"
    )


@cache
def bombs() -> dict[str, tuple[str, bytes]]:
    """Return, by what they are, the compression and little that decodes to much."""
    much = bytes(LARGE_BYTES)
    chunk = bytes(CHUNK_BYTES)
    return {
        "zstd": ("zstd", numcodecs.Zstd().encode(much)),
        "zstd that does not say its size": ("zstd", zstd_frame(HUGE_BYTES)),
        "zstd of two frames": ("zstd", numcodecs.Zstd().encode(chunk) + numcodecs.Zstd().encode(much)),
        "zstd after what is skipped": ("zstd", b"\x50\x2a\x4d\x18\x01\0\0\0x" + zstd_frame(HUGE_BYTES)),
        "blosc": ("blosc", numcodecs.Blosc().encode(much)),
        "gzip": ("gzip", gzip.compress(much)),
        "gzip of two members": ("gzip", gzip.compress(chunk) + gzip.compress(much)),
        "bz2 of two streams": ("bz2", bz2.compress(chunk) + bz2.compress(much)),
        "lzma of two streams": ("lzma", lzma.compress(chunk) + lzma.compress(much)),
    }


BOMBS = [
    "zstd",
    "zstd that does not say its size",
    "zstd of two frames",
    "zstd after what is skipped",
    "blosc",
    "gzip",
    "gzip of two members",
]
CLAIM = rf"chunk '.*' claims more than the {CHUNK_BYTES} bytes of a chunk"
LENGTH = rf"chunk '.*' decodes to {CHUNK_BYTES + 1} bytes, not to the {CHUNK_BYTES} of a chunk"


class TestDecodedSize:
    """What decodes to more bytes than the values of a chunk have."""

    @pytest.mark.parametrize("bomb", BOMBS)
    @pytest.mark.parametrize("shards", [None, (3, 64, 64)])
    def test_a_bomb_is_not_decoded(
        self, fm: FileManager, load: Load, tmp_path: Path, engine: str, bomb: str, shards: Any
    ) -> None:
        compression, content = bombs()[bomb]
        save(fm, "image.zarr", compression=compression, shards=shards)
        if shards is None:
            (tmp_path / "image.zarr/c/1/0/0").write_bytes(content)
        else:
            (tmp_path / "image.zarr/c/0/0/0").write_bytes(shard_of(content))
        refused(load, {"root": tmp_path}, "image.zarr", f"({CLAIM}|{LENGTH})", engine=engine)

    @pytest.mark.parametrize("bomb", BOMBS)
    @pytest.mark.parametrize("shards", [None, (3, 64, 64)])
    def test_a_bomb_in_an_object_store_is_not_decoded(
        self, server: S3, load: Load, bomb: str, shards: Any
    ) -> None:
        configuration = {"storage_options": server.options}
        path, store = f"s3://{BUCKET}/image.zarr", server.store()
        compression, content = bombs()[bomb]
        save(
            FileManager(BackendRegistry({"zarr": configuration})),
            path,
            compression=compression,
            shards=shards,
        )
        keys = [meta["path"] for page in obstore.list(store, "image.zarr") for meta in page]
        ending = "c/1/0/0" if shards is None else "c/0/0/0"
        (key,) = [key for key in keys if key.endswith(ending)]
        obstore.put(store, key, content if shards is None else shard_of(content))
        refused(load, configuration, path, CLAIM)

    @pytest.mark.parametrize("bomb", ["bz2 of two streams", "lzma of two streams"])
    def test_a_bomb_of_zarr_v2_is_not_decoded(self, load: Load, tmp_path: Path, bomb: str) -> None:
        codec, content = bombs()[bomb]
        for name in ("image.zarr", "image-whole.zarr"):
            stored = zarr.create_array(
                tmp_path / name,
                shape=IMAGE.shape,
                chunks=(1, 64, 64),
                dtype=IMAGE.dtype,
                zarr_format=2,
                compressors=numcodecs.get_codec({"id": codec}),
            )
            stored[...] = IMAGE
        (tmp_path / "image.zarr/1.0.0").write_bytes(content)
        refused(load, {"root": tmp_path}, "image.zarr", CLAIM)

    def test_a_bomb_in_two_compressions_is_not_decoded(
        self, fm: FileManager, load: Load, tmp_path: Path
    ) -> None:
        codecs = [{"name": "bytes", "configuration": {"endian": "little"}}]
        codecs += [{"name": "zstd", "configuration": {"level": 1, "checksum": False}}]
        codecs += [{"name": "gzip", "configuration": {"level": 1}}]
        save(fm, "image.zarr", codecs=codecs)
        (tmp_path / "image.zarr/c/1/0/0").write_bytes(gzip.compress(zstd_frame(HUGE_BYTES)))
        refused(load, {"root": tmp_path}, "image.zarr", CLAIM.replace(str(CHUNK_BYTES), r"\d+"))

    def test_a_chunk_that_does_not_say_its_size_is_read(
        self, fm: FileManager, tmp_path: Path, engine: str
    ) -> None:
        fm.save(IMAGE, "image", backend="zarr", compression="zstd")
        (tmp_path / "image/c/1/0/0").write_bytes(zstd_frame(CHUNK_BYTES))
        expected = IMAGE.copy()
        expected[1] = 0
        np.testing.assert_array_equal(fm.load("image", backend="zarr", engine=engine), expected)


def shard_of(content: bytes) -> bytes:
    """Return a shard of three chunks, of which there is only the first."""
    index = np.full((3, 2), 2**64 - 1, np.uint64)
    index[0] = 0, len(content)
    return content + index.tobytes() + int(google_crc32c.value(index.tobytes())).to_bytes(4, "little")


def test_filters_that_widen_values_are_no_damage(tmp_path: Path) -> None:
    """A filter of Zarr v2 may hand eight bytes to the compression for each byte of the array."""
    stored = zarr.create_array(
        tmp_path / "theirs.zarr",
        shape=(4, 64),
        chunks=(1, 64),
        dtype="u1",
        zarr_format=2,
        filters=[numcodecs.Delta("u1", astype="i8")],
        config={"write_empty_chunks": True},
    )
    stored[...] = np.arange(256).reshape(4, 64)
    loaded = FileManager().load(tmp_path / "theirs.zarr", backend="zarr")
    np.testing.assert_array_equal(loaded, np.arange(256).reshape(4, 64))
