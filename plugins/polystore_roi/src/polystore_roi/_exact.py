"""The exact region travels beside what a poorer format shows of it, and counts as long as that is unchanged.

A format such as ImageJ's holds most of a region, rounded here and there. What it does not give back equal
is written as JSON wherever the format has room for text. On the way back a field of that JSON is taken only
if what the format shows of it is still what it would show of the whole: so a shape that somebody moved in
Fiji is the moved one, and one that nobody touched is exactly the one that was saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.errors import CorruptData
from polystore_roi._assembling import PLAIN, assembled
from polystore_roi._records import checked_attributes, shape_of, shape_record
from polystore_roi._shapes import Composite, Ellipse, Polygon, Polyline, Rectangle, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polystore_roi._roi import Roi

    Array = np.ndarray[Any, Any]

__all__ = ["differences", "restored", "same_shape", "with_attributes"]

_SCALARS = ("name", "stroke", "fill", "c", "z", "t")
_SHAPE = "shape"
_NEAR, _RELATIVE = 1e-4, 5e-7
"""Pixels, and parts of the farthest coordinate, by which single precision rounds what nobody changed."""


def differences(roi: Roi, back: Roi, *, fragile: bool = False) -> dict[str, Any]:
    """Return what ``back``, the region as a format gives it back, lacks of ``roi``, as a JSON object.

    Parameters
    ----------
    roi
        The region.
    back
        The same after the way into the format and back.
    fragile
        True writes the shape even if it came back equal: a program on the way may round it.
    """
    found: dict[str, Any] = {}
    if fragile or not same_shape(roi, back):
        found[_SHAPE] = shape_record(roi)
    for field in _SCALARS:
        if getattr(roi, field) != getattr(back, field):
            found[field] = getattr(roi, field)
    held = back.properties
    properties = {
        key: value for key, value in roi.properties.items() if key not in held or not _equal(value, held[key])
    }
    return found | ({"properties": properties} if properties else {})


def restored(back: Roi, record: Any, through: Callable[[Roi], Roi], where: str) -> Roi:
    """Return ``back`` with what is still valid of the record that :func:`differences` made.

    Parameters
    ----------
    back
        What the format shows now.
    record
        The JSON object that travelled beside it; it may come from anywhere.
    through
        Takes a region into the format and back.
    where
        Names the place in messages.

    Raises
    ------
    CorruptData
        If the record is none.
    """
    if type(record) is not dict or not record.keys() <= {_SHAPE, *_SCALARS, "properties"}:
        raise CorruptData(f"{where}: what travels beside it is no record of a region")
    given = {field: record[field] for field in _SCALARS if field in record}
    present = {field: value for field, value in given.items() if value is not None}
    checked_attributes(present, where)
    free = record.get("properties", {})
    checked_attributes({"properties": free}, where)
    exact = shape_of(record[_SHAPE], where) if _SHAPE in record else back
    try:
        candidate = with_attributes(exact, **(back.attributes() | given))
    except (TypeError, ValueError) as error:
        raise CorruptData(f"{where}: {error}") from error
    shown = through(candidate)
    shape = exact if _alike(shown, back) else back
    valid = {field: value for field, value in given.items() if getattr(shown, field) == getattr(back, field)}
    return with_attributes(shape, **(back.attributes() | valid | {"properties": free | back.properties}))


def with_attributes(shape: Roi, **attributes: Any) -> Roi:
    """Return a region of that shape with these attributes."""
    return shape.replace(**attributes)


def same_shape(one: Roi, other: Roi) -> bool:
    """Tell whether two regions have the same shape, whatever their attributes."""
    return _bare(one) == _bare(other)


def _alike(one: Roi, other: Roi) -> bool:
    """Tell whether two shapes are the same but for what single precision rounds."""
    reach = max(map(abs, one.bounds + other.bounds))
    return _near(one, other, _NEAR + _RELATIVE * reach)


def _near(one: Roi, other: Roi, tolerance: float) -> bool:
    rings, others = _straight(one), _straight(other)
    if rings is not None and others is not None:
        return _match(rings, others, tolerance)
    if type(one) is not type(other):
        return False
    if isinstance(one, Composite) and isinstance(other, Composite):
        same_count = len(one.parts) == len(other.parts)
        return same_count and all(
            _near(*pair, tolerance) for pair in zip(one.parts, other.parts, strict=True)
        )
    if isinstance(one, Text) and isinstance(other, Text):
        # ImageJ fits the box of a text to its font, so its size is no sign of a change.
        places = (one._rings[0][[0, 2]], other._rings[0][[0, 2]])
        return one.text == other.text and _close(*places, tolerance)
    if isinstance(one, Rectangle | Ellipse) and isinstance(other, Rectangle | Ellipse):
        return _close(one.corners, other.corners, tolerance)
    return one._shape() == other._shape() and _match(one._rings, other._rings, tolerance)


def _straight(roi: Roi) -> list[Array] | None:
    """Return the outlines of polygons and lines: which is a hole of which may depend on rounding."""
    parts = roi.parts if isinstance(roi, Composite) else (roi,)
    if not all(isinstance(part, Polygon | Polyline) for part in parts):
        return None
    return [ring for part in parts for ring in part._rings]


def _match(rings: Sequence[Array], others: Sequence[Array], tolerance: float) -> bool:
    """Tell whether the same rings are there, in whatever order."""
    left = list(others)
    for ring in rings:
        place = next((at for at, other in enumerate(left) if _close(ring, other, tolerance)), None)
        if place is None:
            return False
        del left[place]
    return not left


def _close(one: Array, other: Array, tolerance: float) -> bool:
    return one.shape == other.shape and bool((np.abs(one - other) <= tolerance).all())


def _bare(roi: Roi) -> Roi:
    extra = {slot: getattr(roi, slot) for slot in type(roi).__slots__ if slot in ("text", "mask", "parts")}
    return assembled(type(roi), roi._rings, PLAIN, **extra)


def _equal(one: Any, other: Any) -> bool:
    """Compare JSON values; 1, 1.0 and True differ."""
    from polystore_core.data import data_equal

    return data_equal([one], [other])
