"""Where the sliders stand: after the stream, until the user moves them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from polystore_napari._world import World

__all__ = ["Sliders"]


class Sliders:
    """The sliders of a viewer, by the names and values of the window's axes.

    They follow to what arrives. Once the user moves one they stay where they were put, until the user moves
    them to what arrived last.

    Parameters
    ----------
    viewer
        The napari viewer.
    world
        The axes of its layers.
    """

    def __init__(self, viewer: Any, world: World) -> None:
        self._dims = viewer.dims
        self._world = world
        self._latest: dict[str, int | str] = {}
        self._following = True
        self._came = False
        self._steering = False
        self._expected = self._dims.current_step
        self._dims.events.current_step.connect(self._on_step)

    @property
    def steering(self) -> bool:
        """Whether layers are being changed, so that steps may not fit them."""
        return self._steering

    def arrived(self, position: Mapping[str, int | str]) -> None:
        """Note what came last; :meth:`follow` goes there."""
        self._latest.update(position)
        self._came = True

    def forget(self) -> None:
        """Follow anew: what was looked at is gone."""
        self._latest, self._following = {}, True

    def follow(self) -> bool:
        """Go to what came last, unless the user went elsewhere; True if anything came since the last call."""
        came, self._came = self._came, False
        if self._following:
            self._move(self._world.step(self._known(self._latest)))
        return came

    def steps(self) -> dict[str, int]:
        """Step of each axis of the window that has a slider or is displayed."""
        return {axis: self._dims.current_step[at] for axis, at in self._places().items()}

    def position(self) -> dict[str, int | str]:
        """Value of each axis that has values, where its slider stands."""
        found = {}
        for axis, step in self.steps().items():
            values = self._world.values(axis)
            if step < len(values):
                found[axis] = values[step]
        return found

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let layers change within, and look at the same position afterwards.

        A value that comes before others shifts their steps, and napari moves sliders that a change leaves
        outside their range.
        """
        position, steps = self.position(), self.steps()
        self._steering = True
        try:
            yield
        finally:
            self._steering = False
            self._move({**steps, **self._world.step(self._known(position))})

    def _known(self, position: Mapping[str, int | str]) -> dict[str, int | str]:
        return {axis: value for axis, value in position.items() if value in self._world.values(axis)}

    def _places(self) -> dict[str, int]:
        offset = self._dims.ndim - len(self._world.axes)
        return {axis: n + offset for n, axis in enumerate(self._world.axes) if n + offset >= 0}

    def _move(self, steps: Mapping[str, int]) -> None:
        places = self._places()
        wanted = {places[axis]: step for axis, step in steps.items() if axis in places}
        moves = {at: step for at, step in wanted.items() if self._dims.current_step[at] != step}
        if moves:
            self._steering = True
            try:
                self._dims.set_current_step(list(moves), list(moves.values()))
            finally:
                self._steering = False
        self._expected = self._dims.current_step

    def _on_step(self) -> None:
        if self._steering or self._dims.current_step == self._expected:
            return
        self._expected = self._dims.current_step
        position = self.position()
        self._following = all(self._latest.get(axis, value) == value for axis, value in position.items())
