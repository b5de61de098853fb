"""Several shapes as one region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.errors import UnsupportedData
from polystore_roi._assembling import PLAIN
from polystore_roi._roi import Roi

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from polystore_roi._checks import Coordinates
    from polystore_roi._roi import Attributes

__all__ = ["Composite"]


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

    def _size(self) -> int:
        return super()._size() + sum(part.nbytes for part in self.parts)

    def _outline(self) -> tuple[Coordinates, ...]:
        return tuple(ring for part in self.parts for ring in part._outline())

    def _shape(self) -> tuple[Any, ...]:
        return self.parts

    def _written(self) -> str:
        return f"[{', '.join(map(repr, self.parts))}]"
