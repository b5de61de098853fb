"""What layers of points and of shapes have in common: coordinates along the axes of the window."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_napari._placed import PlacedLayer
from polystore_napari._world import CHANNEL, sliding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from polystore_napari._world import Lift, World
    from polystore_streaming.viewer import Content

__all__ = ["REGION", "SOURCE", "VectorLayer", "vector_axes"]

SOURCE = "path"
"""Feature that tells which path a point or shape came from; empty if the user made it."""

REGION = "region"
"""Feature that tells which region of its path a shape or point is a part of."""

Array = np.ndarray[Any, Any]


class VectorLayer(PlacedLayer):
    """A napari layer of points or shapes from one or more paths, and those that the user adds.

    Rows have one coordinate per axis of the window from the layer's outermost one on. Along an axis that the
    layer does not have they are shifted to where the slider stands, so that they are seen everywhere.

    Parameters
    ----------
    first
        The frame that it starts with.
    frame_axes
        Axes of its coordinates.
    world
        Axes of the window; they have room for the frame.
    """

    def __init__(self, first: Content, frame_axes: Sequence[str], world: World) -> None:
        super().__init__(
            world=world,
            title=first.layer,
            channel=first.position.get(CHANNEL),
            grid_axes=tuple(sliding(first.position)),
            frame_axes=frame_axes,
            scale=first.scale,
            unit=first.unit,
        )
        self._values: dict[str, tuple[int | str, ...]] = {}
        self._extents: dict[str, tuple[dict[str, int | str], tuple[int, ...]]] = {}
        self._setting = False

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes of the positions, then those of the coordinates."""
        return self.grid_axes + self.frame_axes

    @property
    def layer_axes(self) -> tuple[str, ...]:
        """Axes of the layer in napari."""
        assert self._lift is not None
        return self._lift.axes

    def check(self, frame: Content, frame_axes: Sequence[str]) -> None:
        """Refuse a frame with other axes.

        Raises
        ------
        ValueError
            If it has other axes than the layer.
        """
        axes = (*sliding(frame.position), *frame_axes)
        if set(axes) != set(self.axes):
            raise ValueError(
                f"layer {self.title!r} has the axes {self.axes}, not {axes};"
                " remove it first, or name another layer="
            )

    def note(self, frame: Content, lengths: tuple[int, ...]) -> None:
        """Remember where a path lies, and how far it reaches along the axes of its coordinates."""
        self._extents[frame.path] = (sliding(frame.position), lengths)

    def announce(self) -> None:
        """Make room for all that is held in a window whose axes are counted anew."""
        for position, lengths in self._extents.values():
            self.world.add(position, self.frame_axes, lengths)

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments that a napari layer of these axes is made with."""
        self._lift = self._look()
        return {
            "name": name,
            "ndim": len(self._lift.axes),
            **self._placing(),
        }

    def placed(self, coordinates: Array, position: Mapping[str, int | str]) -> Array:
        """Return coordinates (N, D) of one position in the columns of the napari layer."""
        assert self._lift is not None
        steps = self.world.step(sliding(position))
        columns = np.zeros((len(coordinates), len(self._lift.axes)))
        for column, (axis, source) in enumerate(zip(self._lift.axes, self._lift.sources, strict=True)):
            if axis in steps:
                columns[:, column] = steps[axis]
            elif source is not None:
                columns[:, column] = coordinates[:, source - len(self.grid_axes)]
        return columns

    def taken(self, rows: Array) -> tuple[Array, dict[str, Array]]:
        """Return coordinates (N, D) without the columns of positions, and those columns as steps by axis."""
        assert self._lift is not None
        columns = {axis: rows[:, n] for n, axis in enumerate(self._lift.axes)}
        steps = {axis: np.rint(columns[axis]).astype(np.int64) for axis in self.grid_axes}
        return np.stack([columns[axis] for axis in self.frame_axes], axis=1), steps

    def relift(self) -> None:
        """Follow the window where it got other axes, or where steps along them shifted.

        The napari layer may be another one afterwards.
        """
        former, values = self._lift, self._values
        lift = self._look()
        if former is None or (lift.axes == former.axes and values == self._values):
            return
        shifts = {
            axis: np.array([self.world.index(axis, value) for value in values[axis]])
            for axis in self.grid_axes
        }

        def moved(rows: Array) -> Array:
            columns = np.zeros((len(rows), len(lift.axes)))
            for column, (axis, source) in enumerate(zip(lift.axes, lift.sources, strict=True)):
                if source is None:
                    continue
                old = rows[:, former.axes.index(axis)]
                known = len(shifts.get(axis, ()))
                columns[:, column] = (
                    shifts[axis][np.clip(np.rint(old).astype(int), 0, known - 1)] if known else old
                )
            return columns

        with self.ours():
            if lift.axes == former.axes:
                self._move_rows(moved)
            else:
                self._exchange(self._moved_data(moved))

    def _size(self) -> tuple[tuple[float, ...], str | None]:
        return self.world.size(self.frame_axes, self._scale, self._unit)

    def follow(self, steps: Mapping[str, int]) -> None:
        """Shift the layer to where the sliders stand along the axes that it does not have."""
        if self._lift is None or None not in self._lift.sources:
            return
        shift = [
            float(steps.get(axis, 0)) if source is None else 0.0
            for axis, source in zip(self._lift.axes, self._lift.sources, strict=True)
        ]
        if not np.array_equal(self.layer.translate, shift):
            self.layer.translate = shift

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Changes to the layer within are not the user's."""
        former, self._setting = self._setting, True
        try:
            yield
        finally:
            self._setting = former

    def _look(self) -> Lift:
        self._values = {axis: self.world.values(axis) for axis in self.grid_axes}
        self._lift = self.world.lift(self.axes)
        return self._lift

    def _watch(self) -> None:
        self.layer.events.data.connect(self._on_data)

    def _on_data(self, event: Any) -> None:
        """What the user adds belongs to no path, also if it was copied from something that does."""
        if self._setting or str(getattr(event, "action", "")) != "added":
            return
        rows = list(event.data_indices)
        count = len(self.layer.features)
        if SOURCE in self.layer.features and rows:
            self.layer.features.loc[[row % count for row in rows], SOURCE] = ""

    @abstractmethod
    def _move_rows(self, moved: Callable[[Array], Array]) -> None:
        """Give every row other coordinates along the same axes."""

    @abstractmethod
    def _moved_data(self, moved: Callable[[Array], Array]) -> Any:
        """Return the data of the layer with other coordinates for every row."""


def vector_axes(frame: Content) -> tuple[str, ...]:
    """Names of the axes of coordinates; the last two are y and x in every window.

    Raises
    ------
    ValueError
        If there are fewer than two, or one is named twice.
    """
    axes = tuple(frame.axes) or ("y", "x")
    named = (*axes[:-2], "y", "x")
    if len(axes) < 2 or len({*named, *frame.position}) < len(named) + len(frame.position):
        raise ValueError(f"napari cannot place coordinates along {tuple(frame.position)} and {axes}")
    return named
