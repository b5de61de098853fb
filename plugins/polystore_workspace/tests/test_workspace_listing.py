"""Listing and describing virtual files and directories."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace_plates import WORKSPACE, save, stack

from polystore_core import (
    AccessDenied,
    BackendRegistry,
    FileManager,
    InvalidPath,
    NotADirectory,
    PathNotFound,
)
from polystore_workspace import Target, write_mapping
from polystore_workspace._index import build_index

FILES = ("A01/s1_z10.tif", "A01/s1_z2.tif", "A01/deep/x.npy", "B02/s1_z1.tif", "overview.png")


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    save(tmp_path / "raw/a.tif", stack())
    write_mapping(tmp_path, {name: Target("raw/a.tif", index=(1,)) for name in FILES}, name="ws")
    return tmp_path


@pytest.fixture
def fm(plate) -> FileManager:
    return FileManager(BackendRegistry({WORKSPACE: {"plate": plate}}))


def test_a_directory_lists_its_own_files_in_natural_order(fm):
    assert fm.list_files("ws/A01", backend=WORKSPACE) == ["ws/A01/s1_z2.tif", "ws/A01/s1_z10.tif"]
    assert fm.list_dir("ws", backend=WORKSPACE) == ["ws/A01", "ws/B02", "ws/overview.png"]


def test_recursive_listing_starts_anywhere(fm):
    assert fm.list_files("ws", backend=WORKSPACE, recursive=True) == [
        "ws/A01/deep/x.npy",
        "ws/A01/s1_z2.tif",
        "ws/A01/s1_z10.tif",
        "ws/B02/s1_z1.tif",
        "ws/overview.png",
    ]
    assert fm.list_files("ws/A01", backend=WORKSPACE, recursive=True)[0] == "ws/A01/deep/x.npy"
    assert len(fm.list_files(".", backend=WORKSPACE, recursive=True)) == len(FILES)


def test_patterns_and_extensions_select(fm):
    assert fm.list_files("ws", backend=WORKSPACE, recursive=True, extensions=[".npy"]) == [
        "ws/A01/deep/x.npy"
    ]


def test_listings_start_with_the_directory_as_it_was_given(plate):
    fm = FileManager()
    assert fm.list_files(f"{plate}/ws/B02/", backend=WORKSPACE) == [f"{plate}/ws/B02/s1_z1.tif"]
    assert fm.list_dir(plate, backend=WORKSPACE) == [f"{plate}/ws"]


def test_real_files_of_the_plate_are_not_listed(fm):
    assert not fm.exists("raw", backend=WORKSPACE)
    with pytest.raises(PathNotFound):
        fm.list_files("raw", backend=WORKSPACE)


def test_a_missing_directory_and_a_file_cannot_be_listed(fm):
    with pytest.raises(PathNotFound):
        fm.list_files("ws/C03", backend=WORKSPACE)
    with pytest.raises(
        NotADirectory, match=r"'ws/overview\.png' is a virtual file, not a directory; load it"
    ):
        fm.list_files("ws/overview.png", backend=WORKSPACE)


def test_files_and_directories_are_told_apart(fm):
    assert fm.is_dir("ws/A01", backend=WORKSPACE)
    assert fm.is_dir(".", backend=WORKSPACE)
    assert fm.is_file("ws/overview.png", backend=WORKSPACE)
    assert not fm.exists("ws/overview.png/x", backend=WORKSPACE)
    assert not fm.exists("ws/A0", backend=WORKSPACE)


def test_stat_tells_the_size_of_what_is_shown_as_a_whole(plate, fm):
    write_mapping(plate, {"whole.tif": Target("raw/a.tif")}, name="whole")
    real = fm.stat(plate / "raw/a.tif", backend="disk")
    shown = fm.stat("whole/whole.tif", backend=WORKSPACE)
    assert (shown.path, shown.size, shown.modified) == ("whole/whole.tif", real.size, real.modified)
    plane = fm.stat("ws/overview.png", backend=WORKSPACE)
    assert (plane.is_directory, plane.size, plane.modified) == (False, None, real.modified)


def test_what_shows_nothing_does_not_exist_but_is_listed(plate, fm):
    (plate / "raw/a.tif").unlink()
    assert not fm.exists("ws/overview.png", backend=WORKSPACE)
    assert fm.list_files("ws", backend=WORKSPACE) == ["ws/overview.png"]
    with pytest.raises(PathNotFound, match=r"'ws/overview.png' shows '.*/raw/a.tif' of backend 'disk'"):
        fm.stat("ws/overview.png", backend=WORKSPACE)


def test_a_configured_plate_is_not_left(plate, fm):
    with pytest.raises(AccessDenied, match="leads out of the root"):
        fm.load("../other/ws/a.tif", backend=WORKSPACE)
    with pytest.raises(InvalidPath, match="is not below the plate"):
        fm.load(plate.parent / "other/ws/a.tif", backend=WORKSPACE)


def test_the_nearest_plate_with_a_workspace_answers(plate):
    inner = plate / "ws/A01"
    save(inner / "own.npy", stack())
    write_mapping(inner, {"shown.npy": Target("own.npy")}, name="inner")
    fm = FileManager()
    assert fm.list_files(inner, backend=WORKSPACE, recursive=True) == [f"{inner}/inner/shown.npy"]
    assert fm.is_dir(plate / "ws/B02", backend=WORKSPACE)


names = st.text("ab", min_size=1, max_size=2)
paths = st.lists(names, min_size=1, max_size=4).map(lambda parts: "/".join([*parts, "f.tif"]))


@given(st.sets(paths))
def test_a_recursive_listing_is_every_path_and_every_parent(files):
    tree = build_index(((path, path) for path in files), modified=0, file="m.json")
    listing = tree.listing("", recursive=True)
    parents = {
        "/".join(parts[:end]) for path in files if (parts := path.split("/")) for end in range(1, len(parts))
    }
    assert sorted(listing.files) == sorted(files)
    assert sorted(listing.directories) == sorted(parents)


@given(st.sets(paths), names)
def test_a_listing_is_what_lies_in_one_directory(files, directory):
    tree = build_index(((path, path) for path in files), modified=0, file="m.json")
    inside = [path.removeprefix(f"{directory}/") for path in files if path.startswith(f"{directory}/")]
    if inside:
        listing = tree.listing(directory, recursive=False)
        assert sorted(listing.files) == sorted(path for path in inside if "/" not in path)
        assert sorted(listing.directories) == sorted({path.split("/")[0] for path in inside if "/" in path})
    else:
        assert directory not in tree.directories
