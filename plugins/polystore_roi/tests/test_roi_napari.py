"""napari's own layers take what we make, and what they show is read back, whatever the user did."""

import warnings

import numpy as np
import pytest

from polystore_core.errors import InvalidOption, UnsupportedData
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
    rois_from_napari,
    rois_to_napari,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # napari's own imports use what pydantic deprecates
    from napari.layers import Points as PointsLayer
    from napari.layers import Shapes as ShapesLayer

ROIS = [
    Polygon(
        [[0, 0], [0, 9.1], [9, 9]], holes=[[[1, 4], [1, 6], [3, 6]]], name="holed", z=1, fill="#00ff0080"
    ),
    Points([[1, 2], [3.3, 4]], name="spots", stroke="#ff0000", z=2),
    Rectangle(10, 20, 5.7, 6, angle=33, properties={"score": 0.5}, z=0),
    Ellipse(1, 2, 3, 4.4, angle=12, z=3),
    Mask(np.array([[1, 0, 1], [1, 1, 0]], bool), 5, 6, z=1),
    Composite([Points([[9, 9]]), Rectangle(0, 0, 2, 2), Line((0, 0), (5, 5))], name="mixed", z=1),
    Polyline([[0, 0], [1.1, 1], [2, 0]], z=1),
    Text("here", 1, 2, 3, 4, z=1),
]


def layers(rois, leading=("z",)):
    made = rois_to_napari(rois, leading=leading)
    return ShapesLayer(**made.shapes), PointsLayer(**made.points)


def told(layer):
    """What a layer says of itself."""
    names = ("data", "shape_type", "edge_color", "face_color", "features")
    return {name: getattr(layer, name) for name in names if hasattr(layer, name)}


def read(shapes, points, leading=("z",)):
    return rois_from_napari(shapes=told(shapes), points=told(points), leading=leading)


def test_what_napari_shows_comes_back_as_it_was():
    rois, losses = read(*layers(ROIS))
    assert rois == ROIS
    assert not losses


def test_areas_lie_on_the_pixels_that_they_cover():
    made = rois_to_napari([Rectangle(10, 20, 5, 6), Points([[10, 20]])])
    assert made.shapes["data"][0].tolist() == [[9.5, 19.5], [9.5, 25.5], [14.5, 25.5], [14.5, 19.5]]
    assert made.points["data"].tolist() == [[10, 20]]
    labels = ShapesLayer(**made.shapes).to_labels(labels_shape=(30, 40))
    assert np.argwhere(labels).min(axis=0).tolist() == [10, 20]
    assert np.argwhere(labels).max(axis=0).tolist() == [14, 25]


def test_a_polygon_with_a_hole_is_hollow_in_napari():
    square = Polygon([[0, 0], [0, 20], [20, 20], [20, 0]], holes=[[[5, 5], [5, 15], [15, 15], [15, 5]]])
    labels = ShapesLayer(**rois_to_napari([square]).shapes).to_labels(labels_shape=(20, 20))
    assert labels[10, 10] == 0
    assert labels[2, 10] == 1


def test_a_moved_shape_is_the_moved_one_with_its_name_and_holes():
    shapes, points = layers(ROIS)
    data = shapes.data
    data[0] = data[0] + [0, 3, 4]
    shapes.data = data
    rois, _ = read(shapes, points)
    assert rois[0].name == "holed"
    assert np.allclose(rois[0].vertices, np.add(ROIS[0].vertices, (3, 4)))
    assert np.allclose(rois[0].holes, np.add(ROIS[0].holes, (3, 4)))
    assert rois[1:] == ROIS[1:]


def test_a_recoloured_shape_keeps_everything_else():
    shapes, points = layers(ROIS)
    colors = shapes.edge_color.copy()
    colors[1] = [0, 0, 1, 1]
    shapes.edge_color = colors
    rois, _ = read(shapes, points)
    assert rois[2] == ROIS[2].replace(stroke="#0000ff")


def test_what_the_user_draws_comes_last():
    shapes, points = layers(ROIS)
    shapes.add([[2, 1, 1], [2, 5, 5], [2, 1, 9]], shape_type="polygon")
    points.add([[3, 7, 8]])
    rois, _ = read(shapes, points)
    assert rois[: len(ROIS)] == ROIS
    assert rois[len(ROIS)] == Polygon([[1.5, 1.5], [5.5, 5.5], [1.5, 9.5]], z=2)
    assert rois[len(ROIS) + 1].replace(stroke=None) == Points([[7, 8]], z=3)


def test_what_the_user_deletes_is_gone():
    shapes, points = layers(ROIS)
    shapes.selected_data = {0}
    shapes.remove_selected()
    rois, _ = read(shapes, points)
    assert rois == ROIS[1:]


def test_a_pasted_copy_is_a_region_of_its_own():
    made = rois_to_napari(ROIS[2:3], leading=("z",)).shapes
    twice = {name: value * 2 if isinstance(value, list) else np.concatenate([value] * 2)
             for name, value in made.items() if name not in ("features", "feature_defaults")}  # fmt: skip
    twice["features"] = {name: np.concatenate([column] * 2) for name, column in made["features"].items()}
    assert rois_from_napari(shapes=twice, leading=("z",))[0] == ROIS[2:3] * 2


def test_a_layer_that_was_never_ours_is_read():
    shapes = ShapesLayer([np.array([[0, 0], [0, 5], [5, 5], [5, 0]])], shape_type="rectangle")
    rois, losses = rois_from_napari(shapes=told(shapes))
    assert [type(roi) for roi in rois] == [Rectangle]
    assert rois[0].bounds == (0.5, 0.5, 5.5, 5.5)
    assert not losses


def test_a_shape_across_planes_is_told():
    shapes = {"data": [np.array([[0, 0, 0], [0, 0, 5], [4, 5, 5]])], "shape_type": ["polygon"]}
    _, losses = rois_from_napari(shapes=shapes, leading=("z",))
    assert str(losses) == (
        "the model cannot hold everything: region 0: its way across several planes of z; it is put on plane 0"
    )


def test_what_napari_does_not_show_is_told():
    losses = rois_to_napari([Rectangle(0, 0, 1, 1), Text("a", 0, 0, 1, 1, z=1)], leading=("z",)).losses
    assert [loss.what for loss in losses] == [
        "that it belongs to all planes of z; it is shown on plane 0",
        "text, of which the box is shown",
    ]
    assert not losses.for_good


def test_axes_that_do_not_fit_are_refused():
    with pytest.raises(InvalidOption, match="leading names some of 'c', 'z', 't', each once"):
        rois_to_napari(ROIS, leading=("y",))
    made = rois_to_napari(ROIS, leading=("z",))
    with pytest.raises(UnsupportedData, match="the layer has 3 axes"):
        rois_from_napari(shapes=made.shapes)
