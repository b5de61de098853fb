"""What the metadata file may hold: versions, damage, malice, and mappings of another program."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace_plates import WORKSPACE, save, stack

from polystore_core import (
    AccessDenied,
    BackendRegistry,
    CorruptData,
    FileManager,
    InvalidOption,
    PathExists,
    PathNotFound,
)
from polystore_core.files import AtomicMetadataWriter
from polystore_workspace import METADATA_NAME, Target, migrate_workspaces, read_mapping, write_mapping
from polystore_workspace._target import decode_target, encode_target


def hand_written(plate: Path, mapping: object, name: str = METADATA_NAME) -> Path:
    file = plate / name
    file.write_text(json.dumps({"subdirectories": {".": {"workspace_mapping": mapping}}}))
    return file


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    save(tmp_path / "plate/raw/a.npy", stack())
    return tmp_path / "plate"


@pytest.fixture
def fm() -> FileManager:
    return FileManager()


def test_a_changed_mapping_is_seen_at_once(plate, fm):
    write_mapping(plate, {"a.npy": Target("raw/a.npy", index=(0,))})
    assert fm.load(plate / "workspace/a.npy", backend=WORKSPACE)[0, 0] == 0
    write_mapping(plate, {"a.npy": Target("raw/a.npy", index=(1,))}, overwrite=True)
    assert fm.load(plate / "workspace/a.npy", backend=WORKSPACE)[0, 0] == 20
    (plate / METADATA_NAME).unlink()
    assert not fm.exists(plate / "workspace/a.npy", backend=WORKSPACE)


def test_metadata_that_others_merge_does_not_disturb(plate, fm):
    write_mapping(plate, {"a.npy": Target("raw/a.npy")})
    AtomicMetadataWriter().merge_subdirectory_metadata(plate / METADATA_NAME, {"A01": {"done": True}})
    assert fm.is_file(plate / "workspace/a.npy", backend=WORKSPACE)


@pytest.mark.parametrize(
    "content",
    [
        '{"subdirectories": {".": {"workspace_mapping": {"a.npy": "raw/a.n',
        '{"subdirectories": []}',
        '{"subdirectories": {".": 3}}',
        '{"subdirectories": {".": {"workspace_mapping": ["a.npy"]}}}',
        '{"subdirectories": {".": {"workspace_mapping": {"../a.npy": "raw/a.npy"}}}}',
        '{"subdirectories": {".": {"workspace_mapping": {"a": "raw/a.npy", "a/b": "raw/a.npy"}}}}',
        '{"subdirectories": {"x": {"workspace_mapping": {"a": "1"}}, "": {"workspace_mapping": {"a": "2"}}}}',
        '{"subdirectories": {"x": {"workspace_mapping": {"a": "1", "./a": "2"}}}}',
        "[]",
        "",
    ],
)
def test_damaged_metadata_is_corrupt_data_for_every_operation_and_stays(plate, fm, content):
    file = plate / METADATA_NAME
    file.write_text(content)
    for operation in (fm.load, fm.exists, fm.list_files):
        with pytest.raises(CorruptData, match=METADATA_NAME):
            operation(plate / "a.npy", backend=WORKSPACE)
    with pytest.raises(CorruptData, match=METADATA_NAME):
        write_mapping(plate, {"b.npy": Target("raw/a.npy")})
    assert file.read_text() == content


@pytest.mark.parametrize(
    "target",
    [
        3,
        None,
        "",
        [],
        ["raw/a.npy", -1],
        ["raw/a.npy", True],
        ["raw/a.npy", "0"],
        [0, "raw/a.npy"],
        {"address": "raw/a.npy", "colour": 1},
        {"backend": "disk"},
        {"backend": 1, "address": "raw/a.npy"},
        {"backend": "disk", "backend_address": "raw/a.npy", "source_axis_indices": None},
        "raw/a\0.npy",
    ],
)
def test_a_damaged_target_harms_only_its_own_path(plate, fm, target):
    hand_written(plate, {"bad.npy": target, "good.npy": "raw/a.npy"})
    with pytest.raises(CorruptData, match=rf"'bad.npy' in '.*{METADATA_NAME}': "):
        fm.load(plate / "bad.npy", backend=WORKSPACE)
    assert fm.load(plate / "good.npy", backend=WORKSPACE).shape == (3, 4, 5)


@pytest.mark.parametrize(
    "address",
    ["../secret.npy", "raw/../../secret.npy", "{outside}", "/../secret.npy", "..", "raw/../../plate2"],
)
def test_a_target_outside_the_plate_is_refused(plate, fm, address):
    save(plate.parent / "secret.npy", stack())
    hand_written(plate, {"a.npy": address.format(outside=plate.parent / "secret.npy")})
    with pytest.raises((AccessDenied, CorruptData)) as caught:
        fm.load(plate / "a.npy", backend=WORKSPACE)
    assert isinstance(caught.value, AccessDenied) or "leads above the root" in str(caught.value)
    with pytest.raises((AccessDenied, CorruptData)):
        fm.stat(plate / "a.npy", backend=WORKSPACE)


@pytest.mark.parametrize("link", ["link.npy", "linked/secret.npy"])
def test_a_link_does_not_lead_out_of_the_plate(plate, fm, link):
    save(plate.parent / "secrets/secret.npy", stack())
    (plate / "link.npy").symlink_to(plate.parent / "secrets/secret.npy")
    (plate / "linked").symlink_to(plate.parent / "secrets")
    hand_written(plate, {"a.npy": link})
    with pytest.raises(AccessDenied, match="which is not below the plate"):
        fm.load(plate / "a.npy", backend=WORKSPACE)


def test_links_within_the_plate_and_to_the_plate_are_followed(plate, fm):
    (plate / "link.npy").symlink_to("raw/a.npy")
    (plate.parent / "alias").symlink_to(plate)
    hand_written(plate, {"a.npy": "link.npy", "b.npy": f"{plate}/raw/a.npy"})
    for name in ("a.npy", "b.npy"):
        np.testing.assert_array_equal(fm.load(plate.parent / "alias" / name, backend=WORKSPACE), stack())


def test_a_workspace_can_show_another(plate, fm):
    write_mapping(plate, {"z.npy": Target("raw/a.npy", index=(1,))}, name="first")
    write_mapping(plate, {"row.npy": Target("first/z.npy", WORKSPACE, (2,))}, name="second")
    np.testing.assert_array_equal(fm.load(plate / "second/row.npy", backend=WORKSPACE), stack()[1, 2])


@pytest.mark.parametrize("circle", [{"a.npy": "a.npy"}, {"a.npy": "b.npy", "b.npy": "a.npy"}])
def test_workspaces_that_show_one_another_in_a_circle_are_refused(plate, fm, circle):
    hand_written(plate, {name: {"backend": WORKSPACE, "address": shown} for name, shown in circle.items()})
    for operation in (fm.load, fm.stat):
        with pytest.raises(CorruptData, match="the workspaces show one another in a circle"):
            operation(plate / "a.npy", backend=WORKSPACE)
    with pytest.raises(ExceptionGroup, match="in a circle"):
        fm.load_batch([plate / name for name in circle] * 2, backend=WORKSPACE)


def test_the_mapping_of_the_other_project_is_read_as_it_is(plate, fm):
    shown = {"backend": "DISK ", "backend_address": "raw\\a.npy", "source_axis_indices": [2]}
    hand_written(plate, {"TimePoint_1\\A01.npy": shown, "whole.npy": "raw/a.npy"})
    np.testing.assert_array_equal(fm.load(plate / "TimePoint_1/A01.npy", backend=WORKSPACE), stack()[2])
    assert fm.load(plate / "whole.npy", backend=WORKSPACE).shape == (3, 4, 5)


def test_entries_without_a_mapping_are_no_workspace(plate, fm):
    (plate / METADATA_NAME).write_text('{"subdirectories": {"A": {"workspace_mapping": null}, "B": {}}}')
    with pytest.raises(PathNotFound, match="no workspace shows"):
        fm.load(plate / "a.npy", backend=WORKSPACE)


def test_a_foreign_file_is_migrated_into_the_metadata_of_its_plate(plate, fm):
    shown = {"backend": "disk", "backend_address": "raw/a.npy", "source_axis_indices": [2]}
    old = hand_written(plate, {"sub/A01.npy": shown, "b.npy": "raw/a.npy"}, name="other_metadata.json")
    content = old.read_bytes()
    assert migrate_workspaces(old) == [(str(plate), 2, f"{plate}/{METADATA_NAME}")]
    assert old.read_bytes() == content
    entries = json.loads((plate / METADATA_NAME).read_text())["subdirectories"]
    assert entries == {".": {"workspace_mapping": {"sub/A01.npy": ["raw/a.npy", 2], "b.npy": "raw/a.npy"}}}
    np.testing.assert_array_equal(fm.load(plate / "sub/A01.npy", backend=WORKSPACE), stack()[2])
    with pytest.raises(PathExists):
        migrate_workspaces(old)


def test_a_file_is_migrated_in_place_with_all_else_it_holds(plate):
    shown = {"backend": "disk", "backend_address": "raw/a.npy", "source_axis_indices": []}
    entry = {"workspace_mapping": {"A01.npy": shown}, "grid": [1, 2]}
    (plate / METADATA_NAME).write_text(json.dumps({"subdirectories": {"one": entry}, "plate": "P1"}))
    migrate_workspaces(plate / METADATA_NAME)
    assert json.loads((plate / METADATA_NAME).read_text()) == {
        "subdirectories": {"one": {"workspace_mapping": {"A01.npy": "raw/a.npy"}, "grid": [1, 2]}},
        "plate": "P1",
    }


def test_a_file_without_mappings_is_not_migrated(plate):
    (plate / METADATA_NAME).write_text('{"subdirectories": {"A01": {"channels": 2}}}')
    with pytest.raises(InvalidOption, match="has no workspace_mapping in any of its subdirectories"):
        migrate_workspaces(plate / METADATA_NAME)


def test_a_migrated_target_outside_the_plate_is_refused(plate):
    old = hand_written(plate, {"a.npy": "/etc/a.npy"}, name="other.json")
    with pytest.raises(AccessDenied):
        migrate_workspaces(old)
    assert not (plate / METADATA_NAME).exists()


def test_metadata_of_another_plate_is_not_looked_at_when_one_is_configured(plate):
    hand_written(plate / "raw", {"b.npy": "a.npy"})
    hand_written(plate, {"raw/c.npy": "raw/a.npy"})
    fm = FileManager(BackendRegistry({WORKSPACE: {"plate": plate}}))
    assert fm.exists("raw/c.npy", backend=WORKSPACE)
    assert not fm.exists("raw/b.npy", backend=WORKSPACE)


addresses = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
    str.strip
)
targets = st.builds(
    Target, addresses, st.sampled_from(["disk", "zarr"]), st.lists(st.integers(0, 99)).map(tuple)
)


@given(targets)
def test_a_target_survives_being_written(target):
    assert decode_target(json.loads(json.dumps(encode_target(target)))) == target


def test_what_was_written_is_what_is_read(plate):
    mapping = {"a.npy": Target("raw/a.npy"), "b/c.npy": Target("x.zarr/0", "zarr", (1, 2))}
    write_mapping(plate, mapping, name=".")
    assert read_mapping(plate) == mapping


def test_metadata_that_is_cut_short_anywhere_is_never_taken_for_less(plate, fm):
    write_mapping(plate, {"a.npy": Target("raw/a.npy", index=(0,)), "b.npy": Target("raw/a.npy")})
    file = plate / METADATA_NAME
    content = file.read_bytes().rstrip()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(CorruptData, match="is damaged"):
            fm.list_files(plate / "workspace", backend=WORKSPACE)
        assert file.read_bytes() == content[:length]
