"""What another program sees of a region: the way into its format and back without the exact one beside it."""

import struct

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from roi_strategies import regions, shapes

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
    rois_from_geojson,
    rois_from_napari,
    rois_to_geojson,
    rois_to_napari,
)

LEADING = ("t", "c", "z")
HOLLOW = np.array([[0, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], bool)
HOLES = [[[10, 4], [10, 7], [13, 7]], [[14, 20], [14, 22], [17, 22], [17, 20]]]
EVERY_KIND = {
    "polygon": Polygon([[2, 3], [5, 30], [20, 12]]),
    "fine polygon": Polygon([[2.25, 3.0], [5.0, 30.5], [20.125, 12.0]]),
    "polygon with holes": Polygon([[2, 3], [2, 30], [20, 30], [20, 3]], holes=HOLES),
    "rectangle": Rectangle(4, 9, 8, 21),
    "fine rectangle": Rectangle(4.25, 9.5, 8.75, 21),
    "turned rectangle": Rectangle(12, 9, 8, 21, angle=30),
    "ellipse": Ellipse(4, 9, 8, 21),
    "turned ellipse": Ellipse(12, 9, 8, 21, angle=30),
    "mask": Mask(HOLLOW, y=7, x=19),
    "composite": Composite([Rectangle(1, 2, 5, 3), Polygon([[20, 3], [20, 30], [30, 30]])]),
    "line": Line((3, 7.5), (19, 11)),
    "polyline": Polyline([[3.0, 7.5], [19.0, 11.0], [2.0, 30.0]]),
    "points": Points([[3.0, 7.5], [19.0, 11.0]]),
    "text": Text("here", 4, 9, 8, 21),
    "turned text": Text("here", 12, 9, 8, 21, angle=30),
}
ATTRIBUTES = {"name": "cell 1", "stroke": "#ff8000", "fill": "#00c0ff80", "c": 1, "z": 2, "t": 4}


def by_imagej(roi, positions="hyperstack"):
    content = bytearray(roi_to_imagej(roi, positions=positions)[0])
    (header2,) = struct.unpack_from(">i", content, 60)
    struct.pack_into(">ii", content, header2 + 40, 0, 0)  # without properties
    return roi_from_imagej(bytes(content))[0]


def by_geojson(roi):
    collection, _ = rois_to_geojson([roi])
    for feature in collection["features"]:
        feature.pop("polystore", None)
    (shown,), _ = rois_from_geojson(collection)
    return shown


def by_napari(roi):
    layers = rois_to_napari([roi], leading=LEADING)
    for layer in (layers.shapes, layers.points):
        if layer is not None:
            layer["features"]["exact"][:] = ""
    (shown,), _ = rois_from_napari(shapes=layers.shapes, points=layers.points, leading=LEADING)
    return shown


PROGRAMS = {"ImageJ": by_imagej, "GeoJSON": by_geojson, "napari": by_napari}
each_program = pytest.mark.parametrize("shown_by", PROGRAMS.values(), ids=PROGRAMS)
each_kind = pytest.mark.parametrize("roi", EVERY_KIND.values(), ids=EVERY_KIND)


def covered(roi):
    return labels_from_rois([roi], (40, 45), leading=())[0] != 0


def outline(roi):
    parts = roi.parts if isinstance(roi, Composite) else (roi,)
    return np.concatenate([ring for part in parts for ring in part._outline()])


@each_program
@each_kind
def test_a_region_is_shown_where_it_is(shown_by, roi):
    shown = shown_by(roi)
    assert np.allclose(shown.bounds, roi.bounds, atol=0.1)
    if isinstance(roi, Text):
        return  # its box may be shown as an area
    assert np.count_nonzero(covered(shown) != covered(roi)) <= 0.02 * np.count_nonzero(covered(roi))


WITH_CORNERS = ["polygon", "fine polygon", "polyline", "points", "line", "turned rectangle", "turned text"]


@each_program
@pytest.mark.parametrize("kind", WITH_CORNERS)
def test_a_region_is_shown_with_its_corners(shown_by, kind):
    roi = EVERY_KIND[kind]
    assert np.allclose(outline(shown_by(roi)), outline(roi), atol=1e-4)


@each_program
@pytest.mark.parametrize("kind", ["polygon with holes", "mask"])
def test_holes_are_shown(shown_by, kind):
    shown = shown_by(EVERY_KIND[kind])
    assert np.array_equal(covered(shown), covered(EVERY_KIND[kind]))
    assert len(shown.holes) == {"polygon with holes": 2, "mask": 1}[kind]


@each_program
@each_kind
def test_name_colours_and_place_are_shown(shown_by, roi):
    given = dict(ATTRIBUTES)
    if shown_by is by_napari and isinstance(roi, Points):
        del given["fill"]  # points of napari are of one colour
    shown = shown_by(roi.replace(**given)).attributes()
    assert {name: shown[name] for name in given} == given


def test_geojson_has_x_before_y():
    shapes = [Points([[1, 2]]), Line((1, 2), (3, 4)), Polygon([[1, 2], [3, 4], [5, 7]])]
    features = rois_to_geojson(shapes)[0]["features"]
    assert [feature["geometry"]["coordinates"] for feature in features] == [
        [[2, 1]],
        [[2, 1], [4, 3]],
        [[[2, 1], [4, 3], [7, 5], [2, 1]]],
    ]


@each_kind
def test_imagej_shows_z_in_a_plain_stack(roi):
    assert by_imagej(roi.replace(z=2), positions="stack").position == (None, 2, None)


@each_program
@pytest.mark.parametrize("kind", [kind for kind in shapes if kind not in ("text", "composite")])
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_any_region_is_shown_within_its_bounds(shown_by, kind, data):
    roi = data.draw(regions(kind))
    assume(max(map(abs, roi.bounds)) < 2e5)
    top, left, bottom, right = roi.bounds
    tolerance = 0.02 + 5e-7 * max(map(abs, roi.bounds))
    if kind == "ellipse" and shown_by is not by_napari:  # as a polygon of 64 corners
        tolerance += 0.003 * max(bottom - top, right - left)
    assert np.allclose(shown_by(roi).bounds, roi.bounds, rtol=0, atol=tolerance)
