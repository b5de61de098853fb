"""``polystore workspace ...``, typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from workspace_plates import save, stack

from polystore_workspace import METADATA_NAME, Target, read_mapping


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    save(tmp_path / "raw/A01_s1.tif", stack(2))
    return tmp_path


def polystore(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    typed = [
        sys.executable,
        "-c",
        "from polystore.cli import main; raise SystemExit(main())",
        "workspace",
        *arguments,
    ]
    return subprocess.run(typed, cwd=cwd, capture_output=True, text=True, check=False)


def test_create_says_what_it_made(plate):
    done = polystore("create", ".", "--pattern", "{well}_s{site:d}.tif", "--axis", "z=1-2", cwd=plate)
    assert (done.returncode, done.stdout) == (0, f"workspace: 2 virtual files, kept in {METADATA_NAME}\n")
    assert read_mapping(plate)["workspace/A01/s001_z002.tif"] == Target("raw/A01_s1.tif", index=(1,))


def test_every_option_of_create_is_there(plate):
    save(plate / "raw/thumb.tif", stack(2))
    typed = ["create", str(plate), "--pattern", "{well}_s{site:d}.tif", "--to", "{well}_w{channel}.tif"]
    typed += ["--name", "names", "--source", "raw", "--backend", "disk", "--axis", "channel=DAPI,GFP"]
    typed += ["--skip-unmatched", "--overwrite", "--allow-outside", "--metadata", "names.json"]
    assert polystore(*typed, cwd=plate).returncode == 0
    assert list(read_mapping(plate, metadata="names.json")) == ["names/A01_wDAPI.tif", "names/A01_wGFP.tif"]


def test_an_axis_that_counts_backwards_is_refused_as_it_was_typed(plate):
    done = polystore("create", ".", "--pattern", "{well}_s{site:d}.tif", "--axis", "z=3-1", cwd=plate)
    message = "polystore: error: --axis counts upwards, from the first to the last; got 'z=3-1'\n"
    assert (done.returncode, done.stderr) == (2, message)


def test_show_prints_what_is_shown(plate):
    polystore("create", ".", "--pattern", "{well}_s{site:d}.tif", "--axis", "z=2", cwd=plate)
    assert polystore("show", ".", cwd=plate).stdout == (
        "workspace/A01/s001_z000.tif -> raw/A01_s1.tif [0]\n"
        "workspace/A01/s001_z001.tif -> raw/A01_s1.tif [1]\n"
    )


def test_migrate_takes_over_a_foreign_file(plate):
    entry = {"workspace_mapping": {"A01.tif": "raw/A01_s1.tif"}}
    (plate / "other.json").write_text(json.dumps({"subdirectories": {".": entry}}))
    done = polystore("migrate", "other.json", cwd=plate)
    assert (done.returncode, done.stdout) == (0, f".: 1 virtual files, kept in {METADATA_NAME}\n")


@pytest.mark.parametrize("axis", ["z", "=3", "z="])
def test_an_axis_without_values_is_explained(plate, axis):
    done = polystore("create", ".", "--pattern", "{well}_s{site:d}.tif", "--axis", axis, cwd=plate)
    assert done.returncode
    assert "--axis takes AXIS=VALUES such as z=30, z=1-30 or channel=DAPI,GFP" in done.stderr


def test_what_goes_wrong_is_told_in_one_line(plate):
    done = polystore("create", ".", "--pattern", "{well}.tif", cwd=plate)
    assert done.returncode
    assert len(done.stderr.splitlines()) == 1
