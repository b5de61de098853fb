"""Telling outlines from holes among rings that were given as a heap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, Any]

__all__ = ["contains", "nested"]


def contains(ring: Array, point: Array) -> bool:
    """Tell whether a point (y, x) lies inside a ring (N, 2), by the even-odd rule."""
    y, x = ring[:, 0], ring[:, 1]
    after_y, after_x = np.roll(y, -1), np.roll(x, -1)
    crosses = (y > point[0]) != (after_y > point[0])
    if not crosses.any():
        return False
    y, x, after_y, after_x = y[crosses], x[crosses], after_y[crosses], after_x[crosses]
    at = x + (point[0] - y) / (after_y - y) * (after_x - x)
    return bool(np.count_nonzero(at > point[1]) % 2)


def nested(rings: Sequence[Array]) -> list[tuple[Array, list[Array]]]:
    """Group rings that do not cross into outlines, each with its holes, by the even-odd rule.

    Parameters
    ----------
    rings
        Arrays (N, 2) of at least 3 vertices.

    Returns
    -------
    list of (outline, holes)
        In the order of ``rings``; a ring within a hole is an outline again. Of rings that do cross, each is
        there once.
    """
    if len(rings) < 2:
        return [(ring, []) for ring in rings]
    low = np.array([ring.min(axis=0) for ring in rings])
    high = np.array([ring.max(axis=0) for ring in rings])
    sizes = np.array([abs(_area(ring)) for ring in rings])
    parents: list[list[int]] = []
    for index, ring in enumerate(rings):
        boxes = (low <= low[index]).all(axis=1) & (high >= high[index]).all(axis=1)
        candidates = np.flatnonzero(boxes & (sizes > sizes[index])).tolist()
        point = _inner_point(ring) if candidates else ring[0]
        parents.append([other for other in candidates if contains(rings[other], point)])
    even = {index for index, around in enumerate(parents) if len(around) % 2 == 0}
    holders = [
        None if index in even else min(even.intersection(around), key=sizes.__getitem__, default=None)
        for index, around in enumerate(parents)
    ]
    groups: dict[int, list[Array]] = {index: [] for index, holder in enumerate(holders) if holder is None}
    for ring, holder in zip(rings, holders, strict=True):
        if holder is not None:
            groups[holder].append(ring)
    return [(rings[index], holes) for index, holes in groups.items()]


def _area(ring: Array) -> float:
    y, x = (ring - ring[0]).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _inner_point(ring: Array) -> Array:
    """Return a point strictly inside a ring, or one on it if there is no inside."""
    levels = np.unique(ring[:, 0])
    if len(levels) < 2:
        return ring[0]  # type: ignore[no-any-return]
    level = (levels[0] + levels[1]) / 2
    y, x = ring[:, 0], ring[:, 1]
    after_y, after_x = np.roll(y, -1), np.roll(x, -1)
    crosses = (y > level) != (after_y > level)
    y, x, after_y, after_x = y[crosses], x[crosses], after_y[crosses], after_x[crosses]
    at = np.sort(x + (level - y) / (after_y - y) * (after_x - x))
    return np.array([level, (at[0] + at[1]) / 2])
