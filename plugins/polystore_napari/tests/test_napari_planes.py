"""The array that grows: it is what numpy would hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore_napari._planes import Planes, Stack
from polystore_napari._world import World

WELLS = ("A01", "A02", "A10")


def filled(stack_axes, present):
    """A stack over wells and fields, and the array that it stands for."""
    world = World()
    for well in WELLS:
        for field in (1, 2):
            world.add({"well": well, "field": field}, ("y", "x"), (4, 5))
    planes = Planes(stack_axes, ("y", "x"), np.dtype(np.uint16))
    values = {"well": WELLS, "field": (1, 2)}
    expected = np.zeros((3, 2, 4, 5), np.uint16)
    for number, (at_well, at_field) in enumerate(present):
        plane = np.arange(20, dtype=np.uint16).reshape(4, 5) + 100 * number
        steps = {"well": at_well, "field": at_field}
        planes.put(tuple(values[axis][steps[axis]] for axis in stack_axes), plane)
        where = tuple(steps[axis] if axis in stack_axes else slice(None) for axis in ("well", "field"))
        expected[where] = plane
    return Stack(planes, world), expected


places = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=6, unique=True)
orders = st.sampled_from([("well", "field"), ("field", "well"), ("well",)])


def index(length):
    return st.integers(-length, length - 1) | st.slices(length).filter(lambda part: (part.step or 1) > 0)


@given(places, orders, st.tuples(*map(index, (3, 2, 4, 5))))
def test_a_part_of_the_stack_is_that_part_of_the_array(present, axes, selection):
    stack, expected = filled(axes, present)
    assert stack.shape == expected.shape
    np.testing.assert_array_equal(stack[selection], expected[selection])
    np.testing.assert_array_equal(np.asarray(stack), expected)


@given(places, orders, st.lists(st.tuples(*(st.integers(0, n - 1) for n in (3, 2, 4, 5))), min_size=1))
def test_points_of_the_stack_are_those_points_of_the_array(present, axes, spots):
    stack, expected = filled(axes, present)
    where = tuple(np.array(spots).T)
    np.testing.assert_array_equal(stack[where], expected[where])


@given(places, st.tuples(*map(index, (3, 2, 4, 5))))
def test_what_is_written_is_where_the_array_would_have_it(present, selection):
    stack, expected = filled(("well", "field"), present)
    stack[selection] = 7
    expected[selection] = 7
    np.testing.assert_array_equal(np.asarray(stack), expected)


@given(places, orders, st.data())
def test_a_part_of_a_part_is_that_part_of_the_array(present, axes, data):
    stack, expected = filled(axes, present)
    first = data.draw(st.tuples(*map(index, (3, 2, 4, 5))))
    second = data.draw(st.tuples(*map(index, expected[first].shape))) if expected[first].size else ()
    np.testing.assert_array_equal(stack[first][second], expected[first][second])


def test_one_plane_is_seen_without_a_copy():
    stack, _ = filled(("well", "field"), [(0, 0)])
    assert np.shares_memory(stack[0, 0], stack[0, 0, 1:])


def test_another_well_moves_planes_without_copying_them():
    world = World()
    planes = Planes(("well",), ("y", "x"), np.dtype(np.uint8))
    stack = Stack(planes, world)
    world.add({"well": "B02"}, ("y", "x"), (2, 2))
    planes.put(("B02",), np.ones((2, 2), np.uint8))
    before = stack[0]
    world.add({"well": "A01"}, ("y", "x"), (2, 2))
    assert stack.shape == (2, 2, 2)
    assert np.shares_memory(stack[1], before)
    assert not stack[0].any()


def test_a_smaller_plane_is_filled_up_with_zeros():
    world = World()
    planes = Planes(("t",), ("y", "x"), np.dtype(np.uint8))
    for time, size in enumerate((2, 3)):
        world.add({"t": time}, ("y", "x"), (size, size))
        planes.put((time,), np.ones((size, size), np.uint8))
    stack = Stack(planes, world)
    assert stack.shape == (2, 3, 3)
    assert stack[0].sum() == 4
    assert stack[1].sum() == 9


def test_a_stack_of_every_second_pixel_is_that_of_the_array():
    world = World()
    planes = Planes(("t",), ("y", "x"), np.dtype(np.uint8))
    world.add({"t": 0}, ("y", "x"), (5, 4))
    pixels = np.arange(20, dtype=np.uint8).reshape(5, 4)
    planes.put((0,), pixels)
    half = Stack(planes, world, 2)
    assert half.shape == (1, 3, 2)
    np.testing.assert_array_equal(half[0], pixels[::2, ::2])


def test_an_index_outside_is_refused():
    stack, _ = filled(("well", "field"), [(0, 0)])
    with pytest.raises(IndexError, match="out of bounds"):
        stack[3, 0]
