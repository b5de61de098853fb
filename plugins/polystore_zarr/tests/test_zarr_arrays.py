"""Single arrays: what is on disk, options, and swaps under readers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import zarr

from polystore_core import BackendRegistry, FileManager, InvalidOption, UnsupportedData
from polystore_core.files import is_temporary_name


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))


def stack(*shape: int) -> np.ndarray[Any, Any]:
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def chunk_files(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


class TestManySmallChunks:
    """Neighbours that are copied together, and those at the edges that are not."""

    @pytest.mark.parametrize("compression", ["blosc", "zstd", "gzip", "none"])
    @pytest.mark.parametrize(
        ("shape", "options"),
        [
            ((500,), {"chunks": (7,)}),
            ((3, 90, 106), {"chunks": (9, 10)}),
            ((3, 90, 106), {"chunks": (2, 9, 10), "shards": (2, 45, 50)}),
            ((2, 8, 300, 3), {"chunks": (3, 12, 3)}),
        ],
    )
    def test_any_region_of_them(
        self, fm: FileManager, tmp_path: Path, compression: str, shape: Any, options: Any
    ) -> None:
        values = stack(*shape)
        fm.save(values, "image.npy", backend="zarr", compression=compression, **options)
        files = [name for name in chunk_files(tmp_path / "image.npy.zarr") if name.startswith("c/")]
        np.testing.assert_array_equal(fm.load("image.npy", backend="zarr"), values)
        random = np.random.default_rng(0)
        for name in random.choice(files, len(files) // 10, replace=False):
            (tmp_path / "image.npy.zarr" / name).unlink()
        values = np.asarray(zarr.open_array(tmp_path / "image.npy.zarr", mode="r")[...])
        np.testing.assert_array_equal(fm.load("image.npy", backend="zarr", missing="fill"), values)
        for _ in range(20):
            edges = [np.sort(random.choice(size + 1, 2, replace=False)).tolist() for size in shape]
            region = tuple(slice(*pair) for pair in edges)
            loaded = fm.load("image.npy", backend="zarr", missing="fill", region=region)
            np.testing.assert_array_equal(loaded, values[region])


class TestOnDisk:
    """What other programs find."""

    def test_zarr_python_reads_what_was_saved(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(stack(3, 4, 5), "image.npy", backend="zarr")
        stored = zarr.open_array(tmp_path / "image.npy.zarr", mode="r")
        np.testing.assert_array_equal(stored[...], stack(3, 4, 5))

    def test_a_store_is_a_hierarchy_of_groups(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(stack(4, 5), "data/plate.zarr/A01/raw", backend="zarr")
        root = zarr.open_group(tmp_path / "data/plate.zarr", mode="r")
        assert [name for name, _ in root.members(max_depth=None)] == ["A01", "A01/raw"]
        assert not (tmp_path / "data/zarr.json").exists()

    def test_each_plane_is_a_chunk(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(stack(2, 3, 4), "image.npy", backend="zarr")
        assert chunk_files(tmp_path / "image.npy.zarr") == ["c/0/0/0", "c/1/0/0", "zarr.json"]

    def test_a_large_plane_is_cut_into_tiles(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(np.zeros((8200, 8200), np.uint8), "image.npy", backend="zarr")
        assert zarr.open_array(tmp_path / "image.npy.zarr", mode="r").chunks == (2048, 2048)

    def test_a_chunk_of_zeros_is_written(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(np.zeros((2, 4), np.uint8), "image.npy", backend="zarr", chunks=(1, 2))
        assert len(chunk_files(tmp_path / "image.npy.zarr")) == 5

    def test_shards_share_a_file(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(stack(4, 6, 6), "image.npy", backend="zarr", chunks=(3, 3), shards=(2, 6, 6))
        assert chunk_files(tmp_path / "image.npy.zarr") == ["c/0/0/0", "c/1/0/0", "zarr.json"]
        np.testing.assert_array_equal(fm.load("image.npy", backend="zarr"), stack(4, 6, 6))

    @pytest.mark.parametrize("compression", ["zstd", "blosc", "gzip", "none"])
    def test_every_compression_is_read_back(self, fm: FileManager, compression: str) -> None:
        fm.save(stack(20, 30), "image.npy", backend="zarr", compression=compression)
        np.testing.assert_array_equal(fm.load("image.npy", backend="zarr"), stack(20, 30))

    def test_arrays_saved_in_turn_are_each_what_was_asked_for(self, fm: FileManager, tmp_path: Path) -> None:
        """Although what a new array is has been worked out once for those that are alike."""
        filtered = [{"name": "transpose", "configuration": {"order": [1, 0]}}, {"name": "bytes"}]
        asked: list[tuple[Any, dict[str, Any]]] = [
            (stack(8, 9), {}),
            (stack(8, 9).astype(np.int16), {}),
            (stack(8, 9).astype(np.uint32), {"compression": "blosc"}),
            (stack(8, 9), {"compression": "blosc"}),
            (stack(8, 9), {"compression": "blosc", "level": 9}),
            (stack(9, 8), {}),
            (stack(8, 9), {"chunks": (4, 9)}),
            (stack(8, 9), {"chunks": (4, 9), "shards": (8, 9)}),
            (stack(8, 9), {"compression": "none"}),
            (stack(8, 9), {"codecs": filtered}),
            (stack(8, 9), {"codecs": [*filtered[1:], {"name": "crc32c"}]}),
        ]
        for _ in range(2):
            documents = []
            for number, (values, options) in enumerate(asked):
                fm.save(values, f"{number}.npy", backend="zarr", **options)
                np.testing.assert_array_equal(fm.load(f"{number}.npy", backend="zarr"), values, strict=True)
                stored = zarr.open_array(tmp_path / f"{number}.npy.zarr", mode="r")
                np.testing.assert_array_equal(stored[...], values, strict=True)
                documents.append((tmp_path / f"{number}.npy.zarr" / "zarr.json").read_bytes())
            assert len(set(documents)) == len(asked)

    def test_codecs_are_taken_as_zarr_writes_them(self, fm: FileManager, tmp_path: Path) -> None:
        codecs = [
            {"name": "transpose", "configuration": {"order": [1, 0]}},
            {"name": "bytes", "configuration": {"endian": "big"}},
            {"name": "crc32c"},
        ]
        fm.save(stack(3, 4), "image.npy", backend="zarr", codecs=codecs)
        stored = zarr.open_array(tmp_path / "image.npy.zarr", mode="r")
        np.testing.assert_array_equal(stored[...], stack(3, 4))
        np.testing.assert_array_equal(fm.load("image.npy", backend="zarr"), stack(3, 4))


class TestRefusals:
    """What is refused, and how."""

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"chunks": (4, 4), "shards": (6, 8)},
                "shards must be whole multiples of chunks along every axis; got array 12 x 16 in 2 x 2 "
                "shards of 6 x 8, each of chunks 4 x 4. Shards that fit: 8 x 8",
            ),
            (
                {"chunks": (0, 4)},
                "chunks takes up to 2 sizes from 1 for an array 12 x 16, such as (12, 16); got (0, 4)",
            ),
            ({"compression": "zstd", "level": 99}, "level of 'zstd' is -7 to 22; got 99"),
            ({"compression": "none", "level": 1}, "compression='none' has no level; leave level= out"),
            (
                {"codecs": [{"name": "bytes"}], "compression": "zstd"},
                "pass either codecs= or compression= and level=, not both",
            ),
            ({"codecs": "zstd"}, """codecs= takes objects such as {"name": "zstd"}; got 'zstd'"""),
            ({"codecs": ["zstd"]}, """codecs= takes objects such as {"name": "zstd"}; got 'zstd'"""),
            (
                {"codecs": [{"name": "sharding_indexed"}]},
                "pass shards= rather than the codec 'sharding_indexed'",
            ),
        ],
    )
    def test_options_that_do_not_fit(self, fm: FileManager, options: dict[str, Any], message: str) -> None:
        with pytest.raises(InvalidOption) as caught:
            fm.save(stack(12, 16), "image.npy", backend="zarr", **options)
        assert str(caught.value) == message
        assert fm.list_files(".", backend="zarr") == []

    @pytest.mark.parametrize(
        "dtype", [ml_dtypes.bfloat16, "U4", "S3", np.longdouble, [("label", "u4"), ("area", "f8")]]
    )
    def test_dtypes_that_zarr_has_no_specification_for(self, fm: FileManager, dtype: Any) -> None:
        with pytest.raises(UnsupportedData, match=r"save it as \.npy to backend 'disk'"):
            fm.save(np.zeros(3, dtype), "image.npy", backend="zarr")
        assert fm.list_files(".", backend="zarr") == []

    def test_other_kinds_of_data(self, fm: FileManager) -> None:
        with pytest.raises(UnsupportedData, match="backend 'zarr' holds arrays and lists of ROIs, not text"):
            fm.save("text", "note.txt", backend="zarr")


class TestSwaps:
    """Replacing an array that others read."""

    def test_a_reader_gets_the_old_array_or_the_new_one(self, fm: FileManager) -> None:
        arrays = [np.full((4, 8, 8), number, np.uint8) for number in range(2)]
        fm.save(arrays[0], "image.npy", backend="zarr")
        stop = threading.Event()

        def replace() -> None:
            number = 0
            while not stop.is_set():
                number = 1 - number
                fm.save(arrays[number], "image.npy", backend="zarr")

        writer = threading.Thread(target=replace)
        writer.start()
        try:
            for _ in range(100):
                assert len(np.unique(fm.load("image.npy", backend="zarr"))) == 1
        finally:
            stop.set()
            writer.join()

    def test_nothing_is_left_aside(self, fm: FileManager, tmp_path: Path) -> None:
        for _ in range(3):
            fm.save(stack(2, 2), "plate.zarr/a", backend="zarr")
            fm.save(stack(2, 2), "b.npy", backend="zarr")
        assert not [path for path in tmp_path.rglob("*") if is_temporary_name(path.name)]

    def test_a_file_that_is_no_array_is_not_replaced(self, fm: FileManager, tmp_path: Path) -> None:
        (tmp_path / "notes").write_text("important")
        with pytest.raises(FileExistsError):
            fm.save(stack(2, 2), "notes", backend="zarr")
        assert (tmp_path / "notes").read_text() == "important"
