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
from polystore_roi._shapes import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_roi._roi import Roi

__all__ = ["differences", "restored", "same_shape", "with_attributes"]

_SCALARS = ("name", "stroke", "fill", "c", "z", "t")
_SHAPE = "shape"
_NEAR, _RELATIVE = 1e-4, 3e-7
"""Pixels, and parts of a coordinate, by which float32 may have rounded what nobody changed."""


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
    shape = exact if same_shape(shown, back, near=True) else back
    valid = {field: value for field, value in given.items() if getattr(shown, field) == getattr(back, field)}
    return with_attributes(shape, **(back.attributes() | valid | {"properties": free | back.properties}))


def with_attributes(shape: Roi, **attributes: Any) -> Roi:
    """Return a region of that shape with these attributes."""
    return shape.replace(**attributes)


def same_shape(one: Roi, other: Roi, *, near: bool = False) -> bool:
    """Tell whether two regions have the same shape, whatever their attributes; ``near`` forgives rounding."""
    if near and type(one) is type(other) and len(one._rings) == len(other._rings):
        parts: Any = zip(getattr(one, "parts", ()), getattr(other, "parts", ()), strict=False)
        if len(getattr(one, "parts", ())) != len(getattr(other, "parts", ())):
            return False
        if not all(same_shape(*pair, near=True) for pair in parts):
            return False
        # ImageJ fits the box of a text to its font, so its size is no sign of a change.
        rows = [0, 2] if isinstance(one, Text) else slice(None)
        rings = zip(one._rings, other._rings, strict=True)
        return all(_close(ring[rows], twin[rows]) for ring, twin in rings) and (
            hasattr(one, "parts") or one._shape() == other._shape()
        )
    return _bare(one) == _bare(other)


def _close(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=_RELATIVE, atol=_NEAR)


def _bare(roi: Roi) -> Roi:
    extra = {slot: getattr(roi, slot) for slot in type(roi).__slots__ if slot in ("text", "mask", "parts")}
    return assembled(type(roi), roi._rings, PLAIN, **extra)


def _equal(one: Any, other: Any) -> bool:
    """Compare JSON values; 1, 1.0 and True differ."""
    from polystore_core.data import data_equal

    return data_equal([one], [other])
