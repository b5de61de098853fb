"""The coordinates that one path carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from polystore_core.paths._axes import standard_axis
from polystore_core.paths._wells import well_name

__all__ = ["Coordinates"]


class Coordinates(Mapping[str, "int | str"]):
    """Immutable mapping from the fields of a pattern to the values in one path.

    The names are those of the pattern, in its order. A field also answers to its standard name: what a
    pattern calls ``site`` is found as ``field`` too.

    Examples
    --------
    >>> from polystore_core.paths import Coordinates
    >>> place = Coordinates(well="A01", site=2, z=3)
    >>> place["site"], place["field"], dict(place)
    (2, 2, {'well': 'A01', 'site': 2, 'z': 3})
    """

    __slots__ = ("_values",)

    _values: dict[str, int | str]

    def __init__(self, values: Mapping[str, int | str] | None = None, /, **more: int | str) -> None:
        self._values = {**(values or {}), **more}

    @property
    def well(self) -> str | None:
        """Name of the well, from the field ``well`` or from ``row`` and ``column``, counted from 1.

        Examples
        --------
        >>> from polystore_core.paths import Coordinates
        >>> Coordinates(row=2, column=11).well
        'B11'
        """
        if "well" in self:
            return str(self["well"])
        if "row" not in self or "column" not in self:
            return None
        row, column = self["row"], int(self["column"])
        if isinstance(row, int):
            return well_name(row - 1, column - 1)
        return f"{row}{column:02d}"

    def by_axis(self) -> dict[str, int | str]:
        """Give the values under the standard names of their axes.

        Examples
        --------
        >>> from polystore_core.paths import Coordinates
        >>> Coordinates(well="A01", site=2).by_axis()
        {'well': 'A01', 'field': 2}
        """
        return {standard_axis(name): value for name, value in self._values.items()}

    def __getitem__(self, name: str) -> int | str:
        if name in self._values:
            return self._values[name]
        axis = standard_axis(name)
        for own, value in self._values.items():
            if standard_axis(own) == axis:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Coordinates):
            return self._values == other._values
        return isinstance(other, Mapping) and self._values == dict(other)

    def __repr__(self) -> str:
        return f"Coordinates({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"
