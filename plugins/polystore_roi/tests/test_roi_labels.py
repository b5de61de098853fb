"""Label images become regions, and those the same label image again."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from polystore_core.errors import InvalidOption, UnsupportedData
from polystore_roi import (
    Composite,
    Ellipse,
    Line,
    Mask,
    Polygon,
    Rectangle,
    labels_from_rois,
    rois_from_labels,
)

both_kinds = pytest.mark.parametrize("kind", ["mask", "polygon"])


@both_kinds
@settings(deadline=None, max_examples=150)
@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.uint16, np.int32, np.int64, np.uint64]),
        arrays.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=8),
        elements=st.sampled_from([0, 1, 2, 3, 100]),
    )
)
def test_labels_to_regions_and_back_is_the_identity(kind, labels):
    back, losses = labels_from_rois(rois_from_labels(labels, kind=kind), labels.shape, dtype=labels.dtype)
    assert np.array_equal(back, labels)
    assert back.dtype == labels.dtype
    assert not losses


@both_kinds
def test_very_large_labels_come_back(kind):
    labels = np.array([[2**63 + 5, 0], [7, 2**63 + 5]], np.uint64)
    back, _ = labels_from_rois(rois_from_labels(labels, kind=kind), labels.shape)
    assert np.array_equal(back, labels)


def test_a_hole_and_what_lies_in_it_are_kept():
    labels = np.ones((5, 5), np.uint8)
    labels[1:4, 1:4] = 0
    labels[2, 2] = 1
    (roi,) = rois_from_labels(labels, kind="polygon")
    assert roi == Composite(
        [
            Polygon([[0, 5], [5, 5], [5, 0], [0, 0]], holes=[[[4, 4], [1, 4], [1, 1], [4, 1]]]),
            Polygon([[2, 3], [3, 3], [3, 2], [2, 2]]),
        ],
        name="1",
        properties={"label": 1},
    )


def test_each_hole_is_in_the_part_around_it_however_they_nest():
    labels = np.zeros((13, 29), np.uint8)
    for depth in range(6):
        labels[depth : 13 - depth, depth : 13 - depth] = 1 - depth % 2
    labels[1:6, 15:28] = 1
    labels[3, 17:20] = labels[2:4, 21] = labels[3, 23] = 0
    (roi,) = rois_from_labels(labels, kind="polygon")
    assert [(part.bounds, sorted(hole[:, 1].min() for hole in part.holes)) for part in roi.parts] == [
        ((0, 0, 13, 13), [1]),
        ((1, 15, 6, 28), [17, 21, 23]),
        ((2, 2, 11, 11), [3]),
        ((4, 4, 9, 9), [5]),
    ]
    assert np.array_equal(labels_from_rois([roi], labels.shape)[0], labels)


def test_a_noisy_mask_of_thousands_of_parts_and_holes_comes_back():
    mask = np.random.default_rng(0).random((300, 300)) < 0.5
    (roi,) = rois_from_labels(mask, kind="polygon")
    assert len(roi.parts) > 3_000
    assert sum(len(part.holes) for part in roi.parts) > 200
    back, losses = labels_from_rois([roi], mask.shape, dtype=np.uint8)
    assert np.array_equal(back, mask)
    assert not losses


def test_pixels_that_touch_at_a_corner_are_two_parts():
    (roi,) = rois_from_labels(np.eye(2, dtype=bool), kind="polygon")
    assert len(roi.parts) == 2


@pytest.mark.parametrize("shape", [(3,), (), 3, "64", (3, -1), (3.0, 4)])
def test_labels_have_a_shape(shape):
    with pytest.raises(InvalidOption, match=r"^shape takes \(\.\.\., Y, X\), such as image\.shape; got "):
        labels_from_rois([Rectangle(0, 0, 1, 1)], shape)


def test_labels_are_of_a_list_of_regions():
    with pytest.raises(UnsupportedData, match=r"^a single Rectangle is not a list of ROIs; type \[roi\]$"):
        labels_from_rois(Rectangle(0, 0, 1, 1), (4, 4))


def test_leading_axes_become_positions():
    labels = np.zeros((2, 3, 4, 4), np.uint8)
    labels[1, 2, 1:3, 1] = 9
    assert rois_from_labels(labels, leading=("t", "c")) == [
        Mask(np.ones((2, 1), bool), 1, 1, name="9", t=1, c=2, properties={"label": 9})
    ]
    with pytest.raises(InvalidOption, match="name the 2 leading axes"):
        rois_from_labels(labels)


@both_kinds
def test_a_thousand_touching_objects_need_little_memory(kind):
    labels = np.kron(np.arange(1, 1025, dtype=np.int32).reshape(32, 32), np.ones((32, 32), np.int32))
    rois_from_labels(labels[:64, :64], kind=kind)
    tracemalloc.start()
    rois = rois_from_labels(labels, kind=kind)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rois) == 1024
    assert peak < 64 * 2**20
    back, losses = labels_from_rois(rois, labels.shape)
    assert np.array_equal(back, labels)
    assert not losses


def test_an_area_covers_the_pixels_whose_centres_lie_inside():
    labels, losses = labels_from_rois([Rectangle(0.4, 0.6, 2, 2)], (4, 4))
    assert labels.tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0] * 4, [0] * 4]
    assert "an outline between pixels" in str(losses)


def test_a_turned_ellipse_covers_its_area():
    labels, _ = labels_from_rois([Ellipse(10, 10, 40, 80, angle=30)], (100, 100))
    assert labels.sum() == pytest.approx(np.pi * 20 * 40, rel=0.01)


@pytest.mark.parametrize(
    ("rois", "message"),
    [
        ([Line((0, 0), (3, 3))], "lines, points or text, which cover no pixels"),
        (
            [Rectangle(0, 0, 2, 2), Rectangle(1, 1, 2, 2)],
            "region 1: an overlap: 1 pixels were those of earlier",
        ),
        ([Rectangle(-1, 0, 2, 2)], "what of it lies outside of the image"),
        ([Rectangle(9, 9, 2, 2)], "a place outside of the image"),
        ([Rectangle(0, 0, 2, 2, z=1)], "its plane on z, an axis that the image does not have"),
        ([Rectangle(0, 0, 2, 2, name="cell")], r"region 0 \(cell\): name, colours or properties"),
    ],
)
def test_what_a_label_image_cannot_hold_is_told(rois, message):
    _, losses = labels_from_rois(rois, (4, 4))
    with pytest.raises(UnsupportedData, match=message):
        losses.settle(strict=True)


def test_a_region_of_all_planes_is_drawn_on_all():
    labels, losses = labels_from_rois([Rectangle(0, 0, 1, 1)], (3, 2, 2))
    assert labels[:, 0, 0].tolist() == [1, 1, 1]
    assert not losses


@pytest.mark.parametrize("labels", [np.zeros((2, 2)), np.zeros(3, int), np.array([[-1, 0]])])
def test_what_is_no_label_image_is_refused(labels):
    with pytest.raises(UnsupportedData, match="a label image holds"):
        rois_from_labels(labels)


def test_a_label_that_the_dtype_cannot_hold_is_refused():
    roi = Rectangle(0, 0, 1, 1, properties={"label": 300})
    with pytest.raises(UnsupportedData, match="labels up to 300 need an integer type"):
        labels_from_rois([roi], (2, 2), dtype=np.uint8)
