"""Hypothesis strategies for regions of every kind."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from polystore_roi import Composite, Ellipse, Line, Mask, Points, Polygon, Polyline, Rectangle, Text

_whole = st.integers(-6_000, 70_000).map(float)
_fine = st.floats(-1e5, 1e5, allow_subnormal=False).map(lambda value: value if abs(value) > 1e-300 else 0.0)
_quarters = st.integers(-4_000, 40_000).map(lambda value: value / 4)
numbers = st.one_of(_whole, _quarters, _fine)
_sizes = numbers.map(abs)
_texts = st.text(st.characters(codec="utf-8"), max_size=8)
_colors = st.none() | st.from_regex(r"#[0-9a-f]{6}([0-9a-f]{2})?", fullmatch=True)
_planes = st.none() | st.integers(0, 5) | st.integers(0, 2**31 - 2)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=4,
)
_properties = st.dictionaries(
    st.sampled_from(["label", "area", "imagej", "polystore", "name", "class"]) | _texts, _json, max_size=3
)


def _rings(least, most=6):
    """Coordinates, sometimes of one kind throughout, as real ones are."""
    shape = st.tuples(st.integers(least, most), st.just(2))
    return st.one_of(
        *(arrays.arrays(np.float64, shape, elements=kind) for kind in (_whole, _quarters, _fine, numbers))
    )


def _boxes(cls):
    angles = st.just(0.0) | st.floats(-400, 400, allow_subnormal=False)
    return st.builds(cls, numbers, numbers, _sizes, _sizes, angles)


def _masks():
    pixels = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=6))
    place = st.integers(-100, 10_000)
    return st.builds(Mask, pixels.filter(np.any), place, place)


shapes = {
    "polygon": st.builds(Polygon, _rings(3)),
    "polygon with holes": st.builds(Polygon, _rings(3), st.lists(_rings(3), min_size=1, max_size=2)),
    "polyline": st.builds(Polyline, _rings(2)),
    "line": st.builds(Line, st.tuples(numbers, numbers), st.tuples(numbers, numbers)),
    "rectangle": _boxes(Rectangle),
    "ellipse": _boxes(Ellipse),
    "points": st.builds(Points, _rings(1)),
    "mask": _masks(),
    "text": st.builds(Text, _texts, numbers, numbers, _sizes, _sizes, st.just(0.0) | numbers),
}
"""Strategies for shapes without attributes, by name."""

shapes["composite"] = st.builds(Composite, st.lists(st.one_of(*shapes.values()), min_size=1, max_size=3))

attributes = st.fixed_dictionaries(
    {},
    optional={
        "name": _texts,
        "stroke": _colors,
        "fill": _colors,
        "c": _planes,
        "z": _planes,
        "t": _planes,
        "properties": _properties,
    },
)


def regions(kind=None):
    """Regions of one kind, or of any."""
    shape = st.one_of(*shapes.values()) if kind is None else shapes[kind]
    return st.builds(lambda roi, given: roi.replace(**given), shape, attributes)
