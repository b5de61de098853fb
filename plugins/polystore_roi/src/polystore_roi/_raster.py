"""The pixels of an image that a region covers: those whose centres lie inside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_roi._shapes import Composite, Ellipse, Line, Mask, Points, Polygon, Polyline, Rectangle, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_roi._roi import Roi

    Array = np.ndarray[Any, Any]

__all__ = ["covers_whole_pixels", "has_inside", "pixels"]


def has_inside(roi: Roi) -> bool:
    """Tell whether a region, every part of it, is an area."""
    parts = roi.parts if isinstance(roi, Composite) else (roi,)
    return not any(isinstance(part, Points | Line | Polyline | Text) for part in parts)


def covers_whole_pixels(roi: Roi) -> bool:
    """Tell whether the outline of a region runs along the edges of pixels."""
    match roi:
        case Mask():
            return True
        case Composite():
            return all(map(covers_whole_pixels, roi.parts))
        case Polygon():
            return all(map(_is_stepped, roi._rings))
        case Rectangle():
            return roi.angle == 0 and _is_stepped(roi.corners)
    return False


def _is_stepped(ring: Array) -> bool:
    straight = _following(ring) == ring
    return bool((ring == np.floor(ring)).all() and (straight[:, 0] | straight[:, 1]).all())


def pixels(roi: Roi, shape: tuple[int, int]) -> tuple[int, int, Array] | None:
    """Return the pixels of an image that a region covers, as the box around them.

    Parameters
    ----------
    roi
        The region; what of it is no area covers nothing.
    shape
        Rows and columns of the image; nothing is allocated beyond it.

    Returns
    -------
    (y, x, mask) or None
        First row and column, and bool (H, W); ``None`` if the region lies outside.
    """
    low_y, low_x, high_y, high_x = roi.bounds
    top, left = max(0, math.floor(low_y)), max(0, math.floor(low_x))
    size = min(shape[0], math.ceil(high_y)) - top, min(shape[1], math.ceil(high_x)) - left
    if min(size) <= 0:
        return None
    return top, left, _covered(roi, top, left, size)


def _covered(roi: Roi, top: int, left: int, size: tuple[int, int]) -> Array:
    """Return what a region covers of the box of that size whose first pixel is (top, left)."""
    match roi:
        case Mask():
            return roi.mask[top - roi.y :, left - roi.x :][: size[0], : size[1]]
        case Polygon():
            return _within(roi._rings, size, top, left)
        case Rectangle():
            return _within((roi.corners,), size, top, left)
        case Ellipse():
            return _within_ellipse(roi, size, top, left)
    covered = np.zeros(size, np.bool_)
    for part in roi.parts if isinstance(roi, Composite) else ():
        found = pixels(part, (top + size[0], left + size[1]))
        if found is not None:
            y, x, inside = found
            rows, columns = inside.shape
            covered[y - top : y - top + rows, x - left : x - left + columns] |= inside
    return covered


def _within(rings: Sequence[Array], shape: Sequence[int], top: int, left: int) -> Array:
    """Fill rings by the even-odd rule, row by row.

    Each edge switches inside and outside where it crosses the middle of a row.
    """
    height, width = shape
    start = np.concatenate(rings) - (top, left)
    end = np.concatenate([_following(ring) for ring in rings]) - (top, left)
    low, high = np.minimum(start[:, 0], end[:, 0]), np.maximum(start[:, 0], end[:, 0])
    first = np.clip(np.ceil(low - 0.5), 0, height).astype(np.int64)
    counts = np.maximum(np.clip(np.ceil(high - 0.5), 0, height).astype(np.int64) - first, 0)
    edge = np.repeat(np.arange(len(start)), counts)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    y0, x0, y1, x1 = start[edge, 0], start[edge, 1], end[edge, 0], end[edge, 1]
    at = x0 + (row + 0.5 - y0) / (y1 - y0) * (x1 - x0)
    column = np.clip(np.ceil(at - 0.5), 0, width).astype(np.int64)
    switches = np.zeros(height * (width + 1), np.bool_)
    np.logical_xor.at(switches, row * (width + 1) + column, True)
    filled: Array = np.logical_xor.accumulate(switches.reshape(height, width + 1), axis=1)[:, :width]
    return filled


def _within_ellipse(part: Ellipse, shape: Sequence[int], top: int, left: int) -> Array:
    height, width = shape
    y = (np.arange(height) + top + 0.5 - part.center[0])[:, None]
    x = (np.arange(width) + left + 0.5 - part.center[1])[None]
    cos, sin = math.cos(math.radians(part.angle)), math.sin(math.radians(part.angle))
    if not part.height or not part.width:
        return np.zeros((height, width), np.bool_)
    along, across = (x * cos + y * sin) / (part.width / 2), (y * cos - x * sin) / (part.height / 2)
    inside: Array = along**2 + across**2 <= 1
    return inside


def _following(ring: Array) -> Array:
    """Return the vertex that follows each one."""
    return np.concatenate([ring[1:], ring[:1]])
