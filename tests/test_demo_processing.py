"""The processing of the demonstration, as properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from polystore.demo._processing import correct_background, label_objects, plane_of

planes = arrays(
    np.float32, st.tuples(st.integers(4, 40), st.integers(4, 40)), elements=st.floats(0, 255, width=32)
)


def spots(centres) -> np.ndarray:
    y, x = np.indices((96, 96))
    image = np.zeros((96, 96), np.float32)
    for row, column in centres:
        image[(y - row) ** 2 + (x - column) ** 2 <= 36] = 100
    return image


@settings(max_examples=50, deadline=None)
@given(planes)
def test_a_corrected_plane_keeps_shape_and_dtype_and_is_nowhere_negative(plane):
    corrected = correct_background(plane)
    assert (corrected.shape, corrected.dtype) == (plane.shape, np.float32)
    assert corrected.min() >= 0


@settings(max_examples=50, deadline=None)
@given(planes)
def test_labels_count_from_1_without_gaps(plane):
    labels = label_objects(plane)
    assert labels.dtype == np.uint16
    assert set(np.unique(labels)) - {0} == set(range(1, int(labels.max()) + 1))


@settings(max_examples=25, deadline=None)
@given(st.sets(st.tuples(st.sampled_from([16, 48, 80]), st.sampled_from([16, 48, 80]))))
def test_every_spot_is_one_object(centres):
    assert label_objects(spots(centres)).max() == len(centres)


def test_touching_spots_are_parted():
    assert label_objects(spots([(40, 40), (40, 51)])).max() == 2


def test_a_uniform_ground_is_removed():
    image = spots([(48, 48)])
    assert np.allclose(correct_background(image + 50), correct_background(image), atol=1e-3)


def test_an_overexposed_spot_does_not_hide_the_others():
    image = spots([(16, 16), (80, 80)])
    image[44:52, 44:52] = 400
    assert label_objects(image).max() == 3


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 3), (9, 8, 4), (5, 9, 8), (2, 5, 9, 8), (1, 9, 8)])
def test_every_image_becomes_one_plane(shape):
    assert plane_of(np.ones(shape, np.uint16), "image.tif").shape == (9, 8)


def test_a_stack_is_projected_by_its_maximum():
    stack = np.zeros((3, 4, 5), np.float64)
    stack[1, 2, 3] = 7
    assert plane_of(stack, "stack.tif")[2, 3] == 7


def test_what_is_not_a_number_counts_as_nothing():
    assert plane_of(np.full((2, 2), np.nan), "nan.npy").tolist() == [[0, 0], [0, 0]]
