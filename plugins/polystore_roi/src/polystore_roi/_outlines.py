"""The outlines of the objects of a label image, along the edges of their pixels: exact, and without a search.

Every edge between a pixel of an object and one that is none of it is walked with the object on the right, as
in the border following of Suzuki and Abe (Computer Vision, Graphics, and Image Processing 30, 1985), but for
all objects of the image at once: one edge's successor follows from the labels of the two pixels ahead.
Pixels of one object that touch at a corner only are not connected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
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
    turns = _turns(np.pad(labels, 1))
    if not len(turns.successor):
        return []
    order, first = _cycles(turns.successor)
    counts = np.diff(first, append=len(order))
    return _assembled(labels, turns.pixel[order[first]], turns.corner[order], counts)


class _Turns(NamedTuple):
    """The edges after which an outline turns.

    Attributes
    ----------
    corner
        Corner (N, 2) at which each ends, float64.
    pixel
        Pixel (N, 2) on its right, one of the object.
    successor
        Index of the next one of the same outline.
    """

    corner: Array
    pixel: Array
    successor: Array


_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""How each direction goes on, (y, x): right, down, left, up."""

_RIGHT = ((0, 0), (0, -1), (-1, -1), (-1, 0))
"""The pixel on the right of an edge in each direction, from the corner it starts at."""


def _turns(padded: Array) -> _Turns:
    """Find every edge, and link those after which the outline turns.

    Edges are numbered along their direction, so that a straight run of them is a range of numbers.
    """
    north_west, north_east = padded[:-1, :-1], padded[:-1, 1:]
    south_west, south_east = padded[1:, :-1], padded[1:, 1:]
    right = (south_east, south_west, north_west, north_east)
    left = (north_east, south_east, south_west, north_west)
    height, width = north_west.shape

    def number(direction: Array, row: Array, column: Array) -> Array:
        along: Array = np.where(direction % 2, column * height + row, row * width + column)
        numbered: Array = direction * (height * width) + along
        return numbered

    numbers, stops, corners, pixels, following = [], [], [], [], []
    known = 0
    for direction, (step, right_pixel) in enumerate(zip(_STEPS, _RIGHT, strict=True)):
        inside, outside = right[direction], left[direction]
        is_edge = (inside != 0) & (inside != outside)
        if direction % 2:
            column, row = np.divmod(np.flatnonzero(is_edge.T), height)
        else:
            row, column = np.divmod(np.flatnonzero(is_edge), width)
        end_row, end_column = row + step[0], column + step[1]
        label = inside[row, column]
        turned = np.where(
            inside[end_row, end_column] != label,
            (direction + 1) % 4,
            np.where(outside[end_row, end_column] != label, direction, (direction + 3) % 4),
        )
        turning = turned != direction
        numbers.append(number(np.full(len(row), direction), row, column))
        stops.append(_next_turn(turning, forwards=direction < 2) + known)
        corners.append(np.stack([end_row[turning], end_column[turning]], axis=1))
        pixels.append(np.stack([row[turning], column[turning]], axis=1) + right_pixel)
        following.append(number(turned[turning], end_row[turning], end_column[turning]))
        known += int(np.count_nonzero(turning))
    edges = np.searchsorted(np.concatenate(numbers), np.concatenate(following))
    return _Turns(
        np.concatenate(corners).astype(np.float64), np.concatenate(pixels), np.concatenate(stops)[edges]
    )


def _next_turn(turning: Array, *, forwards: bool) -> Array:
    """Return for each edge the number of the turning edge at the end of its run, counting those alone."""
    before = np.cumsum(turning) - turning
    return before if forwards else before + turning - 1


def _cycles(successors: Array) -> tuple[Array, Array]:
    """Walk each closed outline once; return what is met in that order, and where each outline begins."""
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


def _assembled(labels: Array, pixels: Array, corners: Array, counts: Array) -> list[Outline]:
    """Give each hole to the outline around it.

    Parameters
    ----------
    labels
        The label image.
    pixels
        A pixel of the object of each ring.
    corners, counts
        Corners of all rings one after the other, and how many each has.
    """
    stops = np.cumsum(counts)
    starts = stops - counts
    rings = [corners[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    areas = _areas(corners, starts, stops)
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


def _around(point: Array, candidates: list[int], rings: list[Array], areas: Array) -> int:
    """Return the smallest of several outlines that has a point inside."""
    from polystore_roi._nesting import contains

    within = [index for index in candidates if contains(rings[index], point)]
    return min(within, key=lambda index: float(areas[index]))
