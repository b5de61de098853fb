"""What all regions have in common: attributes, immutability, equality by value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict, TypeVar

import numpy as np

from polystore_core.errors import InvalidOption
from polystore_roi import _checks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_roi._checks import Coordinates

__all__ = ["Attributes", "Roi"]

Self = TypeVar("Self", bound="Roi")


class Attributes(TypedDict, total=False):
    """The keyword arguments that every region takes."""

    name: str
    stroke: str | None
    fill: str | None
    c: int | None
    z: int | None
    t: int | None
    properties: Mapping[str, Any] | None


ATTRIBUTES = ("name", "stroke", "fill", "c", "z", "t", "properties")


class Roi:
    """A region of interest: a shape with a name, colours, a place in the stack and free properties.

    Regions never change: :meth:`replace` makes another one. They are equal if their class, shape and all
    attributes are, and hashable. The shapes are the subclasses.

    Coordinates are pixels, y before x, as ImageJ counts them. For an area (polygon, rectangle, ellipse, mask,
    text) pixel (0, 0) is the square from (0, 0) to (1, 1), so ``Rectangle(10, 20, 5, 6)`` covers the pixels
    ``[10:15, 20:26]``. For points and lines whole numbers are the centres of pixels: ``Points([[10, 20]])``
    lies on pixel ``[10, 20]``.

    Parameters
    ----------
    name
        Shown beside the region.
    stroke, fill
        Colours of outline and inside, ``"#rrggbb"`` or ``"#rrggbbaa"``; ``None`` leaves them to the viewer.
    c, z, t
        Index from 0 of the channel, slice and frame it belongs to; ``None`` for all of them.
    properties
        JSON values by name. An entry ``"imagej"`` holds what ImageJ knows beyond this model.

    Notes
    -----
    ``__polystore_kind__`` is how a list of regions is recognised by :func:`polystore_core.data.normalize`.
    """

    __slots__ = ("_properties", "_rings", "c", "fill", "name", "stroke", "t", "z")

    __polystore_kind__: ClassVar[Literal["rois"]] = "rois"

    name: str
    stroke: str | None
    fill: str | None
    c: int | None
    z: int | None
    t: int | None
    _properties: str
    _rings: tuple[Coordinates, ...]

    def __init__(
        self,
        rings: tuple[Coordinates, ...],
        *,
        name: str = "",
        stroke: str | None = None,
        fill: str | None = None,
        c: int | None = None,
        z: int | None = None,
        t: int | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> None:
        self._set(
            _rings=rings,
            name=_checks.text(name, "name") if name else "",
            stroke=_checks.color(stroke, "stroke"),
            fill=_checks.color(fill, "fill"),
            c=_checks.plane(c, "c"),
            z=_checks.plane(z, "z"),
            t=_checks.plane(t, "t"),
            _properties=_checks.properties_text(properties),
        )

    @property
    def properties(self) -> dict[str, Any]:
        """The free properties; a new dictionary each time."""
        return json.loads(self._properties)  # type: ignore[no-any-return]

    @property
    def position(self) -> tuple[int | None, int | None, int | None]:
        """The place in the stack as (c, z, t); ``None`` stands for all."""
        return self.c, self.z, self.t

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The box around the shape: smallest y and x, largest y and x."""
        corners = np.concatenate(self._outline())
        (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
        return float(top), float(left), float(bottom), float(right)

    @property
    def nbytes(self) -> int:
        """Bytes of the content, roughly what a store pays for it."""
        return self._size() + len(self.name) + len(self._properties)

    def replace(self: Self, **changes: Any) -> Self:
        """Return this region with some of its attributes changed; the shape stays.

        Examples
        --------
        >>> from polystore_roi import Points
        >>> Points([[1, 2]], name="spot").replace(z=3)
        Points([[1, 2]], name='spot', z=3)
        """
        unknown = changes.keys() - set(ATTRIBUTES)
        if unknown:
            raise InvalidOption(f"replace changes {', '.join(ATTRIBUTES)}; got {', '.join(sorted(unknown))}")
        other = object.__new__(type(self))
        other.__setstate__(self.__getstate__())
        Roi.__init__(other, self._rings, **self.attributes() | changes)  # type: ignore[arg-type]
        return other

    def attributes(self) -> Attributes:
        """Return the attributes as keyword arguments for another region."""
        return {
            "name": self.name,
            "stroke": self.stroke,
            "fill": self.fill,
            "c": self.c,
            "z": self.z,
            "t": self.t,
            "properties": self.properties,
        }

    def _outline(self) -> tuple[Coordinates, ...]:
        """The rings whose bounds are those of the shape."""
        return self._rings

    def _size(self) -> int:
        """Bytes of the shape."""
        return sum(ring.nbytes for ring in self._rings)

    def _shape(self) -> tuple[Any, ...]:
        """What, beyond the rings, tells one shape of this class from another."""
        return ()

    def _written(self) -> str:
        """The shape as one would type it."""
        return _brief(self._rings[0])

    def _set(self, **fields: Any) -> None:
        for field, value in fields.items():
            object.__setattr__(self, field, value)

    def __setattr__(self, field: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} never changes: replace({field}=...) makes another")

    def __delattr__(self, field: str) -> None:
        raise AttributeError(f"a {type(self).__name__} never changes: {field} stays")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Roi)
            and type(other) is type(self)
            and self._attribute_values() == other._attribute_values()
            and self._shape() == other._shape()
            and len(self._rings) == len(other._rings)
            and all(map(np.array_equal, self._rings, other._rings))
        )

    def __hash__(self) -> int:
        rings = tuple(ring.tobytes() for ring in self._rings)
        return hash((type(self), self._attribute_values(), self._shape(), rings))

    def _attribute_values(self) -> tuple[object, ...]:
        return self.name, self.stroke, self.fill, self.c, self.z, self.t, self._properties

    def __repr__(self) -> str:
        attributes = {name: value for name, value in self.attributes().items() if value not in (None, "", {})}
        words = [self._written(), *(f"{name}={value!r}" for name, value in attributes.items())]
        return f"{type(self).__name__}({', '.join(words)})"

    def __copy__(self: Self) -> Self:
        return self

    def __deepcopy__(self: Self, memo: object) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        slots = (slot for cls in type(self).__mro__ for slot in getattr(cls, "__slots__", ()))
        return {slot: getattr(self, slot) for slot in slots}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set(**state)
        for ring in self._rings:
            ring.flags.writeable = False


def _brief(ring: Coordinates) -> str:
    """Write coordinates, the first few if there are many."""
    rows = [f"[{y:.6g}, {x:.6g}]" for y, x in ring[:5].tolist()]
    if len(ring) > 5:
        rows.append(f"... {len(ring)} in all")
    return f"[{', '.join(rows)}]"
