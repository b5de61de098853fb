"""Loading what virtual files show."""

import threading
from pathlib import Path

import numpy as np
import pytest
from workspace_plates import WORKSPACE, save, stack, watched

from polystore_core import (
    BackendRegistry,
    BatchError,
    CorruptData,
    FileManager,
    InvalidOption,
    IsADirectory,
    PathNotFound,
    UnknownBackend,
    UnsupportedOperation,
)
from polystore_workspace import Target, write_mapping


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    """A plate with a stack of 30 planes, shown plane by plane and as a whole."""
    save(tmp_path / "raw/A01.tif", stack(30))
    save(tmp_path / "raw/settings.json", {"exposure": [10, 20]})
    planes = {f"A01/z{z:03d}.tif": Target("raw/A01.tif", index=(z,)) for z in range(30)}
    whole = {"A01.tif": Target("raw/A01.tif"), "settings.json": Target("raw/settings.json")}
    write_mapping(tmp_path, planes | whole)
    return tmp_path


@pytest.fixture
def fm() -> FileManager:
    return FileManager()


def test_a_virtual_file_loads_what_it_shows(plate, fm):
    np.testing.assert_array_equal(fm.load(plate / "workspace/A01.tif", backend=WORKSPACE), stack(30))
    assert fm.load(plate / "workspace/settings.json", backend=WORKSPACE) == {"exposure": [10, 20]}


def test_an_index_takes_one_plane(plate, fm):
    np.testing.assert_array_equal(fm.load(plate / "workspace/A01/z007.tif", backend=WORKSPACE), stack(30)[7])


def test_no_set_up_is_needed_for_a_relative_path(plate, fm, monkeypatch):
    monkeypatch.chdir(plate.parent)
    plane = fm.load(f"{plate.name}/workspace/A01/z001.tif", backend=WORKSPACE)
    np.testing.assert_array_equal(plane, stack(30)[1])
    monkeypatch.chdir(plate)
    np.testing.assert_array_equal(fm.load("workspace/A01/z001.tif", backend=WORKSPACE), plane)


def test_a_configured_plate_is_what_paths_are_relative_to(plate):
    fm = FileManager(BackendRegistry({WORKSPACE: {"plate": plate}}))
    plane = fm.load("workspace/A01/z001.tif", backend=WORKSPACE)
    np.testing.assert_array_equal(plane, stack(30)[1])
    np.testing.assert_array_equal(fm.load(plate / "workspace/A01/z001.tif", backend=WORKSPACE), plane)


def test_thirty_planes_of_one_stack_are_read_with_one_open(plate):
    fm, watcher = watched()
    paths = [plate / f"workspace/A01/z{z:03d}.tif" for z in reversed(range(30))]
    planes = fm.load_batch(paths, backend=WORKSPACE)
    np.testing.assert_array_equal(planes, stack(30)[::-1])
    assert watcher.of("disk") == {"A01.tif": 1}


def test_each_stack_of_a_batch_is_read_once_in_the_order_that_was_asked_for(tmp_path):
    for well in range(6):
        save(tmp_path / f"{well}.npy", stack(4, value=100 * well))
    mapping = {f"z{z}/{well}.npy": Target(f"{well}.npy", index=(z,)) for z in range(4) for well in range(6)}
    write_mapping(tmp_path, mapping, name="by_plane")
    fm, watcher = watched()
    planes = fm.load_batch([tmp_path / "by_plane" / path for path in mapping], backend=WORKSPACE, workers=4)
    assert [int(plane[0, 0]) for plane in planes] == [
        100 * well + 20 * z for z in range(4) for well in range(6)
    ]
    assert watcher.of("disk") == {f"{well}.npy": 1 for well in range(6)}


def test_planes_of_one_stack_share_no_memory_that_can_be_written_to(plate, fm):
    paths = [plate / f"workspace/A01/z{z:03d}.tif" for z in (0, 1, 1)]
    first, second, again = fm.load_batch(paths, backend=WORKSPACE)
    assert first.flags.writeable
    assert first.flags.c_contiguous
    assert not np.shares_memory(second, again)
    second[:] = 0
    assert again.any()
    for plane in fm.load_batch(paths, backend=WORKSPACE, copy=False):
        assert not plane.flags.writeable


def test_a_value_that_is_shown_twice_is_two_values(plate, fm):
    for name in ("settings.json", "A01.tif"):
        first, second = fm.load_batch([plate / "workspace" / name] * 2, backend=WORKSPACE)
        assert first is not second
    assert not np.shares_memory(first, second)


def test_without_a_copy_planes_of_a_mapped_file_are_views_of_it(tmp_path, fm):
    save(tmp_path / "stack.npy", stack(3))
    write_mapping(tmp_path, {f"{z}.npy": Target("stack.npy", index=(z,)) for z in range(3)})
    paths = [tmp_path / f"workspace/{z}.npy" for z in range(3)]
    first, second, _ = fm.load_batch(paths, backend=WORKSPACE, copy=False)
    assert first.base is not None
    assert second.ctypes.data - first.ctypes.data == first.nbytes


def test_an_index_may_take_every_axis(tmp_path, fm):
    save(tmp_path / "a.npy", np.array([[1, 2], [3, 4]], "int16"))
    write_mapping(tmp_path, {"value.npy": Target("a.npy", index=(1, 0))})
    value = fm.load(tmp_path / "workspace/value.npy", backend=WORKSPACE)
    assert isinstance(value, np.ndarray)
    assert (value.shape, value.dtype, int(value)) == ((), np.dtype("int16"), 3)


def test_memory_and_every_other_backend_of_the_registry_can_be_shown(tmp_path, fm):
    fm.save(stack(2), tmp_path / "stack.npy", backend="memory")
    write_mapping(tmp_path, {"z1.npy": Target("stack.npy", "memory", (1,))})
    np.testing.assert_array_equal(fm.load(tmp_path / "workspace/z1.npy", backend=WORKSPACE), stack(2)[1])


def test_the_configuration_of_a_target_backend_holds(plate):
    fm = FileManager(BackendRegistry({"disk": {"root": plate / "elsewhere"}}))
    with pytest.raises(PermissionError, match="leads out of the root"):
        fm.load(plate / "workspace/A01/z001.tif", backend=WORKSPACE)


def test_options_go_to_the_target(plate, fm):
    plane = fm.load(plate / "workspace/A01.tif", backend=WORKSPACE, page=4)
    np.testing.assert_array_equal(plane, stack(30)[4])
    with pytest.raises(InvalidOption, match="has no option 'pgae'"):
        fm.load(plate / "workspace/A01.tif", backend=WORKSPACE, pgae=4)


def test_a_path_that_no_workspace_shows_is_not_found(plate, fm):
    with pytest.raises(PathNotFound) as caught:
        fm.load(plate / "workspace/B01.tif", backend=WORKSPACE)
    assert str(caught.value) == (
        f"no '{plate}/workspace/B01.tif' among the 32 virtual files of plate '{plate}'; "
        f"list them: polystore ls '{plate}' -b virtual_workspace --recursive"
    )


def test_a_file_below_a_file_is_not_found(plate, fm):
    with pytest.raises(PathNotFound):
        fm.load(plate / "workspace/A01.tif/z1.tif", backend=WORKSPACE)


def test_a_path_without_any_workspace_says_how_to_make_one(tmp_path, fm):
    with pytest.raises(PathNotFound) as caught:
        fm.load(tmp_path / "A01.tif", backend=WORKSPACE)
    assert str(caught.value) == (
        f"no workspace shows '{tmp_path}/A01.tif': no directory on that path has a 'polystore_metadata.json' "
        "with one; make one: polystore workspace create PLATE --pattern ..."
    )
    configured = FileManager(BackendRegistry({WORKSPACE: {"plate": tmp_path}}))
    with pytest.raises(
        PathNotFound, match=f"plate '{tmp_path}' has no workspace: there is no 'polystore_meta"
    ):
        configured.load("A01.tif", backend=WORKSPACE)


def test_a_virtual_directory_cannot_be_loaded(plate, fm):
    with pytest.raises(IsADirectory, match="is a virtual directory; name a file in it, or list it"):
        fm.load(plate / "workspace/A01", backend=WORKSPACE)


def test_a_missing_target_is_named_together_with_the_virtual_path(plate, fm):
    (plate / "raw/A01.tif").unlink()
    with pytest.raises(PathNotFound) as caught:
        fm.load(plate / "workspace/A01/z003.tif", backend=WORKSPACE)
    assert str(caught.value) == (
        f"'{plate}/workspace/A01/z003.tif' shows '{plate}/raw/A01.tif' of backend 'disk': "
        f"cannot read '{plate}/raw/A01.tif': there is no such file or directory"
    )
    assert caught.value.path == caught.value.filename == f"{plate}/workspace/A01/z003.tif"
    assert (caught.value.backend, caught.value.operation) == (WORKSPACE, "read")


def test_a_damaged_target_is_corrupt_data_that_names_both(plate, fm):
    (plate / "raw/A01.tif").write_bytes(b"II*\0 nothing")
    with pytest.raises(CorruptData, match=r"workspace/A01\.tif' shows .*raw/A01\.tif' of backend 'disk': "):
        fm.load(plate / "workspace/A01.tif", backend=WORKSPACE)


@pytest.mark.parametrize("index", [(30,), (0, 4), (0, 0, 0, 0)])
def test_an_index_out_of_range_tells_the_shape(plate, fm, index):
    write_mapping(plate, {"z.tif": Target("raw/A01.tif", index=index)}, name="wrong")
    with pytest.raises(CorruptData) as caught:
        fm.load(plate / "wrong/z.tif", backend=WORKSPACE)
    assert str(caught.value).endswith(
        f"the workspace shows part {list(index)} of it, but the array has shape (30, 4, 5)"
    )


def test_only_arrays_have_parts(plate, fm):
    write_mapping(plate, {"part.json": Target("raw/settings.json", index=(0,))}, name="wrong")
    with pytest.raises(CorruptData, match=r"shows part \[0\] of it, but it is a dict, no array"):
        fm.load(plate / "wrong/part.json", backend=WORKSPACE)


def test_an_unknown_target_backend_is_an_error_that_lists_the_known(plate, fm):
    write_mapping(plate, {"a.tif": Target("raw/A01.tif", "dsik")}, name="wrong")
    with pytest.raises(UnknownBackend, match=r"no backend 'dsik'; installed: .*Did you mean 'disk'\?"):
        fm.load(plate / "wrong/a.tif", backend=WORKSPACE)


def test_a_batch_reports_path_by_path(plate, fm):
    names = ["A01/z000.tif", "missing.tif", "A01/z001.tif", "gone.tif"]
    write_mapping(plate, {"gone.tif": Target("raw/gone.tif")}, name="more")
    paths = [f"{plate}/workspace/{name}" for name in names[:3]] + [f"{plate}/more/gone.tif"]
    with pytest.raises(BatchError) as caught:
        fm.load_batch(paths, backend=WORKSPACE)
    assert caught.value.done == (paths[0], paths[2])
    assert list(caught.value.failed) == [paths[1], paths[3]]
    assert all(isinstance(error, PathNotFound) for error in caught.value.failed.values())


def test_every_plane_of_a_stack_that_fails_has_an_error_of_its_own(plate, fm):
    (plate / "raw/A01.tif").unlink()
    paths = [f"{plate}/workspace/A01/z{z:03d}.tif" for z in range(3)]
    with pytest.raises(BatchError) as caught:
        fm.load_batch(paths, backend=WORKSPACE)
    assert [error.path for error in caught.value.failed.values()] == paths


def test_progress_counts_paths_not_stacks(plate, fm):
    seen = []
    paths = [plate / f"workspace/A01/z{z:03d}.tif" for z in range(5)] + [plate / "workspace/settings.json"]
    fm.load_batch(
        paths, backend=WORKSPACE, workers=1, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(5, 6), (6, 6)]


def test_a_cancelled_batch_starts_nothing(plate, fm):
    cancel = threading.Event()
    cancel.set()
    paths = [f"{plate}/workspace/A01/z{z:03d}.tif" for z in range(3)]
    with pytest.raises(BatchError) as caught:
        fm.load_batch(paths, backend=WORKSPACE, cancel=cancel)
    assert caught.value.not_started == tuple(paths)


def test_nothing_can_be_changed(plate, fm):
    for change in (
        lambda: fm.save(stack(), plate / "workspace/A02.tif", backend=WORKSPACE),
        lambda: fm.delete(plate / "workspace/A01.tif", backend=WORKSPACE),
        lambda: fm.ensure_directory(plate / "workspace/A02", backend=WORKSPACE),
    ):
        with pytest.raises(UnsupportedOperation, match="it can: read, list, stat"):
            change()


def test_virtual_files_are_copied_out_as_files_of_their_own(plate, fm):
    fm.copy(plate / "workspace/A01", plate / "out", backend=WORKSPACE, target_backend="disk")
    np.testing.assert_array_equal(fm.load(plate / "out/z029.tif", backend="disk"), stack(30)[29])
