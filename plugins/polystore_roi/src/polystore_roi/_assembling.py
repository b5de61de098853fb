"""Building regions from values that were checked already, many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polystore_roi._checks import Coordinates
    from polystore_roi._roi import Roi

__all__ = ["PLAIN", "AttributeValues", "assembled"]

AttributeValues = tuple[str, "str | None", "str | None", "int | None", "int | None", "int | None", str]
"""Name, stroke, fill, c, z, t, and the properties as their canonical text."""

PLAIN: AttributeValues = ("", None, None, None, None, None, "{}")
"""What a region has that was given no attributes."""

_put = object.__setattr__


def assembled(
    cls: type[Roi], rings: tuple[Coordinates, ...], values: AttributeValues = PLAIN, **extra: Any
) -> Roi:
    """Build a region past its constructor: the arrays are read-only, and everything was checked.

    Parameters
    ----------
    cls
        Class of the shape.
    rings
        Its arrays, which become the region's own.
    values
        Its attributes.
    **extra
        What the class keeps besides: ``text``, ``mask``, ``parts``.
    """
    roi = object.__new__(cls)
    _put(roi, "_rings", rings)
    name, stroke, fill, c, z, t, properties = values
    _put(roi, "name", name)
    _put(roi, "stroke", stroke)
    _put(roi, "fill", fill)
    _put(roi, "c", c)
    _put(roi, "z", z)
    _put(roi, "t", t)
    _put(roi, "_properties", properties)
    for field, value in extra.items():
        _put(roi, field, value)
    return roi
