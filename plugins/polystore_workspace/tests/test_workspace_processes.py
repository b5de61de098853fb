"""Threads, forks, spawned workers, laziness."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from workspace_plates import WORKSPACE, save, stack

from polystore_core import BackendRegistry, FileManager
from polystore_workspace import Target, WorkspaceBackend, write_mapping


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    save(tmp_path / "raw/a.npy", stack(16))
    write_mapping(tmp_path, {f"z{z}.npy": Target("raw/a.npy", index=(z,)) for z in range(16)})
    return tmp_path


def corner(fm: FileManager, path: str) -> int:
    return int(fm.load(path, backend=WORKSPACE)[0, 0])


def test_many_threads_read_one_plate(plate):
    fm = FileManager()
    paths = [f"{plate}/workspace/z{z}.npy" for z in range(16)] * 8
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda path: corner(fm, path), paths))
    assert found == [20 * z for z in range(16)] * 8


def test_readers_see_one_mapping_or_the_other_while_it_is_replaced(plate):
    fm = FileManager()
    mappings = [{"a.npy": Target("raw/a.npy", index=(z,))} for z in (3, 4)]
    write_mapping(plate, mappings[0], name="changing")
    with ThreadPoolExecutor(5) as pool:
        readers = [
            pool.submit(lambda: {corner(fm, f"{plate}/changing/a.npy") for _ in range(60)}) for _ in range(4)
        ]
        for turn in range(20):
            write_mapping(plate, mappings[turn % 2], name="changing", overwrite=True)
        seen = set().union(*(reader.result() for reader in readers))
    assert seen <= {60, 80}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_file_manager_works_on_in_workers(plate, method):
    fm = FileManager(BackendRegistry({WORKSPACE: {"plate": str(plate)}}))
    assert corner(fm, "workspace/z1.npy") == 20
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
        assert list(pool.map(corner, [fm] * 4, [f"workspace/z{z}.npy" for z in range(4)])) == [0, 20, 40, 60]


def test_an_open_workspace_does_not_weigh_down_the_pickle(plate):
    registry = BackendRegistry()
    before = len(pickle.dumps(registry))
    corner(FileManager(registry), f"{plate}/workspace/z1.npy")
    assert len(pickle.dumps(registry)) == before


def test_it_can_be_registered_under_another_name(plate):
    registry = BackendRegistry({"names": {"plate": plate}})
    registry.register("names", WorkspaceBackend)
    np.testing.assert_array_equal(
        FileManager(registry).load("workspace/z2.npy", backend="names"), stack(16)[2]
    )


def test_what_the_registry_gives_is_not_configured():
    with pytest.raises(
        Exception, match="has no option 'open_backend'; options: plate, metadata, allow_outside"
    ):
        BackendRegistry({WORKSPACE: {"open_backend": 1}}).open(WORKSPACE)


def test_targets_are_opened_when_they_are_read_and_the_command_line_not_at_all(plate):
    code = f"""
import sys
from polystore_core import FileManager
fm = FileManager()
fm.list_files({str(plate / "workspace")!r}, backend={WORKSPACE!r})
print([name for name in ("click", "polystore_disk", "tifffile") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"
