"""Shapes that are given by a box and the angle by which it is turned."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from polystore_roi import _checks
from polystore_roi._roi import Roi

if TYPE_CHECKING:
    from typing import Unpack

    from polystore_roi._checks import Coordinates
    from polystore_roi._roi import Attributes

__all__ = ["Ellipse", "Rectangle", "Text"]


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

    def _size(self) -> int:
        return super()._size() + len(self.text)

    def _shape(self) -> tuple[Any, ...]:
        return (self.text,)

    def _written(self) -> str:
        return f"{self.text!r}, {super()._written()}"


def _turned(ring: Coordinates, center: tuple[float, float], angle: float) -> Coordinates:
    """Turn points about a centre, clockwise on the screen."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    y, x = ring[:, 0] - center[0], ring[:, 1] - center[1]
    return np.stack([center[0] + x * sin + y * cos, center[1] + x * cos - y * sin], axis=1)
