"""One region as the rows that it takes in layers of shapes and points, and back.

napari counts pixels from their centres: pixel (0, 0) is the square from (-0.5, -0.5) to (0.5, 0.5). So what
encloses whole pixels is moved by half a pixel; points and lines stay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

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

__all__ = ["NO_FILL", "Axis", "Row", "region", "rows"]

Axis: TypeAlias = Literal["c", "z", "t"]
Color: TypeAlias = tuple[float, float, float, float]

NO_STROKE: Color = (1.0, 1.0, 0.0, 1.0)
"""Yellow stands for no colour of its own, as in ImageJ."""

NO_FILL: Color = (0.0, 0.0, 0.0, 0.0)
_HALF = 0.5
_SQUARE = 1e-6
"""Part of the longer side by which a rectangle may be off the square."""


@dataclass(frozen=True, slots=True)
class Row:
    """One shape of a layer of shapes, or one set of points.

    Attributes
    ----------
    kind
        napari's name of the shape, or ``"points"``.
    data
        Vertices (N, D) as napari counts them: leading axes, y, x.
    part
        Number of the part of the region that it shows.
    stroke, fill
        Red, green, blue and opacity from 0 to 1.
    """

    kind: str
    data: Array
    part: int
    stroke: Color
    fill: Color


def rows(roi: Roi, leading: Sequence[Axis]) -> list[Row]:
    """Return the rows that show a region."""
    place = np.array([getattr(roi, axis) or 0 for axis in leading], np.float64)
    stroke = NO_STROKE if roi.stroke is None else _floats(roi.stroke)
    fill = NO_FILL if roi.fill is None else _floats(roi.fill)
    parts = roi.parts if isinstance(roi, Composite) else (roi,)
    shown = [piece for part in parts for piece in _pieces(part)]
    return [
        Row(
            kind,
            np.hstack([np.tile(place, (len(ring), 1)), ring]),
            number,
            stroke,
            NO_FILL if kind == "points" else fill,
        )
        for number, (kind, ring) in enumerate(shown)
    ]


def region(
    given: Sequence[Row], leading: Sequence[Axis], attributes: dict[str, Any]
) -> tuple[Roi, list[str]]:
    """Return the region that rows show, and what of them it cannot hold.

    Parameters
    ----------
    given
        The rows of one region.
    leading
        Axes before y and x.
    attributes
        What is known beside the layers: its name.
    """
    lost: list[str] = []
    pieces = [_piece(row.kind, row.data[:, len(leading) :], lost) for row in given]
    shape = pieces[0] if len(pieces) == 1 else Composite(pieces)
    first = given[0]
    place = {axis: _plane(given, column, axis, lost) for column, axis in enumerate(leading)}
    fill = next((row.fill for row in given if row.kind != "points"), NO_FILL)
    colors = {"stroke": _hex(first.stroke, NO_STROKE), "fill": _hex(fill, NO_FILL)}
    return shape.replace(**colors, **place, **attributes), lost


def _plane(given: Sequence[Row], column: int, axis: str, lost: list[str]) -> int:
    values = np.concatenate([row.data[:, column] for row in given])
    plane = max(0, round(float(values[0])))
    if not (np.abs(values - plane) <= _HALF).all():
        lost.append(f"its way across several planes of {axis}; it is put on plane {plane}")
    return plane


def _pieces(part: Roi) -> list[tuple[str, Array]]:  # noqa: PLR0911 - one for each kind
    """Return what shows one part: napari's kind of shape and its vertices (N, 2)."""
    match part:
        case Polygon():
            return [("polygon", _keyhole(part.vertices, part.holes) - _HALF)]
        case Rectangle() | Text():
            return [("rectangle", part.corners - _HALF)]
        case Ellipse():
            return [("ellipse", part.corners - _HALF)]
        case Mask():
            found = mask_outlines(part.mask, part.y, part.x)
            return [("polygon", _keyhole(outline.outer, outline.holes) - _HALF) for outline in found]
        case Points():
            return [("points", part.coordinates)]
        case Line():
            return [("line", part._rings[0])]
    return [("path", part._rings[0])]


def _piece(kind: str, ring: Array, lost: list[str]) -> Roi:
    match kind:
        case "points":
            return Points(ring)
        case "line" if len(ring) == 2:
            return Line(ring[0], ring[1])
        case "path" | "line":
            return Polyline(ring)
        case "rectangle" | "ellipse":
            return _boxed(kind, _corners(ring) + _HALF, lost)
    if len(ring) < 3:
        return Polyline(ring)
    outer, holes = _unlocked(ring)
    return Polygon(outer + _HALF, [hole + _HALF for hole in holes])


def _keyhole(outer: Array, holes: Sequence[Array]) -> Array:
    """Return outline and holes as one ring: from its first vertex to each hole, around it, and back.

    napari has no holes. Such a ring fills the same pixels, and :func:`_unlocked` finds the holes again.
    """
    if not holes:
        return outer
    start = outer[:1]
    way = [outer]
    for hole in holes:
        way += [start, hole, hole[:1]]
    return np.concatenate(way)


def _unlocked(ring: Array) -> tuple[Array, list[Array]]:
    """Return the outline and the holes of a ring; without keyholes there are none."""
    returns = np.flatnonzero((ring == ring[0]).all(axis=1))
    pieces = [ring[start:stop] for start, stop in zip(returns, [*returns[1:], len(ring)], strict=True)]
    outer, ways = pieces[0], [piece[1:] for piece in pieces[1:]]
    if len(outer) < 3 or any(len(way) < 4 or (way[0] != way[-1]).any() for way in ways):
        return ring, []
    return outer, [way[:-1] for way in ways]


def _corners(ring: Array) -> Array:
    """Return four corners, also of a rectangle that is given by two opposite ones."""
    if len(ring) == 2:
        (top, left), (bottom, right) = ring.min(axis=0), ring.max(axis=0)
        return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])
    return ring


def _boxed(kind: str, corners: Array, lost: list[str]) -> Roi:
    """Return the rectangle or ellipse within four corners."""
    shape: type[Rectangle | Ellipse] = Rectangle if kind == "rectangle" else Ellipse
    if len(corners) != 4:
        return Polygon(corners)
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    width, height = math.hypot(*across), math.hypot(*down)
    skewed = np.abs(corners[0] + corners[2] - corners[1] - corners[3]).max()
    if skewed + abs(float(across @ down)) / (max(width, height) or 1) > _SQUARE * max(width, height, 1):
        if kind == "ellipse":
            lost.append("the skew of an ellipse, which is read as the outline it shows")
        return Polygon(corners if kind == "rectangle" else _skewed(corners))
    (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
    if 0 in across and 0 in down:
        return shape(top, left, bottom - top, right - left)
    y, x = corners.mean(axis=0)
    run = across if width > _SQUARE * height else (-down[1], down[0])
    angle = math.degrees(math.atan2(run[0], run[1]))
    return shape(y - height / 2, x - width / 2, height, width, angle)


def _skewed(corners: Array) -> Array:
    """Return points on the ellipse within a parallelogram."""
    turn = np.linspace(0, 2 * math.pi, 64, endpoint=False)[:, None]
    across, down = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    return np.asarray(corners.mean(axis=0) + across * np.cos(turn) + down * np.sin(turn))


def _floats(color: str) -> Color:
    red, green, blue, alpha = bytes.fromhex(color[1:].ljust(8, "f"))
    return red / 255, green / 255, blue / 255, alpha / 255


def _hex(color: Color, none: Color) -> str | None:
    if color == none:
        return None
    levels = bytes(min(255, max(0, round(255 * value))) for value in color)
    return f"#{levels.hex()}"
