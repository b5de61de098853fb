"""Regions as JSON values, exactly: the content of ``.roi.json``, and what travels beside poorer formats."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.errors import CorruptData, UnsupportedData
from polystore_roi._shapes import (
    Composite,
    Ellipse,
    Line,
    Mask,
    Points,
    Polygon,
    Polyline,
    Rectangle,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_roi._roi import Roi

__all__ = ["attributes_record", "checked_attributes", "record_of", "roi_of", "shape_of", "shape_record"]

_BOX = ("y", "x", "height", "width", "angle")
_ATTRIBUTES: dict[str, type] = {"name": str, "stroke": str, "fill": str, "c": int, "z": int, "t": int}


def record_of(roi: Roi) -> dict[str, Any]:
    """Return a region as a JSON object; what is empty is left out.

    Examples
    --------
    >>> from polystore_roi import Points
    >>> from polystore_roi._records import record_of
    >>> record_of(Points([[1, 2]], z=3))
    {'type': 'points', 'coordinates': [[1.0, 2.0]], 'z': 3}
    """
    return shape_record(roi) | attributes_record(roi)


def attributes_record(roi: Roi) -> dict[str, Any]:
    """Return the attributes that are not empty."""
    return {name: value for name, value in roi.attributes().items() if value not in (None, "", {})}


def shape_record(roi: Roi) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind
    """Return the shape alone as a JSON object."""
    match roi:
        case Polygon():
            record: dict[str, Any] = {"type": "polygon", "vertices": roi.vertices.tolist()}
            return record | ({"holes": [hole.tolist() for hole in roi.holes]} if roi.holes else {})
        case Polyline():
            return {"type": "polyline", "vertices": roi.vertices.tolist()}
        case Line():
            return {"type": "line", "start": [*roi.start], "end": [*roi.end]}
        case Points():
            return {"type": "points", "coordinates": roi.coordinates.tolist()}
        case Rectangle() | Ellipse():
            kind = "rectangle" if isinstance(roi, Rectangle) else "ellipse"
            return {"type": kind, **{name: getattr(roi, name) for name in _BOX}}
        case Text():
            return {"type": "text", "text": roi.text, **{name: getattr(roi, name) for name in _BOX}}
        case Mask():
            bits = b64encode(np.packbits(roi.mask).tobytes()).decode()
            return {"type": "mask", "y": roi.y, "x": roi.x, "shape": [*roi.mask.shape], "bits": bits}
        case Composite():
            return {"type": "composite", "parts": [shape_record(part) for part in roi.parts]}
    raise UnsupportedData(f"{roi!r} is no region")


def roi_of(record: Any, where: str) -> Roi:
    """Build the region of a JSON object that may come from anywhere.

    Parameters
    ----------
    record
        What :func:`record_of` returned.
    where
        Names the place in messages, ``"rois[3]"`` for example.

    Raises
    ------
    CorruptData
        If it is no such object.
    """
    if type(record) is not dict:
        raise CorruptData(f"{where} is no JSON object")
    attributes = {key: record[key] for key in (*_ATTRIBUTES, "properties") if key in record}
    shape = {key: value for key, value in record.items() if key not in attributes}
    return shape_of(shape, where, attributes)


def shape_of(record: Any, where: str, attributes: dict[str, Any] | None = None) -> Roi:
    """Build the region of a shape's JSON object, with attributes."""
    if type(record) is not dict or type(record.get("type")) is not str:
        raise CorruptData(f"{where} is no JSON object with a 'type'")
    build = _BUILDERS.get(record["type"])
    if build is None:
        raise CorruptData(f"{where} has the type {record['type']!r}; there are {', '.join(_BUILDERS)}")
    rest = {key: value for key, value in record.items() if key != "type"}
    try:
        return build(rest, where, **checked_attributes(attributes or {}, where))
    except KeyError as error:
        raise CorruptData(f"{where} has no {error}") from error
    except (UnsupportedData, TypeError, ValueError) as error:
        if isinstance(error, CorruptData):
            raise
        raise CorruptData(f"{where}: {error}") from error


def checked_attributes(attributes: dict[str, Any], where: str) -> dict[str, Any]:
    """Return attributes after checking that each is known and of the right type."""
    for key, value in attributes.items():
        kind = dict if key == "properties" else _ATTRIBUTES.get(key)
        if type(value) is not kind:
            raise CorruptData(f"{where}: {value!r} is no {key}")
    return attributes


def _polygon(record: dict[str, Any], where: str, **attributes: Any) -> Roi:
    holes = record.pop("holes", [])
    if type(holes) is not list:
        raise CorruptData(f"{where} has holes that are no list")
    return Polygon(**_only(record, "vertices"), holes=holes, **attributes)


def _mask(record: dict[str, Any], where: str, **attributes: Any) -> Roi:
    fields = _only(record, "y", "x", "shape", "bits")
    height, width = fields["shape"]
    try:
        bits = np.frombuffer(b64decode(fields["bits"], validate=True), np.uint8)
    except binascii.Error as error:
        raise CorruptData(f"{where} has bits that are no base64") from error
    if not all(type(side) is int and side > 0 for side in (height, width)):
        raise CorruptData(f"{where} has a shape that is none: {fields['shape']!r}")
    if len(bits) != (height * width + 7) // 8:
        raise CorruptData(f"{where} has {len(bits)} bytes of bits for {height} x {width} pixels")
    mask = np.unpackbits(bits, count=height * width).view(np.bool_).reshape(height, width)
    return Mask(mask, fields["y"], fields["x"], **attributes)


def _composite(record: dict[str, Any], where: str, **attributes: Any) -> Roi:
    parts = _only(record, "parts")["parts"]
    if type(parts) is not list:
        raise CorruptData(f"{where} has parts that are no list")
    return Composite(
        [_part(part, f"{where}.parts[{index}]") for index, part in enumerate(parts)], **attributes
    )


def _part(record: Any, where: str) -> Roi:
    if type(record) is dict and record.get("type") == "composite":
        raise CorruptData(f"{where} is a composite within a composite")
    return shape_of(record, where)


def _plain(cls: Callable[..., Roi], *names: str) -> Callable[..., Roi]:
    def build(record: dict[str, Any], where: str, **attributes: Any) -> Roi:
        return cls(**_only(record, *names), **attributes)

    return build


def _only(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return exactly these fields."""
    unknown = sorted(record.keys() - set(names))
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}")
    return {name: record[name] for name in names}


_BUILDERS: dict[str, Callable[..., Roi]] = {
    "polygon": _polygon,
    "polyline": _plain(Polyline, "vertices"),
    "line": _plain(Line, "start", "end"),
    "points": _plain(Points, "coordinates"),
    "rectangle": _plain(Rectangle, *_BOX),
    "ellipse": _plain(Ellipse, *_BOX),
    "text": _plain(Text, "text", *_BOX),
    "mask": _mask,
    "composite": _composite,
}
