"""Equality is exact: kind, dtype, shape and every bit, except what NaN carries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from polystore_core import UnsupportedData
from polystore_core.data import data_equal

ANY_ARRAY = hnp.arrays(
    hnp.scalar_dtypes() | hnp.array_dtypes(), hnp.array_shapes(min_dims=0, min_side=0, max_side=3)
)

QUIET_NAN = np.array([0x7FF8000000000000], dtype="u8").view("f8")
NAN_WITH_PAYLOAD = np.array([0xFFF8000000000001], dtype="u8").view("f8")


@given(ANY_ARRAY)
def test_every_array_equals_its_copy_in_any_layout_and_byte_order(array):
    assert data_equal(array, array.copy(order="F"))
    assert data_equal(array, array.astype(array.dtype.newbyteorder("S")))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (QUIET_NAN, NAN_WITH_PAYLOAD),
        (np.array([np.nan + 0j]), np.array([np.nan + 0j])),
        (np.array([np.nan], dtype="g"), np.array([np.nan], dtype="g")),
        (np.array(["NaT"], dtype="M8[s]"), np.array(["NaT"], dtype="M8[s]")),
        (np.array([(1, np.nan)], dtype="i4,f8"), np.array([(1, np.nan)], dtype=">i4,>f8")),
        ({"a": np.zeros(2)}, {"a": np.zeros(2)}),
        ({"a": [1, 2.5, None]}, {"a": [1, 2.5, None]}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (b"x", b"x"),
        ("x", "x"),
        (True, True),
    ],
)
def test_equal(a, b):
    assert data_equal(a, b)
    assert data_equal(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.array([0.0]), np.array([-0.0])),
        (np.array([0.0], dtype="g"), np.array([-0.0], dtype="g")),
        (np.array([0j]), np.array([complex(0, -0.0)])),
        (np.array([1.0]), np.array([np.nan])),
        (np.array([1.0]), np.array([1.0], dtype="f4")),
        (np.array([1], dtype="i1"), np.array([1], dtype="u1")),
        (np.array(["a"], dtype="U1"), np.array(["a"], dtype="U2")),
        (np.array([1], dtype="M8[s]"), np.array([1], dtype="M8[ms]")),
        (np.array(["NaT"], dtype="M8[s]"), np.array([0], dtype="M8[s]")),
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros((0, 2)), np.zeros((2, 0))),
        (np.array(b"ab", dtype="V2"), np.array(b"ac", dtype="V2")),
        (np.array([(1, 2)], dtype="i4,i4"), np.array([(1, 3)], dtype="i4,i4")),
        (np.array([(1,)], dtype=[("y", "i4")]), np.array([(1,)], dtype=[("x", "i4")])),
        ({"a": np.zeros(2), "b": np.ones(2)}, {"b": np.ones(2), "a": np.zeros(2)}),
        ({"a": np.zeros(2)}, {"a": np.zeros(3)}),
        ({"a": np.zeros(2)}, {"a": [0.0, 0.0]}),
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        ([1], [1, 2]),
        ([1], {"0": 1}),
        ({"a": None}, {"b": None}),
        ({"a": [1]}, {"a": [1.0]}),
        (b"x", "x"),
        (b"x", b"y"),
        ("x", ["x"]),
    ],
)
def test_not_equal(a, b):
    assert not data_equal(a, b)
    assert not data_equal(b, a)


@given(
    hnp.arrays("u1", 5) | hnp.arrays("i4", (2, 3)) | hnp.arrays("f4", 4, elements={"allow_nan": False}),
    st.data(),
)
def test_one_changed_bit_makes_a_difference(array, draw):
    changed = array.copy()
    position = draw.draw(st.integers(0, array.nbytes - 1))
    changed.reshape(-1).view("u1")[position] ^= 1
    assert not data_equal(array, changed)


def test_only_normalized_values_are_compared():
    with pytest.raises(UnsupportedData, match="a value of type tuple is none of the kinds"):
        data_equal((1, 2), [1, 2])
