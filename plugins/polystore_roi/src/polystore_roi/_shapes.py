"""The shapes a region can have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from polystore_core.errors import UnsupportedData
from polystore_roi import _checks
from polystore_roi._assembling import PLAIN
from polystore_roi._roi import Roi, _brief

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from numpy.typing import ArrayLike

    from polystore_roi._checks import Coordinates
    from polystore_roi._roi import Attributes

    Bits: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["Composite", "Ellipse", "Line", "Mask", "Points", "Polygon", "Polyline", "Rectangle", "Text"]


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


class _Boxed(Roi):
    """A shape given by a box and the angle by which it is turned about its centre.

    The one ring holds (y, x), (height, width), (angle, 0).
    """

    __slots__ = ()

    _what: ClassVar[str]

    def __init__(
        self,
        y: float,
        x: float,
        height: float,
        width: float,
        angle: float = 0.0,
        **attributes: Unpack[Attributes],
    ) -> None:
        check = _checks.number
        box = [
            (check(y, f"y of {self._what}"), check(x, f"x of {self._what}")),
            (check(height, f"the height of {self._what}", least=0), check(width, "the width", least=0)),
            (check(angle, f"the angle of {self._what}"), 0.0),
        ]
        super().__init__((_checks.coordinates(box, "the numbers of a box", at_least=3),), **attributes)

    @property
    def y(self) -> float:
        """Top edge of the box before it is turned."""
        return float(self._rings[0][0, 0])

    @property
    def x(self) -> float:
        """Left edge of the box before it is turned."""
        return float(self._rings[0][0, 1])

    @property
    def height(self) -> float:
        """Height of the box before it is turned."""
        return float(self._rings[0][1, 0])

    @property
    def width(self) -> float:
        """Width of the box before it is turned."""
        return float(self._rings[0][1, 1])

    @property
    def angle(self) -> float:
        """Degrees by which the box is turned about its centre, clockwise on the screen."""
        return float(self._rings[0][2, 0])

    @property
    def center(self) -> tuple[float, float]:
        """The centre, (y, x)."""
        return self.y + self.height / 2, self.x + self.width / 2

    @property
    def corners(self) -> Coordinates:
        """Corners of the turned box (4, 2), clockwise from what was top left before the turn."""
        bottom, right = self.y + self.height, self.x + self.width
        box = np.array([(self.y, self.x), (self.y, right), (bottom, right), (bottom, self.x)])
        return box if self.angle == 0 else _turned(box, self.center, self.angle)

    def _outline(self) -> tuple[Coordinates, ...]:
        return (self.corners,)

    def _written(self) -> str:
        turn = f", angle={self.angle:.6g}" if self.angle else ""
        return f"{self.y:.6g}, {self.x:.6g}, {self.height:.6g}, {self.width:.6g}{turn}"


class Rectangle(_Boxed):
    """A rectangle, perhaps turned.

    Parameters
    ----------
    y, x
        Its top left corner before it is turned.
    height, width
        Its sides.
    angle
        Degrees by which it is turned about its centre, clockwise on the screen.
    **attributes
        See :class:`Roi`.

    Examples
    --------
    >>> from polystore_roi import Rectangle
    >>> Rectangle(10, 20, 5, 6).bounds
    (10.0, 20.0, 15.0, 26.0)
    >>> Rectangle(0, 0, 2, 4, angle=90).corners.round(6)
    array([[-1.,  3.],
           [ 3.,  3.],
           [ 3.,  1.],
           [-1.,  1.]])
    """

    __slots__ = ()

    _what = "a rectangle"


class Ellipse(_Boxed):
    """An ellipse, perhaps turned.

    Parameters
    ----------
    y, x
        Top left corner of the box around it before it is turned.
    height, width
        Its diameters.
    angle
        Degrees by which it is turned about its centre, clockwise on the screen.
    **attributes
        See :class:`Roi`.

    Examples
    --------
    >>> from polystore_roi import Ellipse
    >>> Ellipse(10, 20, 4, 6).center
    (12.0, 23.0)
    """

    __slots__ = ()

    _what = "an ellipse"

    def _outline(self) -> tuple[Coordinates, ...]:
        (y, x), turn = self.center, math.radians(self.angle)
        half_y = math.hypot(self.width * math.sin(turn), self.height * math.cos(turn)) / 2
        half_x = math.hypot(self.width * math.cos(turn), self.height * math.sin(turn)) / 2
        return (np.array([(y - half_y, x - half_x), (y + half_y, x + half_x)]),)

    def outline(self, points: int = 64) -> Coordinates:
        """Return points on the ellipse (N, 2), evenly spaced in the angle, from its right end clockwise."""
        (y, x), turn = self.center, np.arange(points) * (2 * math.pi / points)
        ring = np.stack([y + self.height / 2 * np.sin(turn), x + self.width / 2 * np.cos(turn)], axis=1)
        return ring if self.angle == 0 else _turned(ring, self.center, self.angle)


class Text(_Boxed):
    """Text written on the image.

    Parameters
    ----------
    text
        What it says; newlines begin a line.
    y, x
        Top left corner of the box it is written in, before it is turned.
    height, width
        Size of the box.
    angle
        Degrees by which it is turned about the centre of the box, clockwise on the screen.
    **attributes
        See :class:`Roi`.

    Examples
    --------
    >>> from polystore_roi import Text
    >>> Text("cell 3", 10, 20, 16, 80, stroke="#ffff00").text
    'cell 3'
    """

    __slots__ = ("text",)

    _what = "a text"
    text: str

    def __init__(  # noqa: PLR0917 - the box follows the text
        self,
        text: str,
        y: float,
        x: float,
        height: float,
        width: float,
        angle: float = 0.0,
        **attributes: Unpack[Attributes],
    ) -> None:
        self._set(text=_checks.text(text, "text"))
        super().__init__(y, x, height, width, angle, **attributes)

    @property
    def nbytes(self) -> int:
        """Bytes of the content, roughly what a store pays for it."""
        return super().nbytes + len(self.text)

    def _shape(self) -> tuple[Any, ...]:
        return (self.text,)

    def _written(self) -> str:
        return f"{self.text!r}, {super()._written()}"


class Mask(Roi):
    """An area given pixel by pixel, kept as the box around its pixels.

    Parameters
    ----------
    mask
        Array (H, W) of bool, True inside; at least one pixel. A copy is cropped to the pixels inside.
    y, x
        Pixel of the image on which ``mask[0, 0]`` lies, whole numbers.
    **attributes
        See :class:`Roi`.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_roi import Mask
    >>> roi = Mask(np.array([[0, 0, 0], [0, 1, 1]], bool), y=10, x=20)
    >>> roi.mask, roi.y, roi.x, roi.area
    (array([[ True,  True]]), 11, 21, 2)
    """

    __slots__ = ("mask",)

    mask: Bits
    """Array (H, W) of bool, read-only."""

    def __init__(self, mask: ArrayLike, y: int = 0, x: int = 0, **attributes: Unpack[Attributes]) -> None:
        given = np.asarray(mask)
        if given.ndim != 2 or given.dtype != np.bool_:
            raise UnsupportedData(
                f"a mask has the shape (H, W) and the dtype bool; got {given.shape} of {given.dtype}"
            )
        rows, columns = np.flatnonzero(given.any(axis=1)), np.flatnonzero(given.any(axis=0))
        if not len(rows):
            raise UnsupportedData("a mask has at least one pixel inside; this one has none")
        top, left = int(rows[0]), int(columns[0])
        cropped = np.array(given[top : rows[-1] + 1, left : columns[-1] + 1], order="C")
        cropped.flags.writeable = False
        origin = [(_whole(y, "y of a mask") + top, _whole(x, "x of a mask") + left), cropped.shape]
        self._set(mask=cropped)
        super().__init__((_checks.coordinates(origin, "the origin of a mask", at_least=2),), **attributes)

    @property
    def y(self) -> int:
        """Row of the image on which ``mask[0]`` lies."""
        return int(self._rings[0][0, 0])

    @property
    def x(self) -> int:
        """Column of the image on which ``mask[:, 0]`` lies."""
        return int(self._rings[0][0, 1])

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        return int(np.count_nonzero(self.mask))

    @property
    def nbytes(self) -> int:
        """Bytes of the content, roughly what a store pays for it."""
        return super().nbytes + self.mask.nbytes

    def _outline(self) -> tuple[Coordinates, ...]:
        origin, size = self._rings[0]
        return (np.stack([origin, origin + size]),)

    def _shape(self) -> tuple[Any, ...]:
        return self.mask.shape, self.mask.tobytes()

    def _written(self) -> str:
        height, width = self.mask.shape
        return f"<{height} x {width} bool, {self.area} inside>, y={self.y}, x={self.x}"

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.mask.flags.writeable = False


class Composite(Roi):
    """Several shapes as one region: what lies in any of them lies in it.

    Parameters
    ----------
    parts
        One or more shapes without name, colour, position or properties; those belong to the whole. No
        composites.
    **attributes
        See :class:`Roi`.

    Examples
    --------
    >>> from polystore_roi import Composite, Rectangle
    >>> Composite([Rectangle(0, 0, 2, 2), Rectangle(4, 0, 2, 2)], name="both").bounds
    (0.0, 0.0, 6.0, 2.0)
    """

    __slots__ = ("parts",)

    parts: tuple[Roi, ...]

    def __init__(self, parts: Iterable[Roi], **attributes: Unpack[Attributes]) -> None:
        members: tuple[Any, ...] = tuple(parts)
        if not members:
            raise UnsupportedData("a composite has at least one part")
        for part in members:
            if not isinstance(part, Roi) or isinstance(part, Composite):
                raise UnsupportedData(f"a part of a composite is a shape that is no composite; got {part!r}")
            if part._attribute_values() != PLAIN:
                raise UnsupportedData(
                    f"name, colours, position and properties belong to the composite, not its part {part!r}"
                )
        self._set(parts=members)
        super().__init__((), **attributes)

    @property
    def nbytes(self) -> int:
        """Bytes of the content, roughly what a store pays for it."""
        return super().nbytes + sum(part.nbytes for part in self.parts)

    def _outline(self) -> tuple[Coordinates, ...]:
        return tuple(ring for part in self.parts for ring in part._outline())

    def _shape(self) -> tuple[Any, ...]:
        return self.parts

    def _written(self) -> str:
        return f"[{', '.join(map(repr, self.parts))}]"


def _turned(ring: Coordinates, center: tuple[float, float], angle: float) -> Coordinates:
    """Turn points about a centre, clockwise on the screen."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    y, x = ring[:, 0] - center[0], ring[:, 1] - center[1]
    return np.stack([center[0] + x * sin + y * cos, center[1] + x * cos - y * sin], axis=1)


def _whole(given: float, what: str) -> float:
    value = _checks.number(given, what)
    if not value.is_integer():
        raise UnsupportedData(f"{what} is a whole number; got {given!r}")
    return value
