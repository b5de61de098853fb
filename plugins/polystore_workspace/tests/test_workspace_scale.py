"""A plate of twenty thousand planes."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from workspace_plates import WORKSPACE, save, stack, watched

from polystore_core import BackendRegistry, FileManager
from polystore_workspace import Target, write_mapping


def plane(well: int, z: int) -> str:
    return f"{'ABCDEFGH'[well // 12]}{well % 12 + 1:02d}/z{z:03d}.tif"


def mapping(planes_per_well: int) -> dict[str, Target]:
    return {
        plane(well, z): Target(f"raw/{well}.tif", index=(z,))
        for well in range(96)
        for z in range(planes_per_well)
    }


def calls(action: Callable[[], object]) -> int:
    """Count the functions that are called."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plate")
    save(folder / "raw/0.tif", stack(30))
    write_mapping(folder, mapping(209) | {"few/a.tif": Target("raw/0.tif"), "few/b.tif": Target("raw/0.tif")})
    write_mapping(folder / "small", {"few/a.tif": Target("0.tif"), "few/b.tif": Target("0.tif")})
    return folder


def test_every_plane_is_there(plate):
    fm = FileManager(BackendRegistry({WORKSPACE: {"plate": plate}}))
    assert len(fm.list_files("workspace", backend=WORKSPACE, recursive=True)) == 96 * 209 + 2
    assert len(fm.list_files("workspace/H12", backend=WORKSPACE)) == 209


def test_a_folder_costs_the_same_in_a_small_and_in_a_large_plate(plate):
    costs = []
    for folder in (plate, plate / "small"):
        fm = FileManager(BackendRegistry({WORKSPACE: {"plate": folder}}))
        fm.list_files("workspace/few", backend=WORKSPACE)
        costs.append(calls(lambda fm=fm: fm.list_files("workspace/few", backend=WORKSPACE)))
    assert costs[0] == costs[1]


def test_thirty_planes_of_it_are_one_read(plate):
    fm, watcher = watched()
    paths = [plate / "workspace" / plane(0, z) for z in range(30)]
    np.testing.assert_array_equal(fm.load_batch(paths, backend=WORKSPACE), stack(30))
    assert watcher.of("disk") == {"0.tif": 1}
