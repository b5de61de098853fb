"""ImageJ's composite: a path of move, line, curve and close, as ``java.awt.geom.PathIterator`` has them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.errors import CorruptData
from polystore_roi._nesting import nested
from polystore_roi._shapes import Composite, Polygon, Polyline

if TYPE_CHECKING:
    from polystore_roi._roi import Roi

    Array = np.ndarray[Any, Any]

__all__ = ["read_path"]

_MOVE, _LINE, _QUADRATIC, _CUBIC, _CLOSE = range(5)
_NUMBERS = {_MOVE: 2, _LINE: 2, _QUADRATIC: 4, _CUBIC: 6, _CLOSE: 0}
_PIECES = 16
"""Straight pieces that stand for a curve."""


def read_path(path: Array) -> tuple[Roi, list[str]]:
    """Return the polygon, or the composite of polygons and lines, that a path describes.

    Parameters
    ----------
    path
        Numbers one after the other: the code of a step, then its points, x before y.

    Returns
    -------
    roi : Roi
        The shape.
    lost : list of str
        What a composite of straight edges cannot hold.

    Raises
    ------
    CorruptData
        If a step is unknown or cut off.
    """
    if not np.isfinite(path).all():
        raise CorruptData("a path with a number that is not finite")
    rings, lines, curved = _pieces(path.astype(np.float64).tolist())
    parts: list[Roi] = [
        Polygon(outer, holes) for outer, holes in nested([ring for ring in rings if len(ring) > 2])
    ]
    parts += [Polyline(line) for line in (*(ring for ring in rings if len(ring) == 2), *lines)]
    lost = ["curves, which are read as straight pieces"] if curved else []
    if not parts:
        raise CorruptData("a path without any line")
    if len(parts) == 1 and isinstance(parts[0], Polygon):
        return parts[0], lost
    return Composite(parts), lost


def _pieces(numbers: list[float]) -> tuple[list[Array], list[Array], bool]:
    """Split a path into closed rings and open lines (N, 2), y before x."""
    rings: list[Array] = []
    lines: list[Array] = []
    points: list[tuple[float, float]] = []
    curved = False
    place = 0
    while place < len(numbers):
        step = numbers[place]
        count = _NUMBERS.get(int(step)) if step in _NUMBERS else None
        if count is None or place + 1 + count > len(numbers):
            raise CorruptData(f"a path with an unknown or incomplete step {step:g}")
        x, y = numbers[place + 1 : place + 1 + count : 2], numbers[place + 2 : place + 1 + count : 2]
        place += 1 + count
        if step == _CLOSE:
            if points:
                rings.append(_ring(points))
            points = points[:1]
            continue
        if step == _MOVE:
            if len(points) > 1:
                lines.append(np.array(points))
            points = [(y[0], x[0])]
        elif not points:
            raise CorruptData("a path that does not begin with a move")
        elif step == _LINE:
            points.append((y[0], x[0]))
        else:
            curved = True
            points += _curve([points[-1], *zip(y, x, strict=True)])
    if len(points) > 1:
        lines.append(np.array(points))
    return rings, lines, curved


def _ring(points: list[tuple[float, float]]) -> Array:
    """Return a closed ring without the repetition of its first point."""
    closed = len(points) > 3 and points[0] == points[-1]
    return np.array(points[:-1] if closed else points)


def _curve(control: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points on a Bezier curve, by de Casteljau's construction, without its first."""
    at = np.linspace(0, 1, _PIECES + 1)[1:, None]
    level = [np.broadcast_to(np.array(point), (_PIECES, 2)) for point in control]
    while len(level) > 1:
        level = [(1 - at) * one + at * other for one, other in pairwise(level)]
    return [(y, x) for y, x in level[0].tolist()]
