"""Regions are values: checked when they are made, never changed, equal by content."""

import numpy as np
import pytest

from polystore_core import FileManager
from polystore_core.data import data_equal, kind_of, normalize
from polystore_core.errors import InvalidOption, UnsupportedData
from polystore_roi import Composite, Ellipse, Line, Mask, Points, Polygon, Polyline, Rectangle, Text

TRIANGLE = [[0, 0], [0, 9], [9, 9]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Polygon([[0, 0], [1, 1]]), "the vertices of a polygon are 3 or more; got 2"),
        (lambda: Polygon([[0, 0, 0]] * 3), r"have the shape \(N, 2\), y before x; got \(3, 3\)"),
        (lambda: Polygon(TRIANGLE, holes=[[[1, 1]]]), "the vertices of a hole are 3 or more; got 1"),
        (lambda: Polyline([[0.0, np.nan], [1.0, 1.0]]), "finite and at most"),
        (lambda: Line((0, 0), (1, "a")), "the ends of a line are numbers"),
        (lambda: Points(np.empty((0, 2))), "points are 1 or more; got 0"),
        (
            lambda: Rectangle(0, 0, -1, 1),
            "the height of a rectangle is a finite number of at least 0; got -1",
        ),
        (lambda: Ellipse(0, 0, 1, 1, np.inf), "the angle of an ellipse is a finite number"),
        (lambda: Mask(np.zeros((2, 2), bool)), "at least one pixel inside; this one has none"),
        (lambda: Mask(np.ones((2, 2))), "the dtype bool; got .* of float64"),
        (
            lambda: Mask(np.ones((1, 1), bool), y=0.5),  # type: ignore[arg-type]
            "y of a mask is a whole number; got 0.5",
        ),
        (lambda: Composite([]), "at least one part"),
        (lambda: Composite([Composite([Line((0, 0), (1, 1))])]), "a shape that is no composite"),
        (lambda: Composite([Line((0, 0), (1, 1), name="a")]), "belong to the composite, not its part"),
        (lambda: Points([[0, 0]], stroke="red"), "stroke is a colour such as '#ff8000'"),
        (lambda: Points([[0, 0]], z=-1), "z is the index of a plane from 0, or None for all; got -1"),
        (
            lambda: Points([[0, 0]], t=1.0),  # type: ignore[arg-type]
            "t is the index of a plane",
        ),
        (lambda: Points([[0, 0]], properties={"a": (1,)}), r"properties are JSON values .* \$.a is a tuple"),
        (lambda: Points([[0, 0]], name="\ud800"), "name is no text that UTF-8 can hold"),
        (
            lambda: Text(b"a", 0, 0, 1, 1),  # type: ignore[arg-type]
            "text is a str",
        ),
    ],
)
def test_what_is_no_region_is_refused(make, message):
    with pytest.raises(UnsupportedData, match=message):
        make()


def test_a_region_never_changes():
    roi = Polygon(TRIANGLE, name="a", properties={"list": [1]})
    with pytest.raises(AttributeError, match=r"never changes: replace\(name=...\)"):
        roi.name = "b"
    with pytest.raises(ValueError, match="read-only"):
        roi.vertices[0, 0] = 5
    roi.properties["list"].append(2)
    assert roi.properties == {"list": [1]}


def test_a_region_is_independent_of_what_it_was_made_of():
    vertices, pixels = np.array(TRIANGLE, float), np.ones((2, 2), bool)
    polygon, mask = Polygon(vertices), Mask(pixels)
    vertices[:] = 7
    pixels[:] = False
    assert polygon == Polygon(TRIANGLE)
    assert mask.area == 4


def test_regions_are_equal_by_content():
    assert Polygon(TRIANGLE, name="a") == Polygon(np.array(TRIANGLE, np.uint8), name="a")
    assert len({Polygon(TRIANGLE), Polygon(TRIANGLE), Polyline(TRIANGLE)}) == 2
    assert Points([[1, 1]], properties={"a": 1}) != Points([[1, 1]], properties={"a": 1.0})
    assert Points([[0.0, -0.0]]) == Points([[0, 0]])
    assert Rectangle(0, 0, 1, 1) != Ellipse(0, 0, 1, 1)


def test_a_mask_is_cropped_to_its_pixels():
    pixels = np.zeros((100, 100), bool)
    pixels[10:12, 20] = True
    roi = Mask(pixels, y=1000)
    assert (roi.mask.shape, roi.y, roi.x, roi.area) == ((2, 1), 1010, 20, 2)


def test_replace_keeps_shape_and_the_other_attributes():
    roi = Mask(np.eye(2, dtype=bool), name="a", c=1)
    assert roi.replace(z=3) == Mask(np.eye(2, dtype=bool), name="a", c=1, z=3)
    with pytest.raises(InvalidOption, match="replace changes name"):
        roi.replace(mask=None)


def test_bounds_of_a_turned_ellipse_are_tight():
    roi = Ellipse(0, 0, 10, 20, angle=30)
    ring = roi.outline(3600)
    assert np.allclose(roi.bounds, [*ring.min(axis=0), *ring.max(axis=0)], atol=1e-4)


def test_a_list_of_regions_is_a_kind_of_data():
    rois = [Points([[1, 2]])]
    assert normalize(rois) is rois
    assert kind_of(rois) == "rois"
    assert data_equal(rois, [Points([[1, 2]])])
    assert not data_equal(rois, [Points([[1, 3]])])
    assert not data_equal(rois, rois * 2)


def test_a_single_region_and_a_mixed_list_are_refused():
    roi = Points([[1, 2]])
    with pytest.raises(UnsupportedData, match=r"a single Points is not a list of ROIs; type \[roi\]"):
        normalize(roi)
    with pytest.raises(
        UnsupportedData, match="a list of ROIs holds nothing else; item 1 is a value of type int"
    ):
        normalize([roi, 1])
    with pytest.raises(
        UnsupportedData, match="a list of ROIs holds nothing else; item 0 is a value of type int"
    ):
        normalize([1, roi])


@pytest.mark.parametrize("backend", ["disk", "memory", "zarr"])
@pytest.mark.parametrize(
    "rois", [[], [Points([[1, 2]], name="a"), Ellipse(1, 2, 3, 4, 5, z=1)]], ids=["none", "two"]
)
def test_a_list_of_regions_is_saved_and_loaded_everywhere(backend, rois, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with FileManager() as fm:
        fm.save(rois, "plate/cells.roi.zip", backend=backend)
        found = fm.load("plate/cells.roi.zip", backend=backend)
        assert found == rois
        found.append("spoilt")
        assert fm.load("plate/cells.roi.zip", backend=backend) == rois
