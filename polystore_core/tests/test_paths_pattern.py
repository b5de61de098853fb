"""From a path to its coordinates and back."""

from __future__ import annotations

import pickle
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore_core import InvalidOption, InvalidPath
from polystore_core.paths import Coordinates, PathPattern, standard_axis, well_indices, well_name

PLANE = PathPattern("{well}_s{site:d}_w{channel:d}_z{z:03d}.tif")
WELLS = st.builds(well_name, st.integers(0, 31), st.integers(0, 47))
NUMBERS = st.integers(0, 10**6)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=()), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("pattern", "path", "coordinates"),
    [
        (
            "{well}_s{site:d}_w{channel:d}_z{z:d}.tif",
            "A01_s2_w1_z003.tif",
            {"well": "A01", "site": 2, "channel": 1, "z": 3},
        ),
        ("{well}.tif", "plate/deep/B12.TIF", {"well": "B12"}),
        ("{well}/z{z:d}.tif", "plate/B12/z7.tif", {"well": "B12", "z": 7}),
        ("{plate}_{well}.tif", "a_b_A01.tif", {"plate": "a_b", "well": "A01"}),
        ("z{z:03d}.tif", "z1000.tif", {"z": 1000}),
        ("{row:a}{column:d}.tif", "AB7.tif", {"row": "AB", "column": 7}),
        ("{well:text}.tif", "well one.tif", {"well": "well one"}),
        ("{dose:an}_{_}.tif", "d10_anything.tif", {"dose": "d10"}),
        ("{well}[_z{z:d}].tif", "A01.tif", {"well": "A01"}),
        ("{well}[_z{z:d}].tif", "A01_z4.tif", {"well": "A01", "z": 4}),
        ("{well}/{well}_z{z:d}.tif", "A01/A01_z4.tif", {"well": "A01", "z": 4}),
        ("{name}_{name}.tif", "a_b_a_b.tif", {"name": "a_b"}),
        ("{{{well}}}[[1]].tif", "{A01}[1].tif", {"well": "A01"}),
        ("a.b{z:d}(+).tif", "a.b1(+).tif", {"z": 1}),
    ],
)
def test_a_path_carries_coordinates(pattern: str, path: str, coordinates: dict[str, Any]) -> None:
    assert PathPattern(pattern).parse(path) == coordinates


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{well}.tif", "A01.tif.bak"),
        ("{well}.tif", "xA01.tif"),
        ("{well}.tif", "A00.tif"),
        ("{well}.tif", "A01/x.tif"),
        ("{well}_z{z:d}.tif", "A01_Z1.tif"),
        ("{well}_z{z:03d}.tif", "A01_z01.tif"),
        ("{well}_z{z:d}.tif", "A01_z٣.tif"),
        ("{well}_z{z:d}.tif", "A01_z1.tif\n"),
        ("{well}/{well}_z{z:d}.tif", "A01/B01_z4.tif"),
        ("[z{z:d}/]{well}[_z{z:d}].tif", "z1/A01_z2.tif"),
        ("z{z:d}.tif", "z" + "9" * 5000 + ".tif"),
    ],
)
def test_a_path_of_another_form_does_not_fit(pattern: str, path: str) -> None:
    assert PathPattern(pattern).match(path) is None


def test_path_objects_and_unusual_spellings_are_understood() -> None:
    pattern = PathPattern("{well}/z{z:d}.tif")
    assert pattern.parse(PurePosixPath("plate/A01/z1.tif")) == pattern.parse("plate//A01/./z1.tif")


@pytest.mark.parametrize(
    ("pattern", "path", "message"),
    [
        (
            "{well}_s{site:d}_w{channel:d}.tif",
            "A01_s1_x1.tif",
            "'A01_s1_x1.tif' does not fit the pattern '{well}_s{site:d}_w{channel:d}.tif': "
            "it fits up to 'A01_s1', "
            "but '_w' does not fit '_x1.tif'; a name that fits is 'A01_s1_w1.tif'",
        ),
        (
            "{plate}_{well}.tif",
            "foo.tif",
            "'foo.tif' does not fit the pattern '{plate}_{well}.tif': no '_' follows '{plate}'; "
            "a name that fits is 'plate_A01.tif'",
        ),
        (
            "{well}.tif",
            "plate/notes.txt",
            "'plate/notes.txt' does not fit the pattern '{well}.tif': '{well}' does not fit the beginning of "
            "'notes.txt'; a name that fits is 'A01.tif'",
        ),
        (
            "{well}_z{z:d}",
            "A01_z3.tif",
            "'A01_z3.tif' does not fit the pattern '{well}_z{z:d}': '.tif' is left over behind 'A01_z3'; "
            "a name that fits is 'A01_z1'",
        ),
    ],
)
def test_a_mismatch_says_how_far_it_fits(pattern: str, path: str, message: str) -> None:
    with pytest.raises(InvalidPath) as caught:
        PathPattern(pattern).parse(path)
    assert str(caught.value) == message
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "plain.tif",
            "the pattern has no field: name what varies, such as {well} or {z:d}\n  plain.tif\n  ^",
        ),
        (
            "{well}_s{site",
            "the pattern has a '{' that is never closed: close it with '}', or write '{{'"
            "\n  {well}_s{site\n          ^",
        ),
        (
            "{z:d}}.tif",
            "the pattern has a '}' without '{': write '}}' for a literal brace\n  {z:d}}.tif\n       ^",
        ),
        ("{z:d}]", "the pattern has a ']' without '[': write ']]' for a literal bracket\n  {z:d}]\n       ^"),
        (
            "[_z{z:d}",
            "the pattern has a '[' that is never closed: close it with ']', or write '[['\n  [_z{z:d}\n  ^",
        ),
        (
            "{z:f}",
            "the pattern has the unknown form 'f': forms: d (a number), 03d (zero-padded), a (letters), "
            "an (letters and digits), guid, text\n  {z:f}\n     ^",
        ),
        (
            "{2z}",
            "the pattern has a field named '2z': a name has letters, digits and '_', such as {z:d}"
            "\n  {2z}\n   ^",
        ),
        (
            "{z=1}",
            "the pattern gives 'z' a default: only names that begin with '_' can have one\n  {z=1}\n   ^",
        ),
        ("{a}{b}", "the pattern does not tell {a} from {b}: put a separator between them\n  {a}{b}\n     ^"),
        (
            "{t:d}{z:d}",
            "the pattern does not tell {t:d} from {z:d}: put a separator between them, or give both a width\n"
            "  {t:d}{z:d}\n       ^",
        ),
        (
            "{site:d}_{field:d}",
            "the pattern names the same axis 'site' and 'field': "
            "write {site:d} in both places, or one of them\n"
            "  {site:d}_{field:d}\n           ^",
        ),
        (
            "{z:d}_{z:03d}",
            "the pattern writes {z:d} and {z:03d}: write the same field in the same form"
            "\n  {z:d}_{z:03d}\n        ^",
        ),
        (
            "/{z:d}",
            "the pattern begins with '/': a pattern describes the end of a path: drop the '/'\n  /{z:d}\n  ^",
        ),
    ],
)
def test_a_malformed_pattern_is_pointed_at(text: str, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        PathPattern(text)
    assert str(caught.value) == message


def test_a_pattern_knows_its_fields_and_their_axes() -> None:
    assert PLANE.fields == ("well", "site", "channel", "z")
    assert PLANE.axes == ("well", "field", "channel", "z")
    assert PLANE.example == "A01_s1_w1_z001.tif"


def test_names_are_written_with_standard_axes_too() -> None:
    site: Any = np.int64(2)
    assert PLANE.format(well="A01", field=2, wavelength=1, plane=3) == "A01_s2_w1_z003.tif"
    assert PLANE.format({"well": "A01", "site": site}, channel=1, z=1000) == "A01_s2_w1_z1000.tif"


@pytest.mark.parametrize(
    ("coordinates", "message"),
    [
        ({"well": "A01"}, "needs site, channel, z too"),
        ({"dose": 1}, "has no field 'dose'; its fields are well, site, channel, z"),
        ({"well": "A01", "site": 1, "field": 2}, "field 'site' is given twice, as 1 and 2"),
        (
            {"well": "first"},
            r"field \{well\} takes one or two capital letters and up to three digits.*, not 'first'",
        ),
        ({"z": "3"}, r"field \{z:03d\} takes a number from 0, of up to 18 digits, not '3'"),
        ({"z": -1}, r"field \{z:03d\} takes a number from 0, .*, not -1"),
        ({"z": True}, r"field \{z:03d\} takes a number from 0, .*, not True"),
        ({"z": 1.0}, r"field \{z:03d\} takes a number from 0, .*, not 1.0"),
    ],
)
def test_coordinates_that_do_not_suit_are_refused(coordinates: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        PLANE.format(coordinates)


def test_a_name_that_would_be_read_differently_is_refused() -> None:
    with pytest.raises(InvalidOption, match="does not read back as the same coordinates"):
        PathPattern("{a}_{b}.tif").format(a="x_y", b="z")


def test_optional_parts_are_written_when_their_fields_are_given() -> None:
    pattern = PathPattern("[T{t:d}/]{well}[_t{t:d}][_z{z:d}].{_ext=tif}")
    assert pattern.format(well="A01") == "A01.tif"
    assert pattern.format(well="A01", t=2) == "T2/A01.tif"
    assert pattern.format(well="A01", z=3, _ext="npy") == "A01_z3.npy"


@given(well=WELLS, site=NUMBERS, channel=NUMBERS, z=NUMBERS)
def test_what_was_formatted_is_parsed_back(well: str, site: int, channel: int, z: int) -> None:
    coordinates = Coordinates(well=well, site=site, channel=channel, z=z)
    assert PLANE.parse(PLANE.format(coordinates)) == coordinates


@given(well=WELLS, t=NUMBERS, z=NUMBERS)
def test_what_was_parsed_is_formatted_back(well: str, t: int, z: int) -> None:
    pattern = PathPattern("T{t:04d}/{well}_z{z:03d}.tif")
    path = f"T{t:04d}/{well}_z{z:03d}.tif"
    assert pattern.format(pattern.parse(path)) == path


@given(plate=TEXTS, name=TEXTS)
def test_text_is_parsed_back_or_refused(plate: str, name: str) -> None:
    pattern = PathPattern("{plate}_{name}.tif")
    coordinates = {"plate": plate, "name": name}
    try:
        written = pattern.format(coordinates)
    except InvalidOption:
        assert "/" in plate + name or "_" in plate + name
    else:
        assert pattern.parse(written) == coordinates


def test_patterns_are_values() -> None:
    assert PathPattern(PLANE.text) == PLANE
    assert pickle.loads(pickle.dumps(PLANE)).parse("A01_s1_w1_z001.tif")["z"] == 1
    assert {PLANE: 1}[PathPattern(PLANE.text)] == 1
    assert PathPattern.of(PLANE) is PLANE
    assert PathPattern.of(PLANE.text) == PLANE


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"a pattern is text such as .* or a PathPattern, not int$"):
        PathPattern.of(3)  # type: ignore[arg-type]


def test_coordinates_answer_to_standard_names() -> None:
    place = Coordinates(well="A01", site=2)
    assert place["site"] == place["field"] == place["fov"] == 2
    assert "field" in place
    assert "z" not in place
    assert place.get("z") is None
    assert place.by_axis() == {"well": "A01", "field": 2}
    assert hash(place) == hash(Coordinates(site=2, well="A01"))
    assert pickle.loads(pickle.dumps(place)) == place


def test_a_missing_coordinate_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="z"):
        Coordinates(well="A01")["z"]


@pytest.mark.parametrize(
    ("coordinates", "well"),
    [
        (Coordinates(well="B2"), "B2"),
        (Coordinates(row=2, column=11), "B11"),
        (Coordinates(row="AA", col=1), "AA01"),
        (Coordinates(row=2), None),
    ],
)
def test_the_well_is_found_in_its_own_field_or_in_row_and_column(coordinates: Coordinates, well: str) -> None:
    assert coordinates.well == well


@pytest.mark.parametrize(
    ("well", "indices"), [("A01", (0, 0)), ("a1", (0, 0)), ("P24", (15, 23)), ("AF48", (31, 47))]
)
def test_wells_have_a_row_and_a_column(well: str, indices: tuple[int, int]) -> None:
    assert well_indices(well) == indices


@given(st.integers(0, 701), st.integers(0, 998))
def test_wells_are_named_and_found_again(row: int, column: int) -> None:
    assert well_indices(well_name(row, column)) == (row, column)


@pytest.mark.parametrize("well", ["", "A", "1", "A00", "ABC1", "A1000", None])
def test_what_is_no_well_is_refused(well: Any) -> None:
    with pytest.raises(InvalidOption, match="is not a well: letters for the row"):
        well_indices(well)


@pytest.mark.parametrize("place", [(-1, 0), (702, 0), (0, -1), (0, 999)])
def test_no_plate_is_larger_than_its_names(place: tuple[int, int]) -> None:
    with pytest.raises(InvalidOption, match="is not a well: rows are 0-701, columns 0-998"):
        well_name(*place)


def test_axes_have_standard_names() -> None:
    assert [standard_axis(name) for name in ("site", "fov", "wavelength", "timepoint", "dose")] == [
        "field",
        "field",
        "channel",
        "t",
        "dose",
    ]
