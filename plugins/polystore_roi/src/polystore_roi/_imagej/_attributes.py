"""Name, colours, place and properties of an ImageJ region, and what ImageJ knows beyond the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE

from polystore_roi._imagej._properties import is_plain
from polystore_roi._shapes import Line, Points, Polygon, Polyline, Rectangle, Text

if TYPE_CHECKING:
    from polystore_roi._imagej._native import Native
    from polystore_roi._roi import Roi

__all__ = ["IMAGEJ", "USUAL_FONT", "read_attributes", "write_attributes"]

IMAGEJ = "imagej"
"""The property of a region that holds what ImageJ knows beyond the model."""

USUAL_FONT = {"name": "SansSerif", "size": 14, "style": 0, "justification": 0}
"""The font of a text that names none."""

_NO_COLOR = b"\0\0\0\0"
_SELECTIONS: dict[str, tuple[type[Roi], ROI_TYPE]] = {
    "freehand": (Polygon, ROI_TYPE.FREEHAND),
    "traced": (Polygon, ROI_TYPE.TRACED),
    "freeline": (Polyline, ROI_TYPE.FREELINE),
    "angle": (Polyline, ROI_TYPE.ANGLE),
}
_LARGEST_STROKE = 1e6


def write_attributes(roi: Roi, native: Native, positions: str) -> dict[str, str]:
    """Write the attributes into the record; return the properties that ImageJ holds as they are."""
    record = native.roi
    native.name = roi.name if "\0" not in roi.name else ""
    record.stroke_color = _argb(roi.stroke)
    record.fill_color = _argb(roi.fill)
    if positions == "stack":
        record.position = 0 if roi.z is None else roi.z + 1
    else:
        record.c_position, record.z_position, record.t_position = (
            0 if at is None else at + 1 for at in (roi.c, roi.z, roi.t)
        )
    properties = roi.properties
    further = properties.get(IMAGEJ)
    if isinstance(further, dict):
        _write_further(roi, native, further)
    return {key: value for key, value in properties.items() if is_plain(key, value)}


def read_attributes(native: Native, words: dict[str, str], unnamed: str) -> tuple[dict[str, Any], list[str]]:
    """Read the attributes as keyword arguments, and what was not understood."""
    record = native.roi
    c, z, t = (at - 1 if at > 0 else None for at in (record.c_position, record.z_position, record.t_position))
    if record.position > 0 and not native.in_hyperstack:
        z = record.position - 1
    further = _read_further(native)
    attributes = {
        "name": native.name or unnamed,
        "stroke": _hex(record.stroke_color),
        "fill": _hex(record.fill_color),
        "c": c,
        "z": z,
        "t": t,
        "properties": {**words, **({IMAGEJ: further} if further else {})},
    }
    lost = []
    if record.subtype == ROI_SUBTYPE.IMAGE:
        lost.append("the picture inside an image region")
    return attributes, lost


def _write_further(roi: Roi, native: Native, further: dict[str, Any]) -> None:
    """Write what is understood of the property ``"imagej"``."""
    record = native.roi
    width = further.get("stroke_width")
    if isinstance(width, float) and 0 < width <= _LARGEST_STROKE and not isinstance(roi, Points):
        record.float_stroke_width = float(np.float32(width))
        record.stroke_width = min(round(width), 2**15 - 1)
    group = further.get("group")
    if type(group) is int and 0 < group <= 255:
        record.group = group
    selection = further.get("selection")
    if isinstance(selection, str) and selection in _SELECTIONS:
        shape, kind = _SELECTIONS[selection]
        if isinstance(roi, shape) and record.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.POLYLINE):
            record.roitype = kind
    if isinstance(roi, Polyline) and further.get("spline") is True:
        native.set(ROI_OPTIONS.SPLINE_FIT)
    if isinstance(roi, Polygon) and record.roitype != ROI_TYPE.RECT and further.get("spline") is True:
        native.set(ROI_OPTIONS.SPLINE_FIT)
    if isinstance(roi, Points):
        _write_points(native, further)
    if isinstance(roi, Line) and type(further.get("arrow")) is dict:
        _write_arrow(native, further["arrow"])
    if isinstance(roi, Rectangle) and record.subtype == ROI_SUBTYPE.UNDEFINED:
        corner = further.get("corner_diameter")
        if type(corner) is int and 0 < corner < 2**15:
            record.rounded_rect_arc_size = corner
    if isinstance(roi, Text) and type(further.get("font")) is dict:
        _write_font(native, further["font"])


def _read_further(native: Native) -> dict[str, Any]:
    """Return what ImageJ knows beyond the model, without what is as usual."""
    record = native.roi
    found: dict[str, Any] = {}
    if record.roitype == ROI_TYPE.POINT:
        found |= _read_points(native)
    elif record.float_stroke_width > 0:
        found["stroke_width"] = float(record.float_stroke_width)
    elif record.stroke_width > 0:
        found["stroke_width"] = float(record.stroke_width)
    if record.group:
        found["group"] = int(record.group)
    is_curve = record.subtype in (ROI_SUBTYPE.ELLIPSE, ROI_SUBTYPE.ROTATED_RECT)
    for selection, (_, kind) in _SELECTIONS.items():
        if record.roitype == kind and not is_curve:
            found["selection"] = selection
    polygons = (ROI_TYPE.POLYGON, ROI_TYPE.POLYLINE, *(kind for _, kind in _SELECTIONS.values()))
    if native.has(ROI_OPTIONS.SPLINE_FIT) and record.roitype in polygons and not is_curve:
        found["spline"] = True
    if record.roitype == ROI_TYPE.LINE and record.subtype == ROI_SUBTYPE.ARROW:
        found["arrow"] = {
            "style": int(record.arrow_style_or_aspect_ratio),
            "head": int(record.arrow_head_size),
            "double": native.has(ROI_OPTIONS.DOUBLE_HEADED),
            "outline": native.has(ROI_OPTIONS.OUTLINE),
        }
    is_rectangle = record.roitype == ROI_TYPE.RECT and record.subtype == ROI_SUBTYPE.UNDEFINED
    if is_rectangle and record.rounded_rect_arc_size > 0 and not record.composite:
        found["corner_diameter"] = int(record.rounded_rect_arc_size)
    if record.subtype == ROI_SUBTYPE.TEXT:
        font = {
            "name": record.text_name,
            "size": int(record.text_size),
            "style": int(record.text_style),
            "justification": int(record.text_justification),
        }
        if font != USUAL_FONT:
            found["font"] = font
    return found


def _write_points(native: Native, further: dict[str, Any]) -> None:
    record = native.roi
    kind, size = further.get("point_type"), further.get("point_size")
    if type(kind) is int and 0 < kind < 8:
        record.arrow_style_or_aspect_ratio = kind
    if type(size) is int and 0 < size < 2**15:
        record.stroke_width = size
    counters = further.get("counters")
    if (
        type(counters) is list
        and len(counters) == record.n_coordinates
        and all(type(counter) is int and 0 <= counter < 256 for counter in counters)
    ):
        record.counters = np.array(counters, np.uint8)


def _read_points(native: Native) -> dict[str, Any]:
    record = native.roi
    found: dict[str, Any] = {}
    if record.arrow_style_or_aspect_ratio:
        found["point_type"] = int(record.arrow_style_or_aspect_ratio)
    if record.stroke_width > 0:
        found["point_size"] = int(record.stroke_width)
    if record.counters is not None and record.counters.any():
        found["counters"] = record.counters.tolist()
    return found


def _write_arrow(native: Native, arrow: dict[str, Any]) -> None:
    record = native.roi
    record.subtype = ROI_SUBTYPE.ARROW
    style, head = arrow.get("style"), arrow.get("head")
    record.arrow_style_or_aspect_ratio = style if type(style) is int and 0 <= style < 256 else 0
    record.arrow_head_size = head if type(head) is int and 0 <= head < 256 else 0
    if arrow.get("double") is True:
        native.set(ROI_OPTIONS.DOUBLE_HEADED)
    if arrow.get("outline") is True:
        native.set(ROI_OPTIONS.OUTLINE)


def _write_font(native: Native, font: dict[str, Any]) -> None:
    record = native.roi
    name, size = font.get("name"), font.get("size")
    style, justification = font.get("style"), font.get("justification")
    if type(name) is str and name.isascii() and len(name) < 256:
        record.text_name = name
    if type(size) is int and 0 < size < 2**15:
        record.text_size = size
    record.text_style = style if type(style) is int and 0 <= style < 256 else 0
    record.text_justification = justification if type(justification) is int and 0 <= justification < 4 else 0


def _argb(color: str | None) -> bytes:
    if color is None:
        return _NO_COLOR
    return bytes.fromhex((color[7:] or "ff") + color[1:7])


def _hex(argb: bytes) -> str | None:
    if argb == _NO_COLOR:
        return None
    opaque, alpha = argb[1:].hex(), argb[:1].hex()
    return f"#{opaque}" + ("" if alpha in ("ff", "00") else alpha)
