"""Points and regions in the window, and what the user drew."""

import numpy as np
import pytest
from napari_content import image, noise, points, regions

from polystore_roi import (
    Composite,
    Ellipse,
    Line,
    Mask,
    Points,
    Polygon,
    Polyline,
    Rectangle,
    rois_from_table,
)

SQUARE = [[20, 20], [20, 120], [120, 120], [120, 20]]
HOLE = [[50, 50], [50, 80], [80, 80], [80, 50]]
KINDS = [
    Polygon(SQUARE, name="cell", stroke="#00ff00", properties={"area": 12.5}),
    Polygon(SQUARE, holes=[HOLE], fill="#ff0000"),
    Rectangle(150.25, 20, 30, 60, angle=30),
    Ellipse(220, 40, 40, 80, angle=20, fill="#0000ff80"),
    Line((300, 20), (330, 100)),
    Polyline([[340, 20], [360, 60], [350, 100]]),
    Points([[400, 40], [410, 60]], name="spots", stroke="#ff00ff"),
    Mask(np.pad(np.ones((3, 4), bool), 1), y=430, x=30),
    Composite([Rectangle(20, 200, 20, 20), Rectangle(20, 240, 20, 20)], name="both"),
]


def drawn(napari):
    """All regions on the screen by layer."""
    return {layer: rois_from_table(table) for layer, table in napari.call("rois").items()}


def test_points_are_a_layer_with_features(napari):
    where = [[1.5, 2.0], [3.0, 4.0]]
    napari.call(
        "show_points", points(where, "spots", features={"size": np.array([1.0, 2.0])}, color="red", size=3.0)
    )
    layer = napari.layer("spots")
    assert (layer["kind"], layer["count"]) == ("points", 2)
    data, sizes, features, color = napari.python(
        "layer = viewer.layers['spots'];"
        "answer = layer.data, layer.size, layer.features['size'].tolist(), layer.face_color[0]"
    )
    np.testing.assert_array_equal(data, where)
    assert sizes.tolist() == [3, 3]
    assert features == [1, 2]
    assert color.tolist() == [1, 0, 0, 1]


def test_points_of_a_path_take_the_place_of_its_old_ones_and_those_of_the_user_stay(napari):
    napari.call("show_points", points([[1, 1], [2, 2]], "first", layer="spots"))
    napari.call("show_points", points([[3, 3]], "second", layer="spots"))
    napari.python("layer = viewer.layers['spots']; layer.selected_data = {0}; layer.add([9.0, 9.0])")
    napari.call("show_points", points([[4, 4], [5, 5], [6, 6]], "first", layer="spots"))
    left = napari.python("answer = viewer.layers['spots'].data.tolist()")
    assert sorted(left) == [[3, 3], [4, 4], [5, 5], [6, 6], [9, 9]]
    napari.call("show_points", points(np.empty((0, 2)), "first", layer="spots"))
    assert sorted(napari.python("answer = viewer.layers['spots'].data.tolist()")) == [[3, 3], [9, 9]]


def test_how_the_user_has_points_drawn_stays(napari):
    napari.call("show_points", points([[1, 1], [2, 2]], "spots"))
    napari.python(
        "layer = viewer.layers['spots']; layer.size = 33; layer.face_color = 'cyan'; layer.symbol = 'star'"
    )
    napari.call("show_points", points([[3, 3], [4, 4], [5, 5]], "spots"))
    sizes, colors, symbols = napari.python(
        "layer = viewer.layers['spots'];"
        "answer = layer.size, layer.face_color, [str(symbol) for symbol in layer.symbol]"
    )
    assert sizes.tolist() == [33] * 3
    assert colors.tolist() == [[0, 1, 1, 1]] * 3
    assert len(set(symbols)) == 1


def test_every_kind_of_region_is_shown_and_comes_back_as_it_was(napari):
    napari.call("show_rois", regions(KINDS, "nuclei.roi.zip"))
    assert napari.layer("nuclei.roi.zip")["kind"] == "rois"
    assert napari.layer("nuclei.roi.zip points")["count"] == 2
    assert drawn(napari) == {"nuclei.roi.zip": KINDS}


def test_regions_of_a_path_take_the_place_of_its_old_ones_and_drawings_stay(napari):
    napari.call("show_rois", regions(KINDS, "a", layer="cells"))
    napari.call("show_rois", regions(KINDS[:2], "b", layer="cells"))
    napari.python("viewer.layers['cells'].add_rectangles(np.array([[0, 0], [10, 20]]))")
    napari.call("show_rois", regions(KINDS[2:4], "a", layer="cells"))
    assert drawn(napari)["cells"] == [*KINDS[2:4], *KINDS[:2], Rectangle(0.5, 0.5, 10, 20)]
    napari.call("show_rois", regions([], "a", layer="cells"))
    assert drawn(napari)["cells"] == [*KINDS[:2], Rectangle(0.5, 0.5, 10, 20)]


def test_a_region_that_the_user_moved_keeps_its_name_and_properties(napari):
    napari.call("show_rois", regions(KINDS[:1], "cells"))
    napari.python("layer = viewer.layers['cells']; layer.data = [layer.data[0] + 1]")
    (moved,) = drawn(napari)["cells"]
    assert (moved.name, moved.stroke, moved.properties) == ("cell", "#00ff00", {"area": 12.5})
    np.testing.assert_allclose(moved.vertices, np.array(SQUARE) + 1)


def test_what_the_user_draws_in_layers_of_their_own_is_read(napari):
    napari.python(
        "corners = [[0, 0], [5, 0], [5, 5]];"
        "viewer.add_shapes([corners], shape_type='polygon', name='mine', edge_color='#ff0000');"
        "viewer.add_points([[1, 2], [3, 4]], name='marks')"
    )
    found = drawn(napari)
    assert found["mine"] == [Polygon([[0.5, 0.5], [5.5, 0.5], [5.5, 5.5]], stroke="#ff0000", fill="#ffffff")]
    np.testing.assert_array_equal(found["marks"][0].coordinates, [[1, 2], [3, 4]])


def test_regions_in_one_plane_have_a_slider_and_those_in_all_are_seen_everywhere(napari):
    rois = [Rectangle(10, 10, 5, 5, z=2), Rectangle(30, 30, 5, 5)]
    napari.call("show_image", image(noise(4, 64, 64)))
    napari.call("show_rois", regions(rois, "cells"))
    assert napari.layer("cells z")["axes"] == ["z", "y", "x"]
    assert napari.layer("cells")["axes"] == ["y", "x"]
    assert drawn(napari)["cells"] == rois


def test_regions_of_wells_are_seen_in_their_well_also_when_another_one_comes_first(napari):
    for well, roi in (("B02", KINDS[0]), ("A01", KINDS[2])):
        napari.call("show_rois", regions([roi], well, layer="cells", position={"well": well}))
        napari.call("show_points", points([[1, 1]], f"p{well}", layer="spots", position={"well": well}))
    places = napari.python("answer = [data[0, 0] for data in viewer.layers['cells'].data]")
    assert places == [1, 0]
    assert napari.python("answer = viewer.layers['spots'].data[:, 0].tolist()") == [1, 0]
    assert [roi.properties["well"] for roi in drawn(napari)["cells"]] == ["A01", "B02"]


def test_regions_of_wells_are_seen_in_every_field(napari):
    for field in (1, 2, 3):
        position = {"well": "A01", "field": field}
        napari.call("show_image", image(noise(64, 64), f"f{field}", layer="raw", position=position))
    napari.call("show_rois", regions(KINDS[:1], "r", layer="cells", position={"well": "A01"}))
    for step in (0, 2):
        napari.python(f"viewer.dims.set_current_step(1, {step})")
        shown = napari.python("answer = viewer.layers['cells']._data_view._displayed.tolist()")
        assert shown == [True]
    assert drawn(napari)["cells"] == [KINDS[0].replace(properties={"area": 12.5, "well": "A01"})]


def test_another_axis_does_not_disturb_what_is_drawn(napari):
    napari.call("show_rois", regions(KINDS[:1], "r", layer="cells", position={"t": 1}))
    napari.python("layer = viewer.layers['cells']; layer.edge_color = 'blue'; layer.opacity = 0.3")
    napari.call("show_image", image(noise(8, 8), "i", layer="raw", position={"t": 1, "z": 5}))
    layer = napari.layer("cells")
    assert (layer["axes"], layer["opacity"], layer["count"]) == (["t", "z", "y", "x"], 0.3, 1)
    assert napari.python("answer = viewer.layers['cells'].edge_color[0].tolist()") == [0, 0, 1, 1]


def test_layers_of_shapes_come_and_go_without_a_crash(napari):
    for _ in range(5):
        napari.call("show_rois", regions(KINDS, "cells"))
        napari.call("screenshot")
        napari.call("remove", "cells")
    assert napari.call("layers") == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e18, -1e308])
def test_points_that_lie_nowhere_are_refused(napari, value):
    for coordinates in ([(1, value)], [(value, 1, 1)]):
        with pytest.raises(ValueError, match="drop those that are NaN or infinite, or lie farther"):
            napari.call("show_points", points(coordinates))
    assert napari.call("layers") == []


def test_points_larger_than_everything_are_refused(napari):
    with pytest.raises(ValueError, match="at most 1000000 pixels wide"):
        napari.call("show_points", points([(1, 2)], size=1e308))


def test_regions_that_lie_nowhere_are_refused(napari):
    with pytest.raises(ValueError, match=r"reach to pixel 1\.1259e\+15"):
        napari.call("show_rois", regions([Line((0, 0), (2.0**50, 1))]))


def test_regions_on_planes_that_napari_cannot_tell_apart_are_refused(napari):
    with pytest.raises(ValueError, match="tells planes apart up to 16777216"):
        napari.call("show_rois", regions([Rectangle(1, 1, 2, 3, z=2**24)]))
    napari.call("show_rois", regions([Rectangle(1, 1, 2, 3, z=2**24 - 1)]))
    (found,) = rois_from_table(napari.call("rois")["rois"])
    assert found.z == 2**24 - 1
