"""The axes that all layers of a window share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from polystore_streaming.viewer import PositionGrid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["CHANNEL", "Lift", "World", "sliding"]

CHANNEL = "channel"


def sliding(position: Mapping[str, int | str]) -> dict[str, int | str]:
    """Return the part of a position that sliders show: channels are layers of their own."""
    return {axis: value for axis, value in position.items() if axis != CHANNEL}


class Lift(NamedTuple):
    """How the axes of a layer lie in the axes of the window, from the layer's outermost one on.

    Attributes
    ----------
    axes
        Names, a tail of the axes of the window.
    sources
        For each of them the index of the layer's own axis, or ``None`` where the layer has none.
    lengths
        Number of steps along each as far as the window knows.
    """

    axes: tuple[str, ...]
    sources: tuple[int | None, ...]
    lengths: tuple[int, ...]


class World:
    """Names, order and values of the axes of the window; napari itself aligns layers by their last axes.

    Two layers with a ``well`` axis mean the same slider by it, and the same step by the same well, even if
    they hold different wells and different other axes.

    Examples
    --------
    >>> world = World()
    >>> world.add({"well": "A01"}, ("y", "x"), (512, 512))
    True
    >>> world.add({"well": "A02", "field": 1}, ("y", "x"), (512, 512))
    True
    >>> world.axes, world.step({"well": "A02"})
    (('well', 'field', 'y', 'x'), {'well': 1})
    >>> world.lift(("well", "y", "x"))
    Lift(axes=('well', 'field', 'y', 'x'), sources=(0, None, 1, 2), lengths=(2, 1, 512, 512))
    """

    def __init__(self) -> None:
        self.axes: tuple[str, ...] = ()
        self._grids: dict[str, PositionGrid] = {}
        self._lengths: dict[str, int] = {}
        self._sizes: dict[str, float] = {}
        self._unit: str | None = None

    def clear(self) -> None:
        """Forget all axes."""
        self.axes, self._grids, self._lengths = (), {}, {}
        self._sizes, self._unit = {}, None

    def add(self, position: Mapping[str, int | str], axes: Sequence[str], shape: Sequence[int]) -> bool:
        """Make room for a frame of some axes and shape at a position; True if anything grew."""
        before = (self.axes, dict(self._lengths))
        self.axes = _merged(self.axes, (*position, *axes))
        for axis, value in position.items():
            grid = self._grids.setdefault(axis, PositionGrid((axis,)))
            grid.add({axis: value})
            self._lengths[axis] = max(self._lengths.get(axis, 0), *grid.shape)
        for axis, length in zip(axes, shape, strict=True):
            self._lengths[axis] = max(self._lengths.get(axis, 0), length)
        return before != (self.axes, self._lengths)

    def measure(self, axes: Sequence[str], scale: Sequence[float], unit: str | None) -> bool:
        """Take note of the size of an image's pixels, if it has one; True if that is news."""
        if unit is None and all(step == 1 for step in scale):
            return False
        before = (dict(self._sizes), self._unit)
        self._sizes.update(zip(axes, scale, strict=True))
        self._unit = unit
        return before != (self._sizes, self._unit)

    def size(
        self, axes: Sequence[str], scale: Sequence[float], unit: str | None
    ) -> tuple[tuple[float, ...], str | None]:
        """Return the scale and unit of something drawn on images: by itself in pixels, it is in theirs.

        Examples
        --------
        >>> world = World()
        >>> world.measure(("z", "y", "x"), (2.0, 0.5, 0.5), "micrometer")
        True
        >>> world.size(("y", "x"), (1.0, 1.0), None)
        ((0.5, 0.5), 'micrometer')
        """
        given = (1.0,) * (len(axes) - len(scale)) + tuple(scale)
        if unit is not None or any(step != 1 for step in given):
            return given, unit
        return tuple(self._sizes.get(axis, 1.0) for axis in axes), self._unit

    def index(self, axis: str, value: int | str) -> int:
        """Step of a value along an axis.

        Raises
        ------
        LookupError
            If the value has never come.
        """
        if axis not in self._grids:
            raise LookupError(f"no axis {axis!r}")
        (index,) = self._grids[axis].index({axis: value})
        return index

    def step(self, position: Mapping[str, int | str]) -> dict[str, int]:
        """Step along each axis of a position."""
        return {axis: self.index(axis, value) for axis, value in position.items()}

    def values(self, axis: str) -> tuple[int | str, ...]:
        """Values along an axis in the order of its steps; empty if it runs over indices only."""
        return self._grids[axis].values[axis] if axis in self._grids else ()

    def lift(self, axes: Sequence[str]) -> Lift:
        """Tell how the axes of a layer lie in those of the window."""
        first = min((self.axes.index(axis) for axis in axes), default=len(self.axes))
        tail = self.axes[first:]
        sources = tuple(axes.index(axis) if axis in axes else None for axis in tail)
        return Lift(tail, sources, tuple(self._lengths[axis] for axis in tail))


def _merged(known: tuple[str, ...], new: Sequence[str]) -> tuple[str, ...]:
    """Insert the new names before the next of theirs that is known, else at the end.

    Examples
    --------
    >>> _merged(("well", "y", "x"), ("well", "z", "y", "x"))
    ('well', 'z', 'y', 'x')
    """
    merged = list(known)
    following = len(merged)
    for axis in reversed(new):
        if axis in merged:
            following = min(following, merged.index(axis))
        else:
            merged.insert(following, axis)
    return tuple(merged)
