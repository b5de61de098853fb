"""The engine ``zarrs``: the same bytes, the same errors, nothing that leaks, forks that end."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pytest
import zarr
from engines import by_itself
from plates import PATTERN, STORE, paths_of, plane_of
from test_zarr_damage import DAMAGE, IMAGE

from polystore_core import BackendRegistry, BackendUnavailable, CorruptData, FileManager, InvalidOption
from polystore_zarr import _zarrs, plan_regions

PLAIN = {"name": "bytes", "configuration": {"endian": "little"}}


def blosc(name: str, shuffle: str) -> dict[str, Any]:
    settings = {"cname": name, "clevel": 5, "shuffle": shuffle, "typesize": 2, "blocksize": 0}
    return {"codecs": [PLAIN, {"name": "blosc", "configuration": settings}]}


ENCODINGS: dict[str, dict[str, Any]] = {
    "none": {"compression": "none"},
    "crc32c": {"codecs": [PLAIN, {"name": "crc32c"}]},
    "transposed, big-endian": {
        "codecs": [
            {"name": "transpose", "configuration": {"order": [2, 0, 1]}},
            {"name": "bytes", "configuration": {"endian": "big"}},
        ]
    },
    **{f"zstd {level}": {"compression": "zstd", "level": level} for level in (-7, 1, 3, 9)},
    "zstd": {},
    "gzip": {"compression": "gzip"},
    "blosc": {"compression": "blosc"},
    **{f"blosc {name}": blosc(name, "shuffle") for name in ("lz4", "lz4hc", "blosclz", "zlib", "zstd")},
    "blosc lz4, not shuffled": blosc("lz4", "noshuffle"),
}
BY_ZARRS = [name for name in ENCODINGS if not name.startswith(("zstd", "gzip", "blosc zstd"))]
GRIDS: dict[str, dict[str, Any]] = {
    "planes": {"chunks": (1, 130, 170)},
    "tiles that do not fit": {"chunks": (2, 64, 64)},
    "shards": {"chunks": (1, 64, 64), "shards": (2, 128, 192)},
}


def camera() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).poisson(1000, (3, 130, 170)).astype(np.uint16)


def half_empty() -> np.ndarray[Any, Any]:
    image = camera()
    image[:, :, :100] = 0
    return image


IMAGES: dict[str, Callable[[], np.ndarray[Any, Any]]] = {
    "camera": camera,
    "zeros": lambda: np.zeros((3, 130, 170), np.uint16),
    "half empty": half_empty,
    "truth values": lambda: camera() > 1000,
    "labels": lambda: (camera() // 500).astype(np.uint8),
    "floats with nan": lambda: np.where(camera() > 1000, np.nan, 0.0).astype(np.float32),
    "negative zeros": lambda: np.full((3, 130, 170), -0.0),
    "complex": lambda: (camera() + 1j * camera()).astype(np.complex64),
    "dates": lambda: camera().astype("datetime64[s]"),
}


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written_by_zarr(pixels: np.ndarray[Any, Any], like: Path, bare: Path) -> Path:
    """Let zarr-python alone write an array of the same document."""
    bare.mkdir()
    (bare / "zarr.json").write_bytes((like / "zarr.json").read_bytes())
    with zarr.config.set({"array.write_empty_chunks": True}):
        zarr.open_array(bare, mode="r+")[...] = pixels
    return bare


class TestBytes:
    """What is on disk, and what comes back."""

    @pytest.mark.parametrize("grid", GRIDS)
    @pytest.mark.parametrize("encoding", ENCODINGS)
    @pytest.mark.parametrize("image", IMAGES)
    def test_every_file_is_the_same(
        self,
        fm: FileManager,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        image: str,
        encoding: str,
        grid: str,
    ) -> None:
        monkeypatch.setattr(time, "time", lambda: 1e9)  # gzip stores when it was written
        pixels = IMAGES[image]()
        for engine in ("zarr-python", "zarrs"):
            fm.save(
                pixels, f"{engine}.zarr", backend="zarr", engine=engine, **ENCODINGS[encoding], **GRIDS[grid]
            )
        expected = files_of(written_by_zarr(pixels, tmp_path / "zarrs.zarr", tmp_path / "bare.zarr"))
        for engine in ("zarr-python", "zarrs"):
            assert files_of(tmp_path / f"{engine}.zarr") == expected
            with by_itself(engine):
                loaded = fm.load("zarrs.zarr", backend="zarr", engine=engine)
            np.testing.assert_array_equal(loaded, pixels)
            assert (loaded.dtype, loaded.flags.writeable) == (pixels.dtype, True)

    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_zarrs_encodes_what_comes_out_alike(
        self, fm: FileManager, monkeypatch: pytest.MonkeyPatch, encoding: str
    ) -> None:
        stored = []
        store = _zarrs.store

        def noted(*arguments: Any, **named: Any) -> int:
            stored.append(encoding)
            return store(*arguments, **named)

        monkeypatch.setattr(_zarrs, "store", noted)
        for grid in GRIDS.values():
            fm.save(camera(), "image.zarr", backend="zarr", engine="zarrs", **ENCODINGS[encoding], **grid)
        assert len(stored) == (2 if encoding in BY_ZARRS else 0)

    @pytest.mark.parametrize("grid", GRIDS)
    @pytest.mark.parametrize("region", [2, np.s_[1:3, 5:70], np.s_[..., 64:170], np.s_[0, 129, 169], ()])
    @pytest.mark.parametrize("encoding", ["zstd", "blosc", "gzip", "none", "transposed, big-endian"])
    def test_a_region_is_the_same(
        self, fm: FileManager, encoding: str, engine: str, region: Any, grid: str
    ) -> None:
        fm.save(camera(), "image.zarr", backend="zarr", **ENCODINGS[encoding], **GRIDS[grid])
        part = fm.load("image.zarr", backend="zarr", region=region, engine=engine)
        np.testing.assert_array_equal(part, camera()[region])

    def test_regions_are_written(self, fm: FileManager, tmp_path: Path) -> None:
        for engine in ("zarr-python", "zarrs"):
            for region in plan_regions((3, 130, 170), "uint16", chunks=(2, 64, 64)):
                fm.save(
                    camera()[region],
                    f"{engine}.zarr",
                    backend="zarr",
                    engine=engine,
                    region=region,
                    shape=(3, 130, 170),
                    chunks=(2, 64, 64),
                    compression="blosc",
                )
        assert files_of(tmp_path / "zarrs.zarr") == files_of(tmp_path / "zarr-python.zarr")

    def test_a_plate_is_the_same(self, fm: FileManager, tmp_path: Path) -> None:
        paths = paths_of(["A01", "B02"])
        for engine in ("zarr-python", "zarrs"):
            fm.save_batch(
                [plane_of(path, 300, 400) for path in paths],
                paths,
                backend="zarr",
                pattern=PATTERN,
                store=f"{engine}/{STORE}",
                engine=engine,
                compression="blosc",
            )
        assert files_of(tmp_path / "zarrs") == files_of(tmp_path / "zarr-python")

    @pytest.mark.parametrize("shape", [(), (0,), (0, 4), (7,), (1, 1)])
    def test_shapes_at_the_edge(self, fm: FileManager, shape: tuple[int, ...]) -> None:
        fm.save(np.ones(shape), "image.zarr", backend="zarr", engine="zarrs", compression="none")
        np.testing.assert_array_equal(fm.load("image.zarr", backend="zarr", engine="zarrs"), np.ones(shape))


class TestDamage:
    """The same errors as without it."""

    @pytest.mark.parametrize("damage", DAMAGE)
    @pytest.mark.parametrize("compression", ["zstd", "none"])
    def test_damage_is_told(
        self, fm: FileManager, tmp_path: Path, damage: str, compression: str, engine: str
    ) -> None:
        fm.save(IMAGE, "image.npy", backend="zarr", compression=compression)
        DAMAGE[damage](tmp_path / "image.npy.zarr")
        with pytest.raises(CorruptData, match=r"'image\.npy' cannot be read as Zarr: "):
            fm.load("image.npy", backend="zarr", engine=engine)

    @pytest.mark.parametrize("compression", ["zstd", "blosc", "gzip"])
    @pytest.mark.parametrize("damage", ["index", "length", "chunk"])
    def test_a_damaged_shard_is_told(
        self, fm: FileManager, tmp_path: Path, damage: str, compression: str, engine: str
    ) -> None:
        fm.save(camera(), "image", backend="zarr", compression=compression, **GRIDS["shards"])
        shard = tmp_path / "image/c/0/0/0"
        content = bytearray(shard.read_bytes())
        if damage == "index":
            content[-5] ^= 1
        elif damage == "length":
            del content[100:200]
        else:
            content[: len(content) // 8] = bytes(len(content) // 8)
        shard.write_bytes(content)
        with pytest.raises(CorruptData, match="'image' cannot be read as Zarr: "):
            fm.load("image", backend="zarr", engine=engine)

    @pytest.mark.parametrize("missing", [1, 4, 8])
    def test_a_chunk_of_gzip_without_its_end_is_told(
        self, fm: FileManager, tmp_path: Path, engine: str, missing: int
    ) -> None:
        fm.save(IMAGE, "image", backend="zarr", compression="gzip")
        chunk = tmp_path / "image/c/1/0/0"
        chunk.write_bytes(chunk.read_bytes()[:-missing])
        with pytest.raises(CorruptData, match="'image' cannot be read as Zarr: "):
            fm.load("image", backend="zarr", engine=engine)

    @pytest.mark.parametrize("compression", ["zstd", "blosc"])
    def test_a_chunk_in_a_shard_that_claims_gigabytes_is_not_decoded(
        self, fm: FileManager, tmp_path: Path, compression: str
    ) -> None:
        large = np.zeros((2**14, 2**14), np.uint8)
        fm.save(large, "bomb", backend="zarr", compression=compression, chunks=large.shape)
        fm.save(np.zeros((4, 4), np.uint8), "image", backend="zarr", compression=compression, shards=(4, 4))
        bomb = (tmp_path / "bomb/c/0/0").read_bytes()
        index = np.array([0, len(bomb)], np.uint64).tobytes()
        checksum = int(google_crc32c.value(index)).to_bytes(4, "little")
        (tmp_path / "image/c/0/0").write_bytes(bomb + index + checksum)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(CorruptData, match="claims more than the 16 bytes of a chunk"):
            fm.load("image", backend="zarr")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000

    def test_left_out_chunks_are_filled_on_request(
        self, fm: FileManager, tmp_path: Path, engine: str
    ) -> None:
        sparse = zarr.create_array(
            tmp_path / "sparse.npy.zarr", shape=(4, 4), chunks=(2, 4), dtype="u1", fill_value=7
        )
        sparse[:2] = 1
        with pytest.raises(CorruptData, match="chunk 'c/1/0' is missing"):
            fm.load("sparse.npy", backend="zarr", engine=engine)
        filled = fm.load("sparse.npy", backend="zarr", missing="fill", engine=engine)
        np.testing.assert_array_equal(filled, np.array([[1] * 4] * 2 + [[7] * 4] * 2, np.uint8))

    def test_a_reader_gets_the_old_array_or_the_new_one(self, fm: FileManager, engine: str) -> None:
        for version in range(50):
            pixels = np.full((4, 64, 64), version, np.uint16)
            fm.save(pixels, "image.npy", backend="zarr", engine=engine, compression="blosc")
            assert np.unique(fm.load("image.npy", backend="zarr", engine=engine)).tolist() == [version]


class TestChoice:
    """Asking for it, and not having it."""

    def test_it_is_configured_for_a_backend(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        used: list[int] = []
        retrieve = _zarrs.retrieve

        def noted(*arguments: Any, **named: Any) -> Any:
            used.append(1)
            return retrieve(*arguments, **named)

        monkeypatch.setattr(_zarrs, "retrieve", noted)
        fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path, "engine": "zarrs"}}))
        fm.save(IMAGE, "image", backend="zarr", **ENCODINGS["crc32c"])
        np.testing.assert_array_equal(fm.load("image", backend="zarr"), IMAGE)
        assert len(used) == 1
        np.testing.assert_array_equal(fm.load("image", backend="zarr", engine="zarr-python"), IMAGE)
        assert len(used) == 1

    def test_an_unknown_one_is_refused(self, fm: FileManager) -> None:
        with pytest.raises(InvalidOption, match="engine"):
            fm.save(IMAGE, "image", backend="zarr", engine="turbo")

    def test_without_the_package_it_says_what_to_install(
        self, fm: FileManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(sys.modules, "polystore_zarr._zarrs")
        monkeypatch.setitem(sys.modules, "zarrs._internal", None)
        import polystore_zarr

        monkeypatch.delattr(polystore_zarr, "_zarrs")
        with pytest.raises(BackendUnavailable, match=r'pip install "polystore\[zarr-fast\]"'):
            fm.save(IMAGE, "image", backend="zarr", engine="zarrs")
        assert fm.list_files(".", backend="zarr") == []

    def test_the_configuration_of_zarr_stays(self, fm: FileManager, tmp_path: Path) -> None:
        before = deepcopy(zarr.config.config)
        fm.save(IMAGE, "image", backend="zarr", engine="zarrs", compression="blosc")
        fm.load("image", backend="zarr", engine="zarrs")
        assert zarr.config.config == before
        assert type(zarr.open_array(tmp_path / "image", mode="r").async_array.codec_pipeline).__module__ == (
            "zarr.core.codec_pipeline"
        )

    def test_it_is_imported_when_it_is_asked_for(self, tmp_path: Path) -> None:
        code = (
            "import sys, numpy as np; from polystore_core import BackendRegistry, FileManager\n"
            "fm = FileManager(BackendRegistry({'zarr': {'root': sys.argv[1]}}))\n"
            "fm.save(np.ones((4, 4)), 'a', backend='zarr'); fm.load('a', backend='zarr')\n"
            "assert 'polystore_zarr._zarrs' not in sys.modules\n"
            "fm.load('a', backend='zarr', engine='zarrs'); assert 'polystore_zarr._zarrs' in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code, tmp_path], check=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("encoding", ["blosc", "zstd", "gzip", "none"])
@pytest.mark.parametrize("grid", GRIDS)
def test_a_forked_child_reads_and_writes_after_its_parent_did(
    fm: FileManager, encoding: str, grid: str, engine: str
) -> None:
    layout = ENCODINGS[encoding] | GRIDS[grid]
    for _ in range(2):
        fm.save(camera(), "parent.zarr", backend="zarr", engine=engine, **layout)
        fm.load("parent.zarr", backend="zarr", engine=engine)
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        status = 1
        try:
            np.testing.assert_array_equal(fm.load("parent.zarr", backend="zarr", engine=engine), camera())
            fm.save(camera() + 1, "child.zarr", backend="zarr", engine=engine, **layout)
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    np.testing.assert_array_equal(fm.load("child.zarr", backend="zarr", engine=engine), camera() + 1)
