"""The outlines of the objects of a label image, along the edges of their pixels: exact, and without a search.

Every edge between a pixel of an object and one that is none of it is walked with the object on the right, as
in the border following of Suzuki and Abe (Computer Vision, Graphics, and Image Processing 30, 1985), but for
all objects of the image at once: one edge's successor follows from the labels of the two pixels ahead.
Pixels of one object that touch at a corner only are not connected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, Any]

__all__ = ["Outline", "mask_outlines", "outlines"]


@dataclass(frozen=True, slots=True)
class Outline:
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
    """Return the connected parts of all objects of a label image (Y, X) of integers, 0 outside, by label."""
    padded = np.pad(labels, 1)
    keys, successors, starts, turns = _edges(padded)
    if not len(keys):
        return []
    order, first = _cycles(successors)
    corners, lengths = _corners(order, first, starts, turns, padded.shape[1] - 1)
    return _assembled(labels, keys[order[first]], corners, lengths, padded.shape)


def _edges(padded: Array) -> tuple[Array, Array, Array, Array]:
    """Find every edge, in which direction it runs, and which one follows it.

    Returns
    -------
    keys
        Direction (0 right, 1 down, 2 left, 3 up) times the number of corners, plus the corner it starts from.
    successors
        Index of the edge that follows.
    ends
        Corner at which the edge ends.
    turns
        Whether the next edge runs in another direction.
    """
    north_west, north_east = padded[:-1, :-1], padded[:-1, 1:]
    south_west, south_east = padded[1:, :-1], padded[1:, 1:]
    right = (south_east, south_west, north_west, north_east)
    left = (north_east, south_east, south_west, north_west)
    height, width = north_west.shape
    corners = height * width
    steps = (1, width, -1, -width)

    keys, ends, following = [], [], []
    for direction in range(4):
        inside, outside = right[direction], left[direction]
        start = np.flatnonzero((inside != 0) & (inside != outside))
        end = start + steps[direction]
        label = inside.reshape(-1)[start] if inside.flags.c_contiguous else inside[np.divmod(start, width)]
        row, column = np.divmod(end, width)
        turned = np.where(
            inside[row, column] != label,
            (direction + 1) % 4,
            np.where(outside[row, column] != label, direction, (direction + 3) % 4),
        )
        keys.append(direction * corners + start)
        ends.append(end)
        following.append(turned * corners + end)
    key = np.concatenate(keys)
    after = np.concatenate(following)
    return key, np.searchsorted(key, after), np.concatenate(ends), after // corners != key // corners


def _cycles(successors: Array) -> tuple[Array, Array]:
    """Walk each closed outline once; return the edges in that order, and where each outline begins."""
    follow = successors.tolist()
    waiting = bytearray(b"\1") * len(follow)
    order: list[int] = []
    first: list[int] = []
    edge = waiting.find(1)
    while edge >= 0:
        first.append(len(order))
        while waiting[edge]:
            waiting[edge] = 0
            order.append(edge)
            edge = follow[edge]
        edge = waiting.find(1, edge)
    return np.array(order, np.int64), np.array(first, np.int64)


def _corners(order: Array, first: Array, ends: Array, turns: Array, width: int) -> tuple[Array, Array]:
    """Return the corners (N, 2) of all outlines one after the other, and how many each has."""
    turning = turns[order]
    counts = np.add.reduceat(turning.astype(np.int64), first)
    corners = np.stack(np.divmod(ends[order[turning]], width), axis=1).astype(np.float64)
    return corners, counts


def _assembled(
    labels: Array, first_keys: Array, corners: Array, counts: Array, padded: Sequence[int]
) -> list[Outline]:
    """Give each hole to the outline around it."""
    stops = np.cumsum(counts)
    rings = np.split(corners, stops[:-1])
    areas = _areas(corners, stops - counts, stops)
    pixels = _right_pixels(first_keys, (padded[0] - 1, padded[1] - 1))
    owners = labels[pixels[:, 0], pixels[:, 1]]

    outers: dict[int, list[int]] = {}
    for index in np.flatnonzero(areas > 0).tolist():
        outers.setdefault(int(owners[index]), []).append(index)
    holes: dict[int, list[Array]] = {}
    for index in np.flatnonzero(areas < 0).tolist():
        around = outers[int(owners[index])]
        holder = around[0] if len(around) == 1 else _around(pixels[index] + 0.5, around, rings, areas)
        holes.setdefault(holder, []).append(rings[index])
    return [
        Outline(label, rings[index], tuple(holes.get(index, ())))
        for label in sorted(outers)
        for index in outers[label]
    ]


def _areas(corners: Array, starts: Array, stops: Array) -> Array:
    """Return the area within each ring, negative if it runs counter-clockwise on the screen."""
    after = np.arange(1, len(corners) + 1)
    after[stops - 1] = starts
    y, x = corners[:, 0], corners[:, 1]
    areas: Array = np.add.reduceat(x * y[after] - x[after] * y, starts) / 2
    return areas


def _right_pixels(keys: Array, corners: tuple[int, int]) -> Array:
    """Return the pixel (y, x) on the right of each edge: one of the object."""
    direction, corner = np.divmod(keys, corners[0] * corners[1])
    row, column = np.divmod(corner, corners[1])
    rows = np.array([0, 0, -1, -1])[direction]
    columns = np.array([0, -1, -1, 0])[direction]
    return np.stack([row + rows, column + columns], axis=1)


def _around(point: Array, candidates: list[int], rings: list[Array], areas: Array) -> int:
    """Return the smallest of several outlines that has a point inside."""
    from polystore_roi._nesting import contains

    within = [index for index in candidates if contains(rings[index], point)]
    return min(within, key=lambda index: float(areas[index]))
