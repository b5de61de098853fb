"""Regions and points in the real ImageJ: on images, in the ROI Manager, and back."""

import numpy as np
import pytest
from fiji_content import image, labels, plane, points, regions, shown_rois

from polystore_roi import Composite, Ellipse, Line, Mask, Points, Polygon, Polyline, Rectangle

EVERY_SHAPE = [
    Polygon([(1, 1), (10.5, 1), (10.25, 20.125)], name="polygon", stroke="#ff0000"),
    Polygon([(0, 0), (0, 9), (9, 9), (9, 0)], holes=[[(2, 2), (2, 4), (4, 4)]], name="with a hole"),
    Polyline([(1, 1), (2, 2), (3, 1.1)], name="polyline"),
    Line((1, 2), (3.5, 4), name="line"),
    Rectangle(1, 2, 3, 4, name="rectangle"),
    Rectangle(1, 2, 3, 4, angle=30, name="turned rectangle"),
    Ellipse(1, 2, 3, 4, name="ellipse"),
    Ellipse(1, 2, 3, 4, angle=30, name="turned ellipse"),
    Points([[1.0, 2.0], [3.0, 4.5]], name="points"),
    Mask(np.array([[1, 0], [1, 1]], bool), 3, 4, name="mask"),
    Composite([Rectangle(0, 0, 2, 2), Rectangle(5, 5, 2, 2)], name="composite"),
]
SQUARE = Rectangle(1, 2, 3, 4, name="square")


def overlay_size(fiji, title):
    return fiji.java(f"(lambda o: 0 if o is None else o.size())(imp({title!r}).getOverlay())")


def test_every_shape_is_in_the_overlay_and_in_the_manager_and_comes_back_as_it_was(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    fiji.call("show_rois", regions(EVERY_SHAPE))
    assert overlay_size(fiji, "image") == len(EVERY_SHAPE)
    shown = shown_rois(fiji)
    assert shown["rois"] == EVERY_SHAPE
    assert shown["ROI Manager"] == EVERY_SHAPE


def test_regions_without_a_name_get_one_in_the_manager_alone(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    fiji.call("show_rois", regions([Rectangle(1, 2, 3, 4)]))
    shown = shown_rois(fiji)
    assert shown["rois"] == [Rectangle(1, 2, 3, 4)]
    assert shown["ROI Manager"][0].replace(name="") == Rectangle(1, 2, 3, 4)


def test_regions_of_a_path_take_the_place_of_the_former_ones_and_of_nothing_else(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    fiji.call("show_rois", regions(EVERY_SHAPE, "cells"))
    fiji.call("show_rois", regions([SQUARE], "other"))
    fiji.java("imp('image').setRoi(7, 8, 9, 10)")
    fiji.call("show_rois", regions(EVERY_SHAPE[:2], "cells"))
    shown = shown_rois(fiji)
    assert shown["cells"] == EVERY_SHAPE[:2]
    assert shown["other"] == [SQUARE]
    assert shown["ROI Manager"] == [SQUARE, *EVERY_SHAPE[:2]]
    assert shown["image"] == [Rectangle(8, 7, 10, 9)]


def test_regions_lie_on_the_image_of_their_layer(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8), "a"))
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8), "b"))
    fiji.call("show_rois", regions([SQUARE], "a", "a.roi.zip"))
    assert (overlay_size(fiji, "a"), overlay_size(fiji, "b")) == (1, 0)


def test_regions_lie_on_the_image_of_their_name_else_on_the_last_one(fiji):
    for name in ("scan/a.tif", "scan/b.tif", "scan/c.tif"):
        fiji.call("show_image", image(np.zeros((40, 40), np.uint8), name))
    fiji.call("show_rois", regions([SQUARE], "scan/b.roi.zip"))
    fiji.call("show_rois", regions([SQUARE], "found.roi.zip"))
    assert [overlay_size(fiji, f"scan/{name}.tif") for name in "abc"] == [0, 1, 1]


def test_regions_that_come_first_wait_for_an_image(fiji):
    fiji.call("show_rois", regions([SQUARE]))
    assert shown_rois(fiji) == {"rois": [], "ROI Manager": [SQUARE]}
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    assert shown_rois(fiji)["rois"] == [SQUARE]


def test_regions_are_described_as_a_layer(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    fiji.call("show_rois", regions(EVERY_SHAPE))
    assert fiji.call("layers")[1] == {
        "name": "rois",
        "kind": "rois",
        "visible": True,
        "count": len(EVERY_SHAPE),
        "on": ["image"],
    }


def test_removing_their_layer_takes_them_off_image_and_manager(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    fiji.call("show_rois", regions(EVERY_SHAPE))
    fiji.call("remove", "rois")
    assert shown_rois(fiji) == {}
    assert overlay_size(fiji, "image") == 0


def test_regions_follow_their_plane_while_the_stack_grows(fiji):
    fiji.call("show_image", plane(1, t=5))
    fiji.call("show_rois", regions([SQUARE], "stack", "t5.roi", position={"t": 5}))
    fiji.call("show_rois", regions([SQUARE], "stack", "t2.roi", position={"t": 2}))
    assert [roi.t for roi in shown_rois(fiji)["stack"]] == [0]
    fiji.call("show_image", plane(1, t=2))
    fiji.call("show_image", plane(1, t=1))
    assert sorted(roi.t for roi in shown_rois(fiji)["stack"]) == [1, 2]


def test_regions_of_one_channel_are_shown_on_all(fiji):
    fiji.call("show_image", plane(1, channel=1, z=1))
    fiji.call("show_image", plane(1, channel=2, z=1))
    fiji.call("show_rois", regions([SQUARE], "stack", "c1.roi", position={"channel": 1, "z": 1}))
    assert [roi.position for roi in shown_rois(fiji)["stack"]] == [(None, 0, None)]


def test_regions_that_name_their_plane_are_only_there(fiji):
    fiji.call("show_image", image(np.zeros((3, 40, 50), np.uint8), contrast=(0.0, 1.0)))
    fiji.call("show_rois", regions([SQUARE.replace(z=2)]))
    assert shown_rois(fiji)["rois"] == [SQUARE.replace(z=2)]


def test_what_the_user_draws_comes_back(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    fiji.java("imp('image').setOverlay(ij('ij.gui.Overlay')(ij('ij.gui.OvalRoi')(1, 2, 3, 4)))")
    fiji.java("imp('image').setRoi(ij('ij.gui.Line')(1, 2, 3, 4))")
    fiji.java("ij('ij.plugin.frame.RoiManager').getRoiManager().addRoi(ij('ij.gui.Roi')(5, 6, 7, 8))")
    shown = shown_rois(fiji)
    assert shown["image"] == [Ellipse(2, 1, 4, 3), Line((2, 1), (4, 3))]
    assert [roi.replace(name="") for roi in shown["ROI Manager"]] == [Rectangle(6, 5, 8, 7)]


def test_what_the_user_moved_comes_back_where_it_is_now(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    fiji.call("show_rois", regions([SQUARE]))
    fiji.java("imp('image').getOverlay().get(0).setLocation(20, 10)")
    assert shown_rois(fiji)["rois"] == [Rectangle(10, 20, 3, 4, name="square")]


def test_what_the_user_put_into_the_overlay_stays_when_regions_arrive(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    fiji.java("imp('image').setOverlay(ij('ij.gui.Overlay')(ij('ij.gui.OvalRoi')(1, 2, 3, 4)))")
    for count in (1, 2):
        fiji.call("show_rois", regions([SQUARE] * count))
    assert shown_rois(fiji)["image"] == [Ellipse(2, 1, 4, 3)]
    assert overlay_size(fiji, "image") == 3


def test_outlines_are_painted(fiji):
    fiji.call("show_image", image(np.zeros((200, 300), np.uint8), contrast=(0.0, 255.0)))
    fiji.call("show_rois", regions([Rectangle(50, 60, 80, 90, stroke="#00ff00")]))
    shown = fiji.call("screenshot")
    assert (shown == (0, 255, 0)).all(axis=2).sum() >= 2 * (80 + 90) - 4


def test_points_are_one_point_selection_per_plane(fiji):
    fiji.call("show_image", image(np.zeros((3, 40, 50), np.uint8), contrast=(0.0, 1.0)))
    fiji.call("show_points", points([(0, 1, 2), (2, 3, 4), (2, 5.5, 6)], color="#00ff00", size=7))
    shown = shown_rois(fiji)["points"]
    assert [(roi.z, roi.coordinates.tolist(), roi.stroke) for roi in shown] == [
        (0, [[1, 2]], "#00ff00"),
        (2, [[3, 4], [5.5, 6]], "#00ff00"),
    ]
    assert fiji.call("layers")[1]["count"] == 3


def test_points_of_a_path_take_the_place_of_the_former_ones(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8)))
    fiji.call("show_points", points([(1, 2), (3, 4)]))
    fiji.call("show_points", points([(5, 6)]))
    assert [roi.coordinates.tolist() for roi in shown_rois(fiji)["points"]] == [[[5, 6]]]
    fiji.call("show_points", points(np.empty((0, 2))))
    assert shown_rois(fiji)["points"] == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e18, -1e308])
def test_points_that_lie_nowhere_are_refused(fiji, value):
    for coordinates in ([(1, value)], [(value, 1, 1)]):
        with pytest.raises(ValueError, match="drop those that are NaN or infinite, or lie farther"):
            fiji.call("show_points", points(coordinates))


def test_a_hundred_thousand_points_are_shown(fiji):
    fiji.call("show_image", image(np.zeros((400, 400), np.uint8)))
    sent = np.random.default_rng(0).integers(0, 400, (100_000, 2))
    fiji.call("show_points", points(sent))
    assert fiji.java("imp('image').getOverlay().get(0).size()") == 100_000
    assert fiji.call("layers")[1]["count"] == 100_000


def test_regions_on_an_image_that_is_closed_wait_for_the_next_one(fiji):
    fiji.call("show_image", image(np.zeros((40, 40), np.uint8), "a"))
    fiji.call("show_rois", regions([SQUARE]))
    fiji.call("remove", "a")
    assert shown_rois(fiji)["rois"] == []
    fiji.call("show_labels", labels(np.ones((40, 40), np.uint8)))
    assert shown_rois(fiji)["rois"] == [SQUARE]
