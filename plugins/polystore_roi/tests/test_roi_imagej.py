"""The real ImageJ reads what we write, writes what we read, and gives back what passes through it."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from roi_strategies import regions

from polystore_core import FileManager
from polystore_roi import (
    Composite,
    Ellipse,
    Line,
    Mask,
    Points,
    Polygon,
    Polyline,
    Rectangle,
    Text,
    labels_from_rois,
    roi_from_imagej,
    roi_to_imagej,
)


@pytest.fixture(scope="module")
def imagej(screen):
    """A function that has the real ImageJ do something."""
    child = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("imagej_child.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DISPLAY": screen},
    )

    def ask(command, argument):
        print(json.dumps([command, argument]), file=child.stdin, flush=True)
        return json.loads(child.stdout.readline())

    yield ask
    child.communicate()


@pytest.fixture(scope="module")
def drawn(imagej, tmp_path_factory):
    """Regions that ImageJ drew and its ROI Manager saved, by name, and what ImageJ says of them."""
    path = tmp_path_factory.mktemp("drawn") / "RoiSet.zip"
    said = imagej("make", str(path))
    rois = FileManager().load(path, backend="disk")
    return {roi.name: roi for roi in rois}, {region["name"]: region for region in said}


def passed(imagej, roi):
    content, _ = roi_to_imagej(roi)
    (again,) = imagej("encode", [base64.b64encode(content).decode()])
    return roi_from_imagej(base64.b64decode(again))[0]


def test_every_region_of_an_archive_by_imagej_loads(drawn):
    rois, said = drawn
    assert list(rois) == list(said)
    assert {name: type(roi) for name, roi in rois.items()} == {
        "rectangle": Rectangle,
        "fine rectangle": Rectangle,
        "oval": Ellipse,
        "line": Line,
        "freehand": Polygon,
        "polygon": Polygon,
        "polyline": Polyline,
        "angle": Polyline,
        "rotated rectangle": Rectangle,
        "ellipse": Ellipse,
        "composite": Polygon,
        "points": Points,
        "text": Text,
        "turned text": Text,
        "arrow": Line,
        "on z 3": Rectangle,
        "in stack": Rectangle,
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fine rectangle", Rectangle(6.5, 5.25, 10.5, 20.75, name="fine rectangle")),
        ("line", Line((2.5, 1.5), (40.75, 30.25), name="line")),
        ("polygon", Polygon([[2, 1], [3, 9], [11, 5]], name="polygon")),
        ("polyline", Polyline([[2, 1], [3, 9], [11, 5]], name="polyline")),
        ("points", Points([[4.0, 3.0], [8.25, 7.5]], name="points")),
        ("on z 3", Rectangle(1, 1, 2, 2, name="on z 3", c=1, z=2, t=4)),
        ("in stack", Rectangle(1, 1, 2, 2, name="in stack", z=6)),
        ("oval", Ellipse(4, 3, 9, 15, name="oval", fill="#0000ff40")),
    ],
)
def test_a_region_by_imagej_is_what_it_is_there(drawn, name, expected):
    assert drawn[0][name].replace(properties={}) == expected


def test_what_imagej_knows_beyond_the_model_is_kept(drawn):
    rois, _ = drawn
    assert rois["rectangle"].stroke == "#ff8000"
    assert rois["rectangle"].properties == {"well": "A01", "imagej": {"stroke_width": 3.0}}
    assert rois["freehand"].properties == {"imagej": {"selection": "freehand"}}
    assert rois["angle"].properties == {"imagej": {"selection": "angle"}}
    assert set(rois["arrow"].properties["imagej"]["arrow"]) == {"style", "head", "double", "outline"}
    assert rois["text"].text == "two\nlines"
    assert rois["turned text"].angle == -30  # ImageJ turns texts counter-clockwise


def test_a_composite_by_imagej_keeps_its_hole(drawn):
    roi = drawn[0]["composite"]
    assert roi.bounds == (10, 10, 40, 50)
    (hole,) = roi.holes
    assert np.allclose([hole.min(axis=0), hole.max(axis=0)], [[15, 20], [25, 30]], atol=0.5)


def test_a_turned_rectangle_by_imagej_has_the_corners_it_has_there(drawn):
    roi, said = drawn[0]["rotated rectangle"], drawn[1]["rotated rectangle"]
    corners = {tuple(corner) for corner in np.round(roi.corners[:, ::-1], 3)}
    assert corners == {tuple(corner) for corner in np.round(said["points"], 3)}


def test_a_turned_ellipse_by_imagej_lies_where_it_lies_there(drawn):
    roi, said = drawn[0]["ellipse"], drawn[1]["ellipse"]
    middle = (np.min(said["points"], axis=0) + np.max(said["points"], axis=0)) / 2
    assert np.allclose(roi.center, middle[::-1], atol=0.01)
    top, left, bottom, right = roi.bounds
    assert np.allclose(np.ptp(said["points"], axis=0), [right - left, bottom - top], atol=0.2)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("rectangle", 0),
        ("oval", 0),
        ("polygon", 0),
        ("composite", 0),
        ("ellipse", 0),
        ("freehand", 0.03),
        ("rotated rectangle", 0.03),
    ],
)
def test_an_area_by_imagej_covers_the_pixels_that_it_covers_there(drawn, name, tolerance):
    """Corners between pixels ImageJ rounds before it fills."""
    labels, _ = labels_from_rois([drawn[0][name]], (100, 100), leading=())
    assert np.count_nonzero(labels) == pytest.approx(drawn[1][name]["pixels"], rel=tolerance)


def test_our_archive_opens_in_the_roi_manager(imagej, tmp_path):
    pixels = np.ones((3, 4), bool)
    pixels[1, 1] = False
    square = [[0, 0], [0, 9], [9, 9], [9, 0]]
    rois = [
        Rectangle(5, 6, 20, 10, name="a/b", stroke="#ff8000", z=2),
        Polygon(square, holes=[np.add(square, 36) / 9], name="holed", c=0, z=1, t=2),
        Mask(pixels, 10, 20, name="mask"),
        Points([[1, 2], [3, 4]], name="µ"),
        Ellipse(0, 0, 10, 20, angle=30, name="turned"),
        Composite([Rectangle(0, 0, 2, 2), Rectangle(5, 5, 2, 2)], name="two"),
    ]
    FileManager().save(rois, tmp_path / "ours.roi.zip", backend="disk")
    said = imagej("open", str(tmp_path / "ours.roi.zip"))
    assert [region["name"] for region in said] == [roi.name for roi in rois]
    assert said[0]["bounds"] == [6, 5, 10, 20]
    assert said[0]["stroke"] == 0xFFFF8000
    assert said[1]["position"][:3] == [1, 2, 3]
    assert said[1]["pixels"] == 81 - 1
    assert said[2]["pixels"] == 11
    assert said[2]["bounds"] == [20, 10, 4, 3]
    assert said[3]["points"] == [[2, 1], [4, 3]]
    assert said[5]["pixels"] == 8


def test_a_region_moved_in_imagej_is_the_moved_one(imagej):
    roi = Mask(np.ones((2, 3), bool), 10, 20, name="cell", properties={"score": 0.5})
    content, _ = roi_to_imagej(roi)
    moved = imagej("move", base64.b64encode(content).decode())
    back, _ = roi_from_imagej(base64.b64decode(moved))
    assert back.bounds == (11, 23, 13, 26)
    assert (back.name, back.properties) == ("cell", {"score": 0.5})


@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(rois=st.lists(regions(), min_size=1, max_size=4))
def test_what_passes_through_imagej_comes_back_equal(imagej, rois):
    for roi in rois:
        assert passed(imagej, roi) == roi
