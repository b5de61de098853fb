"""Making workspaces from the names of files."""

import json
from pathlib import Path

import numpy as np
import pytest
from workspace_plates import WORKSPACE, save, stack

from polystore_core import (
    AccessDenied,
    BackendRegistry,
    FileManager,
    InvalidOption,
    InvalidPath,
    PathExists,
    PathNotFound,
    PathPattern,
)
from polystore_workspace import METADATA_NAME, Target, create_workspace, read_mapping, write_mapping

PATTERN = "{well}_s{site:d}_w{channel:d}.tif"


def touch(plate: Path, *names: str) -> None:
    for name in names:
        (plate / name).parent.mkdir(parents=True, exist_ok=True)
        (plate / name).touch()


def virtual(plate: Path) -> list[str]:
    return list(read_mapping(plate))


def test_without_a_wish_there_is_a_directory_per_well(tmp_path):
    touch(tmp_path, "raw/A01_s1_w1.tif", "raw/A01_s2_w1.tif", "raw/B02_s10_w2.tif")
    made = create_workspace(tmp_path, pattern=PATTERN)
    assert made == (f"{tmp_path}/workspace", 3, f"{tmp_path}/{METADATA_NAME}")
    assert read_mapping(tmp_path) == {
        "workspace/A01/s001_w1.tif": Target("raw/A01_s1_w1.tif"),
        "workspace/A01/s002_w1.tif": Target("raw/A01_s2_w1.tif"),
        "workspace/B02/s010_w2.tif": Target("raw/B02_s10_w2.tif"),
    }


@pytest.mark.parametrize(
    ("preset", "source", "shown"),
    [
        ("opera-phenix", "Images/r02c11f03p05-ch1sk1fk1fl1.tiff", "B11/s003_t001_w1_z005.tiff"),
        ("cellvoyager", "P_A01_T0001F002L01A01Z03C04.tif", "A01/s002_t001_w4_z003.tif"),
        ("imagexpress", "TimePoint_1/ZStep_2/P_A01_s1_w1.TIF", "A01/s001_t001_w1_z002.tif"),
        ("micro-manager", "img_channel001_position002_time000000003_z004.tif", "s002_t003_w1_z004.tif"),
        ("micro-manager-1.4", "Pos3/img_000000000_DAPI_000.tif", "s003_t000_wDAPI_z000.tif"),
    ],
)
def test_the_names_of_every_microscope_become_the_same(tmp_path, preset, source, shown):
    touch(tmp_path, source)
    create_workspace(tmp_path, pattern=preset, name=".")
    assert virtual(tmp_path) == [shown]


def test_axes_that_only_some_files_have_are_optional(tmp_path):
    touch(tmp_path, "A01_s1.tif", "A01_s1_w2.tif")
    create_workspace(tmp_path, pattern="{well}_s{site:d}[_w{channel:d}].tif")
    assert virtual(tmp_path) == ["workspace/A01/s001.tif", "workspace/A01/s001_w2.tif"]


def test_several_plates_in_one_folder_are_kept_apart(tmp_path):
    touch(tmp_path, "P1_A01.tif", "P2_A01.tif")
    create_workspace(tmp_path, pattern="{plate}_{well}.tif")
    assert virtual(tmp_path) == ["workspace/P1/A01.tif", "workspace/P2/A01.tif"]


def test_the_virtual_names_are_the_users_to_choose(tmp_path):
    touch(tmp_path, "raw/r02c03f04-ch1.tif")
    create_workspace(
        tmp_path,
        pattern="r{row:02d}c{column:02d}f{field:02d}-ch{channel:d}.tif",
        to=PathPattern("{well}_s{site:03d}_w{channel:d}.tif"),
        name="by/site",
    )
    assert read_mapping(tmp_path) == {"by/site/B03_s004_w1.tif": Target("raw/r02c03f04-ch1.tif")}


def test_stacks_are_shown_plane_by_plane(tmp_path):
    pixels = np.arange(2 * 3 * 4 * 5, dtype="uint16").reshape(2, 3, 4, 5)
    save(tmp_path / "raw/A01.tif", pixels)
    create_workspace(tmp_path, pattern="{well}.tif", axes={"channel": ["DAPI", "GFP"], "z": range(1, 4)})
    assert read_mapping(tmp_path)["workspace/A01/wGFP_z003.tif"] == Target("raw/A01.tif", index=(1, 2))
    plane = FileManager().load(tmp_path / "workspace/A01/wGFP_z003.tif", backend=WORKSPACE)
    np.testing.assert_array_equal(plane, pixels[1, 2])


def test_a_length_counts_the_planes_from_zero(tmp_path):
    touch(tmp_path, "A01.tif")
    create_workspace(tmp_path, pattern="{well}.tif", axes={"slice": 2})
    assert list(read_mapping(tmp_path).values()) == [
        Target("A01.tif", index=(0,)),
        Target("A01.tif", index=(1,)),
    ]


def test_only_images_in_the_source_are_looked_at(tmp_path):
    touch(tmp_path, "raw/A01_s1_w1.tif", "raw/plate.HTD", "out/A01_s1_w1.tif", "notes.json")
    create_workspace(tmp_path, pattern=PATTERN, source="raw")
    assert read_mapping(tmp_path) == {"workspace/A01/s001_w1.tif": Target("raw/A01_s1_w1.tif")}


def test_an_absolute_source_below_the_plate_becomes_relative(tmp_path):
    touch(tmp_path, "raw/A01_s1_w1.tif")
    create_workspace(tmp_path, pattern=PATTERN, source=str(tmp_path / "raw"))
    assert read_mapping(tmp_path)["workspace/A01/s001_w1.tif"].address == "raw/A01_s1_w1.tif"


def test_another_backend_can_hold_the_source(tmp_path):
    registry = BackendRegistry()
    fm = FileManager(registry)
    fm.save(stack(), tmp_path / "A01_s1_w1.tif", backend="memory")
    create_workspace(tmp_path, pattern=PATTERN, backend="memory", registry=registry)
    np.testing.assert_array_equal(fm.load(tmp_path / "workspace/A01/s001_w1.tif", backend=WORKSPACE), stack())


def test_names_that_do_not_fit_are_listed(tmp_path):
    touch(tmp_path, "A01_s1_w1.tif", *(f"thumb{number}.tif" for number in range(7)))
    with pytest.raises(InvalidPath) as caught:
        create_workspace(tmp_path, pattern=PATTERN)
    assert str(caught.value) == (
        f"7 of 8 images do not fit the pattern '{PATTERN}': 'thumb0.tif', 'thumb1.tif', 'thumb2.tif', "
        "'thumb3.tif', 'thumb4.tif' and 2 more; a name that fits is 'A01_s1_w1.tif'; leave them out with "
        "skip_unmatched=True"
    )
    assert create_workspace(tmp_path, pattern=PATTERN, skip_unmatched=True).files == 1


def test_a_pattern_that_nothing_fits_is_refused(tmp_path):
    touch(tmp_path, "a.tif")
    with pytest.raises(InvalidPath, match="1 of 1 images do not fit"):
        create_workspace(tmp_path, pattern=PATTERN, skip_unmatched=True)


def test_a_directory_without_images_is_refused(tmp_path):
    touch(tmp_path, "plate.HTD")
    with pytest.raises(PathNotFound, match=r"no images in .*: none of 1 files ends with \.tif, "):
        create_workspace(tmp_path, pattern=PATTERN)


def test_a_plate_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PathNotFound, match=r"^cannot list 'plaet': there is no such file or directory$"):
        create_workspace("plaet", pattern=PATTERN)


def test_two_sources_for_one_name_are_refused(tmp_path):
    touch(tmp_path, "raw/A01_s1_w1.tif", "raw/A01_s1_w2.tif")
    with pytest.raises(InvalidPath) as caught:
        create_workspace(tmp_path, pattern=PATTERN, to="{well}_s{site:d}.tif")
    assert str(caught.value) == (
        "'raw/A01_s1_w1.tif' and 'raw/A01_s1_w2.tif' would both be 'A01_s1.tif'; give to= with a field that "
        "tells them apart, or source= with a directory that holds only one of them"
    )
    assert not (tmp_path / METADATA_NAME).exists()


def test_a_coordinate_that_nothing_gives_is_refused(tmp_path):
    touch(tmp_path, "A01_s1_w1.tif")
    with pytest.raises(InvalidOption, match="needs z too"):
        create_workspace(tmp_path, pattern=PATTERN, to="{well}_z{z:d}.tif")


@pytest.mark.parametrize("axes", [{"site": 3}, {"z": 0}, {"z": "123"}, {"z": 1, "slice": 2}])
def test_axes_that_make_no_sense_are_refused(tmp_path, axes):
    touch(tmp_path, "A01_s1_w1.tif")
    with pytest.raises(InvalidOption):
        create_workspace(tmp_path, pattern=PATTERN, axes=axes)


def test_different_suffixes_need_a_pattern(tmp_path):
    touch(tmp_path, "A01.tif", "A02.png")
    with pytest.raises(InvalidOption, match=r"the images end with \.png, \.tif; say how all shall be named"):
        create_workspace(tmp_path, pattern="{well}.{_ext=tif}")


def test_a_workspace_is_replaced_only_on_request(tmp_path):
    touch(tmp_path, "A01_s1_w1.tif", "A02_s1_w1.tif")
    create_workspace(tmp_path, pattern=PATTERN)
    with pytest.raises(PathExists) as caught:
        create_workspace(tmp_path, pattern=PATTERN, to="{well}.tif")
    assert str(caught.value) == (
        f"plate '{tmp_path}' has a workspace 'workspace' already; pass overwrite=True to replace it, "
        "or choose another name"
    )
    create_workspace(tmp_path, pattern=PATTERN, to="{well}.tif", overwrite=True)
    assert virtual(tmp_path) == ["workspace/A01.tif", "workspace/A02.tif"]


def test_other_metadata_and_workspaces_stay(tmp_path):
    (tmp_path / METADATA_NAME).write_text('{"plate": "P1", "subdirectories": {"workspace": {"owner": "me"}}}')
    touch(tmp_path, "A01_s1_w1.tif")
    create_workspace(tmp_path, pattern=PATTERN)
    create_workspace(tmp_path, pattern=PATTERN, name="second")
    document = json.loads((tmp_path / METADATA_NAME).read_text())
    assert document["plate"] == "P1"
    assert document["subdirectories"]["workspace"]["owner"] == "me"
    assert virtual(tmp_path) == ["workspace/A01/s001_w1.tif", "second/A01/s001_w1.tif"]


def test_the_metadata_file_may_have_another_name(tmp_path):
    save(tmp_path / "A01_s1_w1.tif", stack())
    create_workspace(tmp_path, pattern=PATTERN, metadata="names.json")
    fm = FileManager(BackendRegistry({WORKSPACE: {"metadata": "names.json"}}))
    assert fm.load(tmp_path / "workspace/A01/s001_w1.tif", backend=WORKSPACE).shape == (3, 4, 5)
    assert not FileManager().exists(tmp_path / "workspace/A01/s001_w1.tif", backend=WORKSPACE)


def test_a_source_outside_the_plate_must_be_allowed_by_both_sides(tmp_path):
    archive, plate = tmp_path / "archive", tmp_path / "plate"
    save(archive / "A01_s1_w1.tif", stack())
    plate.mkdir()
    with pytest.raises(AccessDenied, match="which is not below the plate"):
        create_workspace(plate, pattern=PATTERN, source=str(archive))
    create_workspace(plate, pattern=PATTERN, source=str(archive), allow_outside=True)
    path = plate / "workspace/A01/s001_w1.tif"
    with pytest.raises(AccessDenied, match="allow_outside=True when the workspace is made"):
        FileManager().load(path, backend=WORKSPACE)
    trusting = FileManager(BackendRegistry({WORKSPACE: {"allow_outside": True}}))
    np.testing.assert_array_equal(trusting.load(path, backend=WORKSPACE), stack())


@pytest.mark.parametrize("path", ["/abs.tif", "../up.tif", "."])
def test_a_virtual_path_lies_below_its_workspace(tmp_path, path):
    with pytest.raises(InvalidPath, match="is no virtual path"):
        write_mapping(tmp_path, {path: Target("a.tif")})


def test_names_are_kept_compactly(tmp_path):
    mapping = {f"A01/s1_z{z:03d}.tif": Target("raw/A01_s1.tif", index=(z,)) for z in range(1000)}
    write_mapping(tmp_path, mapping)
    assert (tmp_path / METADATA_NAME).stat().st_size < 60 * len(mapping)
