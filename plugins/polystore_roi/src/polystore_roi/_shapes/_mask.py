"""An area that is given by its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from polystore_core.errors import UnsupportedData
from polystore_roi import _checks
from polystore_roi._roi import Roi

if TYPE_CHECKING:
    from typing import Unpack

    from numpy.typing import ArrayLike

    from polystore_roi._checks import Coordinates
    from polystore_roi._roi import Attributes

    Bits: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

__all__ = ["Mask"]


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

    def _size(self) -> int:
        return super()._size() + self.mask.nbytes

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


def _whole(given: float, what: str) -> float:
    value = _checks.number(given, what)
    if not value.is_integer():
        raise UnsupportedData(f"{what} is a whole number; got {given!r}")
    return value
