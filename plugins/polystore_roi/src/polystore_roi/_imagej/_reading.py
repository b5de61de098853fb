"""The shape of ImageJ's record as a region."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE

from polystore_core.errors import CorruptData
from polystore_roi._imagej._native import unpack_float
from polystore_roi._imagej._path import read_path
from polystore_roi._shapes import Ellipse, Line, Points, Polygon, Polyline, Rectangle, Text

if TYPE_CHECKING:
    from roifile import ImagejRoi

    from polystore_roi._imagej._native import Native
    from polystore_roi._roi import Roi

    Array = np.ndarray[Any, Any]

__all__ = ["read_shape"]

_AREAS = (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED)
_LINES = (ROI_TYPE.POLYLINE, ROI_TYPE.FREELINE, ROI_TYPE.ANGLE)


def read_shape(native: Native) -> tuple[Roi, list[str]]:  # noqa: PLR0911 - one for each kind
    """Return the region, without attributes, and what of the shape was not understood.

    Raises
    ------
    CorruptData
        If it is no shape.
    """
    record = native.roi
    kind, subtype = record.roitype, record.subtype
    if kind == ROI_TYPE.RECT and record.shape_roi_size > 0:
        if record.multi_coordinates is None:
            raise CorruptData("a composite without its path")
        return read_path(record.multi_coordinates)
    lost: list[str] = []
    if kind == ROI_TYPE.RECT and subtype == ROI_SUBTYPE.TEXT:
        text = record.text.removesuffix("\n")
        return Text(text, *_box(native), _level(-record.text_angle)), lost
    if kind == ROI_TYPE.RECT:
        return Rectangle(*_box(native)), lost
    if kind == ROI_TYPE.OVAL:
        return Ellipse(*_box(native)), lost
    if kind == ROI_TYPE.LINE:
        return Line((record.y1, record.x1), (record.y2, record.x2)), lost
    if kind == ROI_TYPE.FREEHAND and subtype in (ROI_SUBTYPE.ELLIPSE, ROI_SUBTYPE.ROTATED_RECT):
        return _turned(record), lost
    if kind == ROI_TYPE.POINT:
        return Points(_vertices(record)), lost
    if kind in _LINES:
        return Polyline(_vertices(record)), lost
    if kind in _AREAS:
        vertices = _vertices(record)
        if len(vertices) > 2:
            return Polygon(vertices), lost
        lost.append(f"an area of {len(vertices)} vertices, which is read as the line or point it is")
        return (Polyline(vertices) if len(vertices) == 2 else Points(vertices)), lost
    raise CorruptData(f"an ImageJ region of type {int(kind)}, which is none")


def _level(angle: float) -> float:
    """Return an angle without the sign of a negative zero."""
    return angle + 0.0


def _box(native: Native) -> tuple[float, float, float, float]:
    record = native.roi
    if native.has(ROI_OPTIONS.SUB_PIXEL_RESOLUTION) and record.version >= 223:
        return record.yd, record.xd, record.heightd, record.widthd
    return record.top, record.left, record.bottom - record.top, record.right - record.left


def _vertices(record: ImagejRoi) -> Array:
    if record.subpixel_coordinates is not None:
        exact: Array = record.subpixel_coordinates[:, ::-1].astype(np.float64)
        return exact
    if record.integer_coordinates is None:
        raise CorruptData("a shape without its coordinates")
    origin = np.array([record.top, record.left], np.float64)
    whole: Array = record.integer_coordinates[:, ::-1] + origin
    return whole


def _turned(record: ImagejRoi) -> Roi:
    """A turned rectangle or ellipse, from its long axis and a float."""
    along_y, along_x = record.y2 - record.y1, record.x2 - record.x1
    center_y, center_x = (record.y1 + record.y2) / 2, (record.x1 + record.x2) / 2
    width, angle = math.hypot(along_y, along_x), math.degrees(math.atan2(along_y, along_x))
    other = unpack_float(record)
    is_ellipse = record.subtype == ROI_SUBTYPE.ELLIPSE
    height = other * width if is_ellipse else other
    shape = Ellipse if is_ellipse else Rectangle
    return shape(center_y - height / 2, center_x - width / 2, height, width, angle)
