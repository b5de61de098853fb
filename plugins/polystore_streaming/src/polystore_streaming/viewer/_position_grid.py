"""A grid of positions that grows while planes arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_core.paths import natural_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PositionGrid"]


class PositionGrid:
    """Index of each position along axes whose values become known one by one.

    Values are kept in natural order (2 before 10, A2 before A10), so a new value may shift the index of
    others: keep what belongs to a position under its values, and ask for the index when it is needed.

    Parameters
    ----------
    axes
        Names of the axes, outermost first.

    Examples
    --------
    >>> from polystore_streaming.viewer import PositionGrid
    >>> grid = PositionGrid(("well", "z"))
    >>> grid.add({"well": "B10", "z": 3}), grid.add({"well": "B2", "z": 3})
    (True, True)
    >>> grid.shape, grid.index({"well": "B10", "z": 3}), grid.values["well"]
    ((2, 1), (1, 0), ('B2', 'B10'))
    >>> grid.add({"well": "B2", "z": 3})
    False
    """

    def __init__(self, axes: Sequence[str]) -> None:
        self.axes = tuple(axes)
        self.values: dict[str, tuple[int | str, ...]] = dict.fromkeys(self.axes, ())

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along each axis."""
        return tuple(len(self.values[axis]) for axis in self.axes)

    def key(self, position: Mapping[str, int | str]) -> tuple[int | str, ...]:
        """Values of a position in the order of the axes; it stays the same while the grid grows.

        Raises
        ------
        ValueError
            If the position has other axes.
        """
        if position.keys() != set(self.axes):
            raise ValueError(f"the position has the axes {tuple(position)}, its layer has {self.axes}")
        return tuple(position[axis] for axis in self.axes)

    def add(self, position: Mapping[str, int | str]) -> bool:
        """Make room for a position; True if the grid grew."""
        grew = False
        for axis, value in zip(self.axes, self.key(position), strict=True):
            if value not in self.values[axis]:
                self.values[axis] = tuple(sorted({*self.values[axis], value}, key=_order))
                grew = True
        return grew

    def index(self, position: Mapping[str, int | str]) -> tuple[int, ...]:
        """Index of a position.

        Raises
        ------
        LookupError
            If it lies outside the grid.
        """
        try:
            return tuple(
                self.values[axis].index(value)
                for axis, value in zip(self.axes, self.key(position), strict=True)
            )
        except ValueError:
            raise LookupError(f"no position {dict(position)}") from None


def _order(value: int | str) -> tuple[bool, object]:
    return (True, natural_key(value)) if isinstance(value, str) else (False, value)
