"""The corners at which the outlines of a label image turn, for all objects at once and without a search.

An outline runs along the edges between pixels of its object and others, with the object on the right, as in
the border following of Suzuki and Abe (Computer Vision, Graphics, and Image Processing 30, 1985). How it goes
on at a corner follows from the four pixels around. Pixels of one object that touch at a corner only are not
connected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

__all__ = ["UP", "Turns", "turns"]

_RIGHT, _DOWN, _LEFT, UP = range(4)

_BEHIND = np.array([(0, -1), (-1, -1), (-1, 0), (0, 0)])
"""The pixel behind on the right of who comes to a corner going right, down, left, up.

So they are the four around the corner, clockwise from that on its lower left: counted from the first, the
next one lies behind on the left, the one after that ahead on the left, the last one ahead on the right.
"""


class Turns(NamedTuple):
    """Each turn of each outline.

    Attributes
    ----------
    row, column
        The corner; corner (0, 0) is the upper left one of pixel (0, 0).
    leaving
        Direction in which the outline goes on: 0 right, 1 down, 2 left, 3 up.
    label
        The object.
    successor
        Index of the next turn of the same outline.
    """

    row: Array
    column: Array
    leaving: Array
    label: Array
    successor: Array


def turns(labels: Array) -> Turns:
    """Find every turn in a label image (Y, X), 0 outside, and which one follows it on the outline.

    No two outlines run along the same edge in the same direction. So along a line of the grid straight runs
    begin and end alternately, and the n-th one that begins is the n-th one that ends.
    """
    padded = np.pad(labels, 1)
    row, column = np.nonzero(_is_corner(padded))
    inside = np.stack([padded[row + 1 + down, column + 1 + right] for down, right in _BEHIND])
    behind_left, ahead_left, ahead_right = (np.roll(inside, -steps, axis=0) for steps in (1, 2, 3))
    is_edge = (inside != 0) & (inside != behind_left)
    to_the_right = ahead_right != inside
    to_the_left = ~to_the_right & (ahead_left == inside)
    arriving, place = np.nonzero(is_edge & (to_the_right | to_the_left))
    leaving = (arriving + np.where(to_the_right[arriving, place], 1, 3)) % 4
    row, column, label = row[place], column[place], inside[arriving, place]
    successor = np.empty_like(place)
    successor[_along_lines(leaving, row, column)] = _along_lines(arriving, row, column)
    return Turns(row, column, leaving, label, successor)


def _is_corner(padded: Array) -> Array:
    """Tell at which corners of pixels edges meet at a right angle."""
    beside = padded[:, :-1] != padded[:, 1:]
    below = padded[:-1] != padded[1:]
    found: Array = beside[:-1] | beside[1:]
    found &= below[:, :-1] | below[:, 1:]
    return found


def _along_lines(direction: Array, row: Array, column: Array) -> Array:
    """Return the order by direction, line of the grid, and place on it."""
    line, on_line = np.where(direction % 2, (column, row), (row, column))
    length = 1 + max(int(row.max(initial=0)), int(column.max(initial=0)))
    return np.argsort((direction * length + line) * length + on_line)
