"""Arranging paths along the axes of their coordinates."""

from __future__ import annotations

from itertools import product
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore_core import InvalidOption, InvalidPath
from polystore_core.paths import Coordinates, PathPattern

PLANE = PathPattern("{well}_s{site:d}_w{channel:d}_z{z:d}.tif")
FULL = [
    PLANE.format(well=well, site=site, channel=channel, z=z)
    for well, site, channel, z in product(["A01", "B02"], [1, 2], [1, 2], [1, 2, 10])
]
TRANSFLUOR = [
    "AS_09047_050428030001_O02f00d2.TIF",
    "AS_09047_050428030001_O02f01d2.TIF",
    "AS_09047_050428030001_O04f00d2.TIF",
    "AS_09047_050428030001_O04f01d2.TIF",
]


def test_a_grid_has_one_axis_per_coordinate() -> None:
    grid = PLANE.grid(reversed(FULL))
    assert grid.axes == ("well", "field", "channel", "z")
    assert grid.shape == (2, 2, 2, 3)
    assert grid.values == {"well": ("A01", "B02"), "field": (1, 2), "channel": (1, 2), "z": (1, 2, 10)}
    assert grid.paths[1, 0, 1, 2] == "B02_s1_w2_z10.tif"
    assert grid.coordinates((1, 0, 1, 2)) == {"well": "B02", "field": 1, "channel": 2, "z": 10}
    assert list(grid.paths.values()) == FULL


@pytest.mark.parametrize(
    "path", ["A01_s1_w1_z1.tif", PurePosixPath("A01_s1_w1_z1.tif")], ids=["text", "path"]
)
@pytest.mark.parametrize("use", [PLANE.grid, PathPattern.detect], ids=["grid", "detect"])
def test_a_single_path_is_no_list_of_paths(use: Any, path: Any) -> None:
    with pytest.raises(
        InvalidOption, match=r"^paths takes a list of paths; got the single path 'A01_s1_w1_z1\.tif'$"
    ):
        use(path)


def test_axes_are_in_the_order_of_ome_ngff() -> None:
    grid = PathPattern("z{z:d}_c{c:d}_t{t:d}_{dose}_{plate}_{well}.tif").grid(["z1_c1_t1_low_p_A01.tif"])
    assert grid.axes == ("plate", "well", "dose", "t", "channel", "z")


def test_there_is_one_grid_per_well_and_field() -> None:
    groups = PLANE.group(FULL, by=("well", "site"))
    assert list(groups) == [
        Coordinates(well="A01", field=1),
        Coordinates(well="A01", field=2),
        Coordinates(well="B02", field=1),
        Coordinates(well="B02", field=2),
    ]
    grid = groups[Coordinates(well="B02", field=1)]
    assert (grid.axes, grid.shape, grid.paths[0, 2]) == (("channel", "z"), (2, 3), "B02_s1_w1_z10.tif")


def test_a_stack_is_ordered_as_asked() -> None:
    grid = PathPattern("c{c:d}z{z:d}.tif").grid(["c1z1.tif", "c1z2.tif", "c2z1.tif"], holes="allow")
    assert grid.stack() == ["c1z1.tif", "c1z2.tif", "c2z1.tif", None]
    assert grid.stack(("z", "c")) == ["c1z1.tif", "c2z1.tif", "c1z2.tif", None]
    with pytest.raises(InvalidOption, match=r"order= must hold each of channel, z once, not z$"):
        grid.stack(["z"])


def test_a_sparse_plate_has_no_holes_when_grouped_by_well() -> None:
    groups = PathPattern.of("cellomics").group(TRANSFLUOR, by="well")
    assert [(place["well"], grid.shape) for place, grid in groups.items()] == [
        ("O02", (1, 2, 1)),
        ("O04", (1, 2, 1)),
    ]


def test_an_index_means_the_same_in_every_group() -> None:
    paths = ["A01_w1.tif", "A01_w2.tif", "B01_w2.tif"]
    groups = PathPattern("{well}_w{channel:d}.tif").group(paths, by="well", holes="allow")
    assert groups[Coordinates(well="B01")].paths == {(1,): "B01_w2.tif"}
    assert list(groups[Coordinates(well="B01")].holes()) == [(0,)]


def test_optional_fields_that_no_name_has_are_no_axes() -> None:
    assert PathPattern.of("imagexpress").grid(["A01_s1_w1.tif"]).axes == ("well", "field", "channel")


def test_path_objects_are_taken() -> None:
    grid = PathPattern("{well}.tif").grid([PurePosixPath("plate/A01.tif")])
    assert grid.paths == {(0,): "plate/A01.tif"}


@pytest.mark.parametrize(
    ("paths", "by", "message"),
    [
        (
            ["A01_s1_w1_z1.tif", "a.txt", "b.txt", "c.txt", "d.txt"],
            (),
            "4 of 5 paths do not fit the pattern '{well}_s{site:d}_w{channel:d}_z{z:d}.tif': "
            "'a.txt', 'b.txt', 'c.txt', ...; a name that fits is 'A01_s1_w1_z1.tif'",
        ),
        (
            ["x/A01_s1_w1_z1.tif", "y/A01_s1_w1_z01.tif"],
            (),
            "'x/A01_s1_w1_z1.tif' and 'y/A01_s1_w1_z01.tif' have the same coordinates "
            "Coordinates(well='A01', field=1, channel=1, z=1); "
            "leave one out, or name in the pattern what tells them apart",
        ),
        (
            ["A01_s1_w1_z1.tif", "A01_s1_w2_z2.tif"],
            ("well", "field"),
            "2 of 4 combinations have no path: well=A01 field=1 channel=1 z=2, "
            "well=A01 field=1 channel=2 z=1; "
            "add them, group by the axis that is sparse (by='well'), "
            "or pass holes='allow' to leave them empty",
        ),
        ([], (), "no paths were given to be arranged"),
    ],
)
def test_what_cannot_be_arranged_is_named(paths: list[str], by: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidPath) as caught:
        PLANE.group(paths, by=by)
    assert str(caught.value) == message


def test_the_same_path_twice_is_a_duplicate() -> None:
    with pytest.raises(InvalidPath, match=r"'A01_s1_w1_z1\.tif' and 'A01_s1_w1_z1\.tif' have the same"):
        PLANE.grid(["A01_s1_w1_z1.tif", "A01_s1_w1_z1.tif"])


def test_many_holes_are_counted_and_the_first_listed() -> None:
    pattern = PathPattern("{a:d}_{b:d}_{c:d}.tif")
    paths = [f"{i}_{i}_{i}.tif" for i in range(300)]
    with pytest.raises(
        InvalidPath, match=r"^26999700 of 27000000 combinations have no path: a=0 b=0 channel=1, .*, \.\.\.;"
    ):
        pattern.grid(paths)


def test_a_field_that_only_some_names_have_is_refused() -> None:
    with pytest.raises(InvalidPath) as caught:
        PathPattern("{well}[_z{z:d}].tif").grid(["A01.tif", "A02_z1.tif"])
    assert str(caught.value) == "'A01.tif' has no z but 'A02_z1.tif' has; arrange them separately"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "dose"}, "has no axis 'dose'; by= takes any of well, field, channel, z$"),
        ({"by": "well", "holes": "fill"}, "holes= is 'error' or 'allow', not 'fill'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        PLANE.group(FULL, **options)


def test_an_axis_that_no_path_has_cannot_tell_groups_apart() -> None:
    with pytest.raises(InvalidPath, match="no path has a value for z, by which they should be grouped"):
        PathPattern("{well}[_z{z:d}].tif").group(["A01.tif"], by="z")


@given(st.sets(st.sampled_from(FULL), min_size=1), st.sets(st.sampled_from(PLANE.axes)))
def test_every_path_is_found_at_its_coordinates(paths: set[str], by: set[str]) -> None:
    groups = PLANE.group(paths, by=tuple(by), holes="allow")
    for place, grid in groups.items():
        for index, path in grid.paths.items():
            assert PLANE.parse(path).by_axis() == {**place, **grid.coordinates(index)}
        assert [path for path in grid.stack() if path] == list(grid.paths.values())
    assert {path for grid in groups.values() for path in grid.paths.values()} == paths
