"""Shapes that are given by their vertices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from polystore_roi import _checks
from polystore_roi._roi import Roi, _brief

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Unpack

    from numpy.typing import ArrayLike

    from polystore_roi._checks import Coordinates
    from polystore_roi._roi import Attributes

__all__ = ["Line", "Points", "Polygon", "Polyline"]


class Polygon(Roi):
    """An area within straight edges, perhaps with holes.

    Parameters
    ----------
    vertices
        Corners (N, 2), y before x, at least 3, the first not repeated at the end.
    holes
        Corners of each hole, arrays like ``vertices``.
    **attributes
        See :class:`Roi`.

    Raises
    ------
    UnsupportedData
        If an array has another shape, too few rows, or values that are not finite.

    Examples
    --------
    >>> from polystore_roi import Polygon
    >>> cell = Polygon([[0, 0], [0, 9], [9, 9]], holes=[[[1, 3], [1, 5], [3, 5]]], name="cell", z=4)
    >>> cell.vertices[1], len(cell.holes), cell.position
    (array([0., 9.]), 1, (None, 4, None))
    """

    __slots__ = ()

    def __init__(
        self, vertices: ArrayLike, holes: Iterable[ArrayLike] = (), **attributes: Unpack[Attributes]
    ) -> None:
        outer = _checks.coordinates(vertices, "the vertices of a polygon", at_least=3)
        inner = (_checks.coordinates(hole, "the vertices of a hole", at_least=3) for hole in holes)
        super().__init__((outer, *inner), **attributes)

    @property
    def vertices(self) -> Coordinates:
        """Corners of the outline (N, 2), read-only."""
        return self._rings[0]

    @property
    def holes(self) -> tuple[Coordinates, ...]:
        """Corners of each hole, read-only arrays (M, 2)."""
        return self._rings[1:]

    def _written(self) -> str:
        holes = f", holes=[{', '.join(map(_brief, self.holes))}]" if self.holes else ""
        return _brief(self.vertices) + holes


class Polyline(Roi):
    """A line through several points; it has no inside.

    Parameters
    ----------
    vertices
        Points (N, 2) on the way, y before x, at least 2.
    **attributes
        See :class:`Roi`.

    Examples
    --------
    >>> from polystore_roi import Polyline
    >>> Polyline([[0, 0], [0, 9], [9, 9]], stroke="#FF8000")
    Polyline([[0, 0], [0, 9], [9, 9]], stroke='#ff8000')
    """

    __slots__ = ()

    def __init__(self, vertices: ArrayLike, **attributes: Unpack[Attributes]) -> None:
        rings = (_checks.coordinates(vertices, "the vertices of a polyline", at_least=2),)
        super().__init__(rings, **attributes)

    @property
    def vertices(self) -> Coordinates:
        """Points on the way (N, 2), read-only."""
        return self._rings[0]


class Line(Roi):
    """A straight line from one point to another.

    Parameters
    ----------
    start, end
        The two points, each (y, x).
    **attributes
        See :class:`Roi`.

    Examples
    --------
    >>> from polystore_roi import Line
    >>> Line((0, 0), (3, 4)).length
    5.0
    """

    __slots__ = ()

    def __init__(self, start: ArrayLike, end: ArrayLike, **attributes: Unpack[Attributes]) -> None:
        ends: Any = [start, end]
        rings = (_checks.coordinates(ends, "the ends of a line", at_least=2),)
        super().__init__(rings, **attributes)

    @property
    def start(self) -> tuple[float, float]:
        """Where it begins, (y, x)."""
        return float(self._rings[0][0, 0]), float(self._rings[0][0, 1])

    @property
    def end(self) -> tuple[float, float]:
        """Where it ends, (y, x)."""
        return float(self._rings[0][1, 0]), float(self._rings[0][1, 1])

    @property
    def length(self) -> float:
        """Distance of the two points in pixels."""
        return math.dist(self.start, self.end)

    def _written(self) -> str:
        (y1, x1), (y2, x2) = self.start, self.end
        return f"({y1:.6g}, {x1:.6g}), ({y2:.6g}, {x2:.6g})"


class Points(Roi):
    """One or more points under one name.

    Parameters
    ----------
    coordinates
        Array (N, 2), y before x, at least one row.
    **attributes
        See :class:`Roi`.

    Examples
    --------
    >>> from polystore_roi import Points
    >>> Points([[10, 20], [30.5, 40]]).coordinates
    array([[10. , 20. ],
           [30.5, 40. ]])
    """

    __slots__ = ()

    def __init__(self, coordinates: ArrayLike, **attributes: Unpack[Attributes]) -> None:
        super().__init__((_checks.coordinates(coordinates, "points", at_least=1),), **attributes)

    @property
    def coordinates(self) -> Coordinates:
        """The points (N, 2), read-only."""
        return self._rings[0]
