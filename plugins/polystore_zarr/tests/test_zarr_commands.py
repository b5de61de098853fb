"""``polystore validate``, ``polystore zarr info`` and ``polystore zarr repair``."""

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

from polystore_core import BackendRegistry, FileManager
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


def test_a_missing_chunk_is_found(plate: Path) -> None:
    (plate / "A/1/2/0/c/1/0/0/0").unlink()
    assert checked(plate) == (1, "A/1/2/0: 1 of 4 chunks are missing; save the array again\n")


def test_a_damaged_document_is_found(plate: Path) -> None:
    (plate / "B/2/1/0/zarr.json").write_text("{")
    code, output = checked(plate)
    assert code == 1
    assert "B/2/1/0: zarr.json cannot be read: " in output
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
    assert "the field is whole but not listed; polystore zarr repair lists it" in output
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
