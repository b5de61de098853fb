"""``polystore validate``, ``info``, ``repair`` and ``zarr`` for Zarr stores."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from plates import PATTERN, STORE, paths_of, plane_of, validated

from polystore.cli import main
from polystore_core import BackendRegistry, CorruptData, FileManager
from polystore_zarr._commands import validate, zarr

DEAD_WRITER = """
import sys
from polystore_core.files import temporary_name
from pathlib import Path
Path(sys.argv[1], temporary_name()).mkdir()
"""


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
    paths = paths_of(["A01", "B02"], sites=[1, 2])
    fm.save_batch(
        [plane_of(path) for path in paths],
        paths,
        backend="zarr",
        pattern=PATTERN,
        store=STORE,
        pixel_size=0.65,
        channel_names=["DAPI", "GFP"],
    )
    return tmp_path / STORE


def checked(store: Path) -> tuple[int, str]:
    result = CliRunner().invoke(validate, [str(store)])
    return result.exit_code, result.output


def repaired(store: Path) -> str:
    return CliRunner().invoke(zarr, ["repair", str(store)]).output


def unlist(document: Path, key: str, members: str) -> None:
    content = json.loads(document.read_text())
    content["attributes"]["ome"][key][members].pop()
    document.write_text(json.dumps(content))


def test_a_good_plate_is_valid(plate: Path) -> None:
    assert checked(plate) == (0, f"{plate}: valid\n")
    assert repaired(plate) == "nothing to repair\n"


@pytest.mark.parametrize("command", [["validate"], ["zarr", "info"], ["zarr", "repair"]])
def test_a_directory_without_arrays_is_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    FileManager().save(np.zeros((2, 2)), "images/A01.tif", backend="disk")
    assert main([*command, "images"]) == 1
    error = "polystore: error: 'images' is a directory that holds no Zarr array\n"
    assert tuple(capsys.readouterr()) == ("", error)


def test_a_missing_chunk_is_found(plate: Path) -> None:
    (plate / "A/1/2/0/c/1/0/0/0").unlink()
    assert checked(plate) == (1, "A/1/2/0: 1 of 4 chunks are missing; save the array again\n")


def test_a_damaged_document_is_found(plate: Path) -> None:
    (plate / "B/2/1/0/zarr.json").write_text("{")
    code, output = checked(plate)
    assert code == 1
    assert "B/2/1/0: 'B/2/1/0' cannot be read as Zarr: " in output
    assert "B/2/1: not valid OME-NGFF: " in output


def test_a_listed_field_that_is_gone_is_found(plate: Path) -> None:
    shutil.rmtree(plate / "B/2/1")
    code, output = checked(plate)
    assert code == 1
    assert output.startswith("B/2/1: not valid OME-NGFF: ")


@pytest.mark.parametrize(("document", "key", "members"), [("A/1", "well", "images"), (".", "plate", "wells")])
def test_a_field_that_was_never_listed_is_found_and_listed(
    plate: Path, document: str, key: str, members: str
) -> None:
    unlist(plate / document / "zarr.json", key, members)
    code, output = checked(plate)
    assert code == 1
    assert "the field is whole but not listed; polystore repair lists it" in output
    assert "listed field " in repaired(plate)
    assert validated(plate) == ["A/1/1", "A/1/2", "B/2/1", "B/2/2"]
    assert checked(plate)[0] == 0


def test_what_a_killed_writer_left_is_removed(plate: Path) -> None:
    subprocess.run([sys.executable, "-c", DEAD_WRITER, plate.parent], check=True)
    code, output = checked(plate)
    assert (code, output.partition(";")[0]) == (1, ".: 1 unfinished beside it")
    assert repaired(plate) == "removed 1 unfinished node\n"
    assert checked(plate)[0] == 0


def test_a_plate_is_described(plate: Path) -> None:
    assert CliRunner().invoke(zarr, ["info", str(plate)]).output.splitlines() == [
        "plate.ome.zarr: plate 'plate', OME-NGFF 0.5",
        "  2 x 3, 2 wells, 4 fields",
        "  field A/1/1, as an example:",
        "    level 0: 2 x 2 x 20 x 30 (c, z, y, x) uint16, files of 1 x 1 x 20 x 30, bytes, zstd",
        "    z: 1 micrometer",
        "    y: 0.65 micrometer",
        "    x: 0.65 micrometer",
        "    channel DAPI: #0000FF",
        "    channel GFP: #00FF00",
    ]


def test_other_stores_are_described_as_a_tree(tmp_path: Path) -> None:
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
    fm.save(np.zeros((4, 6), np.uint8), "data.zarr/raw/image", backend="zarr", shards=(4, 6), chunks=(2, 3))
    assert CliRunner().invoke(zarr, ["info", str(tmp_path / "data.zarr")]).output.splitlines() == [
        "data.zarr",
        "  raw/",
        "    image  4 x 6 uint8, files of 4 x 6, sharding_indexed",
    ]


class TestRepair:
    """``polystore repair STORE`` looks; with ``--restore`` it mends."""

    @staticmethod
    def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str]]:
        code = main(["repair", *map(str, arguments)])
        return code, capsys.readouterr().out.splitlines()

    def test_a_good_store_needs_none(self, plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.said(capsys, plate) == (0, [f"{plate}: nothing to repair"])
        assert self.said(capsys, "--restore", plate) == (0, [f"{plate}: nothing to repair"])

    def test_an_array_is_found_by_the_path_it_was_saved_to(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        saved = tmp_path / "result.npy"
        FileManager(BackendRegistry()).save(np.ones((4, 4), np.uint8), saved, backend="zarr")
        assert self.said(capsys, saved) == (0, [f"{saved}: nothing to repair"])
        (tmp_path / "result.npy.zarr/c/0/0").unlink()
        assert self.said(capsys, saved)[0] == 1
        assert main(["info", str(saved)]) == 0
        assert "4 x 4 uint8" in capsys.readouterr().out

    def test_what_a_killed_writer_left_goes(self, plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
        subprocess.run([sys.executable, "-c", DEAD_WRITER, plate.parent], check=True)
        code, lines = self.said(capsys, plate)
        assert (code, lines[0]) == (
            1,
            ".: 1 unfinished beside it; polystore repair removes what killed writers left",
        )
        assert lines[-1] == f"to mend what can be mended: polystore repair --restore {plate}"
        assert self.said(capsys, "--restore", plate) == (0, ["removed 1 unfinished node"])

    def test_what_a_killed_writer_of_a_region_left_goes(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
        image = np.ones((4, 8, 8), np.uint8)
        fm.save(image, "data.zarr/raw", backend="zarr", region=..., shape=image.shape)
        subprocess.run([sys.executable, "-c", DEAD_WRITER, tmp_path / "data.zarr/raw/.polystore"], check=True)
        code, lines = self.said(capsys, tmp_path / "data.zarr")
        assert (code, lines[0][:22]) == (1, "raw: 1 unfinished in i")
        assert self.said(capsys, "--restore", tmp_path / "data.zarr") == (0, ["removed 1 unfinished node"])

    def test_a_torn_chunk_is_set_aside_and_can_be_written_again(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
        image = np.arange(4 * 8 * 8, dtype=np.uint16).reshape(4, 8, 8)
        fm.save(image, "data.zarr/raw", backend="zarr", region=..., shape=image.shape)
        chunk = tmp_path / "data.zarr/raw/c/2/0/0"
        torn = chunk.read_bytes()[:-3]
        chunk.write_bytes(torn)
        code, lines = self.said(capsys, tmp_path / "data.zarr")
        assert code == 1
        assert lines[0].startswith("raw: chunk 'c/2/0/0' is torn (")
        code, lines = self.said(capsys, "--restore", tmp_path / "data.zarr")
        assert (code, lines) == (
            1,
            [
                "raw: set torn chunk 'c/2/0/0' aside as '.polystore/c.2.0.0.torn'; write its region again",
                "raw: 1 of 4 chunks are not written yet; save their regions",
            ],
        )
        assert (tmp_path / "data.zarr/raw/.polystore/c.2.0.0.torn").read_bytes() == torn
        with pytest.raises(CorruptData, match="is not written yet"):
            fm.load("data.zarr/raw", backend="zarr")
        fm.save(image[2], "data.zarr/raw", backend="zarr", region=2)
        np.testing.assert_array_equal(fm.load("data.zarr/raw", backend="zarr"), image)
        assert self.said(capsys, tmp_path / "data.zarr")[0] == 0

    @pytest.mark.parametrize("damage", ["missing", "truncated"])
    @pytest.mark.parametrize("node", [".", "A", "A/1", "B/2"])
    @pytest.mark.parametrize("ngff", ["0.5", "0.4"])
    def test_a_document_of_a_plate_is_made_anew(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], node: str, damage: str, ngff: str
    ) -> None:
        fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
        paths = paths_of(["A01", "B02"], sites=[1, 2])
        planes = [plane_of(path) for path in paths]
        fm.save_batch(planes, paths, backend="zarr", pattern=PATTERN, store=STORE, ngff=ngff)
        store = tmp_path / STORE
        for name in ("zarr.json", ".zgroup", ".zattrs"):
            if (store / node / name).exists():
                if damage == "missing":
                    (store / node / name).unlink()
                else:
                    (store / node / name).write_bytes(b'{"zarr')
        code, lines = self.said(capsys, store)
        assert code == 1
        code, lines = self.said(capsys, "--restore", store)
        assert code == 0, lines
        loaded = fm.load_batch(paths, backend="zarr", store=STORE, pattern=PATTERN)
        for plane, expected in zip(loaded, planes, strict=True):
            np.testing.assert_array_equal(plane, expected)
        assert self.said(capsys, store) == (0, [f"{store}: nothing to repair"])
        kept = [path for path in (store / node).iterdir() if path.name.endswith(".polystore-damaged")]
        assert [path.read_bytes() for path in kept] == [b'{"zarr'] * len(kept)
        assert bool(kept) == (damage == "truncated")

    def test_what_cannot_be_mended_is_said(self, plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (plate / "A/1/1/0/zarr.json").write_text("{")
        code, lines = self.said(capsys, "--restore", plate)
        assert code == 1
        assert any(line.startswith("A/1/1/0: 'A/1/1/0' cannot be read as Zarr") for line in lines)

    def test_json(self, plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, lines = self.said(capsys, plate, "--json")
        assert code == 0
        assert json.loads("\n".join(lines)) == {"path": str(plate), "done": [], "problems": []}


class TestInfo:
    """``polystore info STORE`` needs no backend."""

    def test_a_store_is_described(self, plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["info", str(plate)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[:2] == [
            "plate.ome.zarr: plate 'plate', OME-NGFF 0.5",
            "  2 x 3, 2 wells, 4 fields",
        ]

    def test_an_array_in_a_store_is_described(self, plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["info", str(plate / "A/1/1/0")]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "0",
            "  2 x 2 x 20 x 30 (c, z, y, x) uint16, files of 1 x 1 x 20 x 30, bytes, zstd",
        ]

    def test_json(self, plate: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["info", str(plate), "--json"]) == 0
        described = json.loads(capsys.readouterr().out)
        assert (described["path"], described["kind"]) == (str(plate), "store")
        assert described["tree"][1] == "  2 x 3, 2 wells, 4 fields"

    def test_elsewhere_a_backend_is_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["info", str(tmp_path)]) == 2
        assert "say which backend: -b NAME" in capsys.readouterr().err


def test_torn_chunks_are_found_on_request(plate: Path) -> None:
    chunk = plate / "A/1/2/0/c/1/0/0/0"
    chunk.write_bytes(chunk.read_bytes()[:-3])
    assert checked(plate)[0] == 0
    result = CliRunner().invoke(validate, [str(plate), "--decode"])
    assert result.exit_code == 1
    assert result.output.startswith("A/1/2/0: chunk 'c/1/0/0/0' is torn (")


def test_an_unfinished_array_is_found(tmp_path: Path) -> None:
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
    fm.save(
        np.ones((1, 4), np.uint8),
        "data.zarr/raw",
        backend="zarr",
        region=np.s_[:1],
        shape=(3, 4),
        chunks=(1, 4),
    )
    assert checked(tmp_path / "data.zarr") == (
        1,
        "raw: 2 of 3 chunks are not written yet; save their regions\n",
    )
