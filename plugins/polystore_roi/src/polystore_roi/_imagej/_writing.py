"""The shape of a region as ImageJ's record."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from polystore_core.errors import UnsupportedData
from polystore_roi._imagej._native import Native, pack_float
from polystore_roi._outlines import mask_outlines
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
    from collections.abc import Sequence

    from polystore_roi._roi import Roi

    Array = np.ndarray[Any, Any]

__all__ = ["is_fragile", "unshown", "write_shape"]

_FARTHEST = 2.0**30
"""ImageJ keeps boxes as 32 bit integers."""

_LOWEST, _HIGHEST = -5000, 2**15 - 1
"""Range of whole coordinates that every version of ImageJ reads from 16 bits."""

_LONGEST = 65535
"""Vertices of a polygon; a longer one is written as a path."""

_FLAT = 1e-6
"""Part of the farthest coordinate."""

_SINGLE, _STEADY_ENDS = 1.2e-7, 0.01
"""Precision of float32; pixels by which it may turn the ends of a box."""

_MOVE, _LINE_TO, _CLOSE = 0.0, 1.0, 4.0
_STEADY_PARTS, _STEADY_SIZE = 64, 2.0**17
"""Coordinates that are multiples of 1/64 up to 2**17 stay what they are in sums of float32."""


def write_shape(roi: Roi) -> Native:
    """Return the shape as ImageJ shows it.

    Raises
    ------
    UnsupportedData
        If it lies farther out than ImageJ can address.
    """
    if max(map(abs, roi.bounds)) > _FARTHEST:
        raise UnsupportedData(
            f"ImageJ has no coordinates beyond {_FARTHEST:,.0f} pixels, as {roi!r} has: save as .roi.json"
        )
    record = ImagejRoi()
    record.version = 228
    match roi:
        case Polygon(holes=()) if len(roi.vertices) <= _LONGEST:
            _write_vertices(record, ROI_TYPE.POLYGON, roi.vertices)
        case Polyline() if len(roi.vertices) <= _LONGEST:
            _write_vertices(record, ROI_TYPE.POLYLINE, roi.vertices)
        case Points():
            _write_vertices(record, ROI_TYPE.POINT, roi.coordinates)
        case Line():
            _write_line(record, roi)
        case Rectangle() if _is_flat(roi):
            _write_vertices(record, ROI_TYPE.POLYGON, roi.corners)
        case Ellipse() if _is_flat(roi):
            _write_vertices(record, ROI_TYPE.POLYGON, roi.outline())
        case Rectangle() | Ellipse() if roi.angle == 0:
            _write_box(record, roi, ROI_TYPE.RECT if isinstance(roi, Rectangle) else ROI_TYPE.OVAL)
        case Rectangle():
            _write_turned_rectangle(record, roi)
        case Ellipse():
            _write_turned_ellipse(record, roi)
        case Text():
            _write_text(record, roi)
        case _:
            _write_path(record, roi)
    return Native(record)


def _is_flat(roi: Rectangle | Ellipse) -> bool:
    """Tell whether a side nearly vanishes: ImageJ, which goes by the short side, cannot tell the angle."""
    short, long = sorted((roi.height, roi.width))
    reach = max(1000.0, *map(abs, roi.bounds))
    return short <= _FLAT * reach or (roi.angle != 0 and _SINGLE * reach * long / short > _STEADY_ENDS)


def unshown(roi: Roi) -> list[str]:
    """Tell what ImageJ does not show of the shape."""
    if isinstance(roi, Ellipse) and _is_flat(roi):
        return ["an ellipse so flat that it is written as a polygon of 64 corners"]
    if not isinstance(roi, Composite):
        return []
    kinds = {type(part).__name__.lower() for part in roi.parts if isinstance(part, Ellipse | Points | Text)}
    return [f"the {kind} within a composite, which ImageJ shows as an outline" for kind in sorted(kinds)]


def is_fragile(roi: Roi) -> bool:
    """Tell whether ImageJ itself may round the coordinates anew, or fit the box of a text to its font."""
    parts = roi.parts if isinstance(roi, Composite) else (roi,)
    return isinstance(roi, Text) or not all(_steady(ring) for part in parts for ring in part._rings)


def _steady(ring: Array) -> bool:
    scaled = ring * _STEADY_PARTS
    return bool((scaled == np.floor(scaled)).all() and (np.abs(ring) <= _STEADY_SIZE).all())


def _bound(record: ImagejRoi, bounds: tuple[float, float, float, float]) -> None:
    top, left, bottom, right = bounds
    record.top, record.left = math.floor(top), math.floor(left)
    record.bottom, record.right = math.ceil(bottom), math.ceil(right)
    for side in ("top", "left", "bottom", "right"):
        wrapped = (getattr(record, side) + 2**15) % 2**16 - 2**15
        setattr(record, side, wrapped)


def _write_vertices(record: ImagejRoi, kind: ROI_TYPE, ring: Array) -> None:
    """Write whole coordinates as integers, others as float32 beside rounded ones."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    whole = bool((ring == np.floor(ring)).all())
    record.roitype = kind
    record.n_coordinates = len(ring)
    _bound(record, (low[0], low[1], high[0], high[1]))
    origin = np.floor(low)
    record.integer_coordinates = ((np.floor(ring) - origin)[:, ::-1].astype(np.int64) % 2**16).astype(
        np.int32
    )
    if not whole or low.min() < _LOWEST or max(high.max(), (high - low).max()) > _HIGHEST:
        record.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
        record.subpixel_coordinates = ring[:, ::-1].astype(np.float32)


def _write_line(record: ImagejRoi, roi: Line) -> None:
    record.roitype = ROI_TYPE.LINE
    record.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    (record.y1, record.x1), (record.y2, record.x2) = roi.start, roi.end
    _bound(record, roi.bounds)


def _write_box(record: ImagejRoi, roi: Rectangle | Ellipse, kind: ROI_TYPE) -> None:
    record.roitype = kind
    numbers = (roi.y, roi.x, roi.y + roi.height, roi.x + roi.width)
    _bound(record, numbers)
    whole = all(number.is_integer() for number in numbers)
    if not whole or min(numbers) < _LOWEST or max(numbers) > _HIGHEST:
        record.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
        record.xd, record.yd, record.widthd, record.heightd = roi.x, roi.y, roi.width, roi.height


def _write_turned_rectangle(record: ImagejRoi, roi: Rectangle) -> None:
    """A line along the middle, and the width across it."""
    _write_axis(record, roi, roi.width, roi.angle)
    record.subtype = ROI_SUBTYPE.ROTATED_RECT
    pack_float(record, roi.height)


def _write_turned_ellipse(record: ImagejRoi, roi: Ellipse) -> None:
    """The long axis, and how much shorter the other one is."""
    if roi.width >= roi.height:
        long, short, angle = roi.width, roi.height, roi.angle
    else:
        long, short, angle = roi.height, roi.width, roi.angle + 90
    _write_axis(record, roi, long, angle)
    record.subtype = ROI_SUBTYPE.ELLIPSE
    pack_float(record, short / long if long else 1.0)


def _write_axis(record: ImagejRoi, roi: Rectangle | Ellipse, length: float, angle: float) -> None:
    (y, x), turn = roi.center, math.radians(angle)
    ring = roi.corners if isinstance(roi, Rectangle) else roi.outline()
    _write_vertices(record, ROI_TYPE.FREEHAND, ring)
    record.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    record.subpixel_coordinates = ring[:, ::-1].astype(np.float32)
    half_y, half_x = length / 2 * math.sin(turn), length / 2 * math.cos(turn)
    record.x1, record.y1, record.x2, record.y2 = x - half_x, y - half_y, x + half_x, y + half_y


def _write_text(record: ImagejRoi, roi: Text) -> None:
    record.roitype, record.subtype = ROI_TYPE.RECT, ROI_SUBTYPE.TEXT
    record.text_name, record.text_size = "SansSerif", 14  # the usual font of the attributes
    record.text = _units(roi.text if roi.text.endswith("\n") else roi.text + "\n")
    record.text_angle = (-roi.angle + 180) % 360 - 180
    _bound(record, (roi.y, roi.x, roi.y + roi.height, roi.x + roi.width))
    record.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    record.xd, record.yd, record.widthd, record.heightd = roi.x, roi.y, roi.width, roi.height


def _units(text: str) -> str:
    """Return text as ImageJ shows it: one kind of newline, and no characters that roifile would miscount."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter if ord(letter) < 2**16 else "\ufffd" for letter in lines)


def _write_path(record: ImagejRoi, roi: Roi) -> None:
    """A path of closed outlines, filled by the even-odd rule, and open lines."""
    parts = roi.parts if isinstance(roi, Composite) else (roi,)
    path = np.concatenate([segment for part in parts for segment in _segments(part)])
    record.roitype = ROI_TYPE.RECT
    record.multi_coordinates = path.astype(np.float32)
    record.shape_roi_size = len(path)
    _bound(record, roi.bounds)


def _segments(part: Roi) -> list[Array]:
    match part:
        case Polygon():
            return [_segment(ring, closed=True) for ring in (part.vertices, *part.holes)]
        case Rectangle() | Text():
            return [_segment(part.corners, closed=True)]
        case Ellipse():
            return [_segment(part.outline(), closed=True)]
        case Mask():
            outlines = mask_outlines(part.mask, part.y, part.x)
            rings: Sequence[Array] = [
                ring for outline in outlines for ring in (outline.outer, *outline.holes)
            ]
            return [_segment(ring, closed=True) for ring in rings]
        case Points():
            return [_segment(np.stack([point, point]), closed=False) for point in part.coordinates]
    return [_segment(part._rings[0], closed=False)]


def _segment(ring: Array, *, closed: bool) -> Array:
    steps = np.full((len(ring), 3), _LINE_TO)
    steps[0, 0] = _MOVE
    steps[:, 1:] = ring[:, ::-1]
    return np.append(steps.ravel(), _CLOSE) if closed else steps.ravel()
