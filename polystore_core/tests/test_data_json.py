"""JSON values pass as they are; what JSON cannot hold exactly is named with its place."""

import collections
import datetime
import enum
import json
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore_core import UnsupportedData
from polystore_core.data import data_equal, kind_of, normalize

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


class Stage(enum.IntEnum):
    LEFT = 1


def refusal(data):
    with pytest.raises(UnsupportedData) as caught:
        normalize(data)
    return str(caught.value)


@given(NESTED.filter(lambda value: value is not None and type(value) is not str))
def test_a_json_value_passes_as_the_same_object_and_survives_json(value):
    assert normalize(value) is value
    assert kind_of(value) == "json"
    assert data_equal(json.loads(json.dumps(value)), value)


def test_the_same_list_may_appear_twice():
    spacing = [0.65, 0.65]
    assert normalize({"xy": spacing, "uv": spacing}) == {"xy": [0.65, 0.65], "uv": [0.65, 0.65]}


def test_an_empty_dictionary_is_json():
    assert kind_of(normalize({})) == "json"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [(1, 2)]}, "$.a[0] is a tuple, which JSON cannot hold; type list(value)"),
        ({"a": {1, 2}}, "$.a is a set, which JSON cannot hold; type sorted(value)"),
        ([b"x"], "$[0] is a bytes, which JSON cannot hold; type value.decode() or value.hex()"),
        ([1, [math.nan]], "$[1][0] is nan, which JSON has no number for; type None or a string"),
        (-math.inf, "$ is -inf, which JSON has no number for; type None or a string"),
        ({"a": {2: "b"}}, "$.a has the key 2, and JSON keys are str; type {str(k): v for k, v in ...}"),
        (
            {"plate 1": [None, 1j]},
            "$['plate 1'][1] is a complex, which JSON cannot hold; type [value.real, value.imag]",
        ),
        ({"area": np.float64(2)}, "$.area is a numpy.float64, which JSON cannot hold; type value.item()"),
        ([np.arange(2)], "$[0] is a numpy.ndarray, which JSON cannot hold; type value.tolist()"),
        ({"price": Decimal("0.1")}, "$.price is a decimal.Decimal, which JSON cannot hold; type str(value)"),
        (
            [datetime.date(2024, 1, 1)],
            "$[0] is a datetime.date, which JSON cannot hold; type value.isoformat()",
        ),
        ([Stage.LEFT], "$[0] is a test_data_json.Stage, not a plain int; type int(value)"),
        (
            {"a": collections.OrderedDict()},
            "$.a is a collections.OrderedDict, not a plain dict; type dict(value)",
        ),
        (collections.Counter("ab"), "$ is a collections.Counter, not a plain dict; type dict(value)"),
        ([object()], "$[0] is a object; JSON holds dict, list, str, int, float, bool and None"),
        (collections.ChainMap(), "$ is a collections.ChainMap, which JSON cannot hold; type dict(value)"),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_place(value, message):
    assert refusal(value) == message


def test_a_cycle_is_refused():
    wells = {"A01": []}
    wells["A01"].append(wells)
    assert refusal(wells) == "$.A01[0] contains itself; JSON holds trees only"


def test_very_deep_nesting_is_refused():
    value = []
    for _ in range(5000):
        value = [value]
    assert refusal(value).endswith("lies deeper than 200 levels; flatten the value")
