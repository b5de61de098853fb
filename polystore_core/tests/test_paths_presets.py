"""How microscopes name their files."""

from __future__ import annotations

from typing import Any

import pytest

from polystore_core import InvalidOption
from polystore_core.paths import PRESETS, PathPattern

GUID = "46C9B2CD-0BB3-4B8A-9187-2805F4C90506"

REAL_NAMES: list[tuple[str, str, dict[str, Any]]] = [
    ("imagexpress", "A01_s2_w1_z003.tif", {"well": "A01", "site": 2, "channel": 1, "z": 3}),
    (
        "imagexpress",
        f"MIP-2P-2sub_C05_s1_w1{GUID}.tif",
        {"plate": "MIP-2P-2sub", "well": "C05", "site": 1, "channel": 1},
    ),
    (
        "imagexpress",
        f"2023-02-21/1334/TimePoint_4/ZStep_12/Projection-Mix_E07_s1_w2{GUID}.TIF",
        {"t": 4, "z": 12, "plate": "Projection-Mix", "well": "E07", "site": 1, "channel": 2},
    ),
    (
        "imagexpress",
        "TimePoint_1/val screen_B02_w3.TIF",
        {"t": 1, "plate": "val screen", "well": "B02", "channel": 3},
    ),
    (
        "opera-phenix",
        "Images/r01c11f04p01-ch1sk1fk1fl1.tiff",
        {"row": 1, "column": 11, "field": 4, "z": 1, "channel": 1, "t": 1},
    ),
    (
        "opera-phenix",
        "r02c09f005-ch2sk3fk1fl1.tif",
        {"row": 2, "column": 9, "field": 5, "channel": 2, "t": 3},
    ),
    (
        "cellvoyager",
        "AssayPlate_Greiner_#655090_C02_T0001F001L01A02Z03C04.tif",
        {"plate": "AssayPlate_Greiner_#655090", "well": "C02", "t": 1, "field": 1, "z": 3, "channel": 4},
    ),
    (
        "micro-manager",
        "Default/img_channel000_position003_time000000012_z001.tif",
        {"channel": 0, "position": 3, "t": 12, "z": 1},
    ),
    (
        "micro-manager-1.4",
        "Pos2/img_000000005_DAPI_001.tif",
        {"position": 2, "t": 5, "channel": "DAPI", "z": 1},
    ),
    ("micro-manager-1.4", "img_000000000_GFP_wide_000.tif", {"t": 0, "channel": "GFP_wide", "z": 0}),
    ("ome-tiff", "tubhiswt_C0_TP10.ome.tif", {"image": "tubhiswt", "channel": 0, "t": 10}),
    ("ome-tiff", "cells_S1_C0_Z2_T3.ome.tiff", {"image": "cells", "series": 1, "channel": 0, "z": 2, "t": 3}),
    (
        "cellomics",
        "AS_09125_050116030001_D03f00d2.tif",
        {"plate": "AS_09125_050116030001", "well": "D03", "field": 0, "channel": 2},
    ),
    (
        "cellomics",
        "transfluor_plate/AS_09047_050428030001_O08f02d2.TIF",
        {"plate": "AS_09047_050428030001", "well": "O08", "field": 2, "channel": 2},
    ),
]


@pytest.mark.parametrize(("preset", "path", "coordinates"), REAL_NAMES)
def test_names_as_the_microscopes_write_them(preset: str, path: str, coordinates: dict[str, Any]) -> None:
    assert PathPattern.preset(preset).parse(path) == coordinates


@pytest.mark.parametrize(("preset", "path"), [(preset, path) for preset, path, _ in REAL_NAMES])
def test_a_preset_is_found_for_them(preset: str, path: str) -> None:
    assert PathPattern.detect([path]) == PathPattern.preset(preset)


@pytest.mark.parametrize(
    "path",
    [f"plate_A01_s1_w1_thumb{GUID}.tif", "plate.HTD", "TimePoint_1", "A01_s1_w1_thumb.tif"],
)
def test_thumbnails_and_metadata_are_no_imagexpress_planes(path: str) -> None:
    assert not PathPattern.preset("imagexpress").fits(path)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_the_example_of_a_preset_is_written_and_read_back(preset: str) -> None:
    pattern = PathPattern.preset(preset)
    assert pattern.format(pattern.parse(pattern.example)) == pattern.example


def test_processed_planes_keep_the_name_of_their_source() -> None:
    source = PathPattern.preset("opera-phenix").parse("r01c02f03p04-ch5sk1fk1fl1.tiff")
    assert PathPattern.preset("opera-phenix").parse("r01c02f03p04-ch5sk1fk1fl1.npy") == source


@pytest.mark.parametrize("name", ["ImageXpress", "MetaXpress", " imagexpress "])
def test_presets_have_other_names(name: str) -> None:
    assert PathPattern.of(name) == PathPattern.preset("imagexpress")


def test_names_move_from_one_convention_to_another() -> None:
    place = PathPattern.of("opera phenix").parse("r02c11f03p05-ch1sk1fk1fl1.tiff")
    name = PathPattern.of("{well}_s{site:d}_w{channel:d}_z{z:d}.tif").format(
        well=place.well or "", field=place["field"], channel=place["channel"], z=place["z"]
    )
    assert name == "B11_s3_w1_z5.tif"


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(InvalidOption) as caught:
        PathPattern.of("imagexpres")
    assert str(caught.value) == (
        "no preset 'imagexpres'; presets: cellomics, cellvoyager, imagexpress, micro-manager, "
        "micro-manager-1.4, ome-tiff, opera-phenix. Did you mean 'imagexpress'? "
        "A pattern of your own has fields in braces: '{well}_s{site:d}_w{channel:d}.tif'"
    )


def test_where_no_preset_fits_all_are_listed_with_an_example() -> None:
    with pytest.raises(InvalidOption) as caught:
        PathPattern.detect(["A01_s1_w1.tif", "A01_s2_w1.tif", "plate.HTD"])
    assert str(caught.value) == (
        "no preset fits all of the 3 paths, of which 'A01_s1_w1.tif' is the first. 'imagexpress' fits 2 of "
        "them but not 'plate.HTD'. Write a pattern such as '{well}_s{site:d}_w{channel:d}.tif'. "
        "Presets and names that fit them:\n"
        "  cellomics: plate_A01f01d1.tif\n"
        "  cellvoyager: plate_A01_T0001F001L01A01Z01C01.tif\n"
        "  imagexpress: TimePoint_1/ZStep_1/plate_A01_s1_w1.tif\n"
        "  micro-manager: img_channel001_position001_time000000001_z001.tif\n"
        "  micro-manager-1.4: Pos1/img_000000001_channel_001.tif\n"
        "  ome-tiff: image_S1_C1_Z1_TP1.ome.tiff\n"
        "  opera-phenix: r01c01f01p01-ch1sk1fk1fl1.tiff"
    )


def test_no_paths_have_no_preset() -> None:
    with pytest.raises(InvalidOption, match="no paths were given"):
        PathPattern.detect([])
