"""The outlines of the objects of a label image, along the edges of their pixels: exact, holes kept."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from polystore_roi._turns import UP, turns

if TYPE_CHECKING:
    from polystore_roi._turns import Turns

    Array = np.ndarray[Any, Any]

__all__ = ["Outline", "mask_outlines", "outlines"]


class Outline(NamedTuple):
    """One connected part of an object.

    Attributes
    ----------
    label
        The object.
    outer
        Corners (N, 2) in pixel edges, y before x, clockwise on the screen: pixel (0, 0) is the square from
        (0, 0) to (1, 1). float64.
    holes
        Corners of each hole, counter-clockwise.
    """

    label: int
    outer: Array
    holes: tuple[Array, ...]


def mask_outlines(mask: Array, y: float, x: float) -> list[Outline]:
    """Return the connected parts of a mask (H, W) of bool whose first pixel lies at (y, x)."""
    offset = np.array([y, x], np.float64)
    return [
        Outline(1, part.outer + offset, tuple(hole + offset for hole in part.holes))
        for part in outlines(mask.view(np.uint8))
    ]


def outlines(labels: Array) -> list[Outline]:
    """Return the connected parts of all objects of a label image (Y, X) of integers, 0 outside, by label.

    The arrays are read-only views of one.
    """
    found = turns(labels)
    if not len(found.row):
        return []
    rings = _rings(found)
    areas = _areas(rings)
    pieces = [rings.corners[start:stop] for start, stop in pairwise(rings.offsets.tolist())]
    holes: dict[int, list[Array]] = {}
    for hole, holder in _holders(labels, found, rings, areas):
        holes.setdefault(holder, []).append(pieces[hole])
    owners = found.label[rings.turns[rings.offsets[:-1]]]
    outer = np.flatnonzero(areas > 0)
    outer = outer[np.argsort(owners[outer], kind="stable")]
    return [
        Outline(label, pieces[index], tuple(holes.get(index, ())))
        for index, label in zip(outer.tolist(), owners[outer].tolist(), strict=True)
    ]


class _Rings(NamedTuple):
    """Closed outlines, one after the other.

    Attributes
    ----------
    turns
        Index of each turn on the way.
    corners
        Where they are (N, 2), float64.
    offsets
        Outline i has the turns ``offsets[i]`` to ``offsets[i + 1]``.
    """

    turns: Array
    corners: Array
    offsets: Array


def _rings(found: Turns) -> _Rings:
    """Walk each closed outline once."""
    follow = found.successor.tolist()
    waiting = bytearray(b"\1") * len(follow)
    order: list[int] = []
    offsets = [0]
    turn = waiting.find(1)
    while turn >= 0:
        while waiting[turn]:
            waiting[turn] = 0
            order.append(turn)
            turn = follow[turn]
        offsets.append(len(order))
        turn = waiting.find(1, turn)
    walked = np.array(order, np.int64)
    corners = np.stack([found.row[walked], found.column[walked]], axis=1).astype(np.float64)
    corners.flags.writeable = False
    return _Rings(walked, corners, np.array(offsets, np.int64))


def _areas(rings: _Rings) -> Array:
    """Return the area within each ring, negative if it runs counter-clockwise on the screen."""
    starts, stops = rings.offsets[:-1], rings.offsets[1:]
    after = np.arange(1, len(rings.corners) + 1)
    after[stops - 1] = starts
    y, x = rings.corners.T
    areas: Array = np.add.reduceat(x * y[after] - x[after] * y, starts) / 2
    return areas


def _holders(labels: Array, found: Turns, rings: _Rings, areas: Array) -> list[tuple[int, int]]:
    """Return the number of each hole with that of the outline it is in.

    From the pixel above a hole, the first edge on the left belongs to the same part of the object: to its
    outline, or to another hole that begins farther up.
    """
    holes = np.flatnonzero(areas < 0)
    if not len(holes):
        return []
    width = labels.shape[1] + 1
    corners = found.row[rings.turns] * width + found.column[rings.turns]
    uppermost = np.minimum.reduceat(corners, rings.offsets[:-1])[holes]
    holes = holes[np.argsort(uppermost)]
    above = np.sort(uppermost) - width
    edges = np.flatnonzero(np.diff(labels, axis=1, prepend=0, append=0))
    row, column = np.divmod(edges[np.searchsorted(edges, above, side="right") - 1], width)

    ring_of = np.empty(len(rings.turns), np.int64)
    ring_of[rings.turns] = np.repeat(np.arange(len(areas)), np.diff(rings.offsets))
    upwards = np.flatnonzero(found.leaving == UP)
    height = labels.shape[0] + 1
    begins = found.column[upwards] * height + found.row[upwards]
    order = np.argsort(begins)
    first = np.searchsorted(begins[order], column * height + row, side="right")
    holders: dict[int, int] = {}
    for hole, beside in zip(holes.tolist(), ring_of[upwards[order[first]]].tolist(), strict=True):
        holders[hole] = holders.get(beside, beside)
    return sorted(holders.items())
