"""Layers of pixels: images and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_napari._placed import PlacedLayer
from polystore_napari._planes import Planes, Stack
from polystore_napari._world import CHANNEL, sliding
from polystore_streaming.viewer import Image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_napari._planes import Key
    from polystore_napari._stored_planes import StoredPlanes
    from polystore_napari._world import World
    from polystore_streaming.viewer import Labels

__all__ = ["PixelLayer", "streamed"]

MULTISCALE_FROM = 8192
COARSEST = 1024


class PixelLayer(PlacedLayer):
    """A napari layer of images or labels, with one plane for each position that has come.

    Parameters
    ----------
    world
        Axes of the window.
    title, channel
        What it was sent as.
    levels
        Planes in full resolution first, each with every how many pixels of them to take.
    scale, unit
        Size of a pixel along the axes of a frame.

    Attributes
    ----------
    planes
        What has come.
    """

    def __init__(
        self,
        *,
        world: World,
        title: str,
        channel: int | str | None,
        levels: Sequence[tuple[Planes | StoredPlanes, int]],
        scale: tuple[float, ...],
        unit: str | None,
    ) -> None:
        self.planes = levels[0][0]
        super().__init__(
            world=world,
            title=title,
            channel=channel,
            grid_axes=self.planes.grid_axes,
            frame_axes=self.planes.frame_axes,
            scale=scale,
            unit=unit,
        )
        self._levels = levels

    def check(self, frame: Image | Labels) -> None:
        """Refuse a frame that does not fit.

        Raises
        ------
        ValueError
            If it has another data type or other axes.
        """
        samples = frame.pixels.shape[-1] if isinstance(frame, Image) and frame.is_rgb else 0
        if frame.pixels.dtype != self.planes.dtype:
            raise ValueError(
                f"layer {self.title!r} holds {self.planes.dtype}, not {frame.pixels.dtype};"
                " remove it first, or name another layer="
            )
        axes = (*sliding(frame.position), *_frame_axes(frame))
        if set(axes) != set(self.planes.axes) or samples != self.planes.samples:
            raise ValueError(
                f"layer {self.title!r} has the axes {self._named(self.planes.axes, self.planes.samples)}, not"
                f" {self._named(axes, samples)}; remove it first, or name another layer="
            )

    def put(self, frame: Image | Labels) -> bool:
        """Copy a frame to its place; True if showing it takes no more than a refresh."""
        assert isinstance(self.planes, Planes)
        position = sliding(frame.position)
        return self.planes.put(tuple(position[axis] for axis in self.grid_axes), frame.pixels)

    def data(self) -> Any:
        """Return what napari is to show: an array of its own, a stack, or a list of either by level."""
        lift = self.world.lift(self.planes.axes)
        levels: list[Any] = []
        for planes, stride in self._levels:
            plain = not self.grid_axes and lift.sources == tuple(range(len(self.frame_axes)))
            whole = planes.get(()) if plain else None
            levels.append(
                Stack(planes, self.world, stride) if whole is None else planes.strided(whole, stride)
            )
        return levels if len(levels) > 1 else levels[0]

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments that any layer of these pixels is made with."""
        self._lift = self.world.lift(self.planes.axes)
        return {
            "data": self.data(),
            "name": name,
            "multiscale": len(self._levels) > 1,
            **self._placing(),
        }

    def relift(self) -> None:
        """Follow the window where it got other axes, or more steps along them."""
        if self.world.lift(self.planes.axes) != self._lift:
            self.rebuild()

    def rebuild(self) -> None:
        """Let napari see new shapes and axes; what the user changed in the layer stays.

        The napari layer may be another one afterwards.
        """
        lift = self.world.lift(self.planes.axes)
        moved = self._lift is None or lift.axes != self._lift.axes
        self._lift = lift
        if not moved:
            self.layer.data = self.data()
        elif len(self._levels) == 1:
            self.layer.data = self.data()
            self.replace()
        else:
            self._exchange(self.data())

    def announce(self) -> None:
        """Make room for all that is held in a window whose axes are counted anew."""
        for position in self.planes.positions():
            self.world.add(position, self.frame_axes, self.planes.frame_shape)
        self.world.measure(self.frame_axes, self._scale, self._unit)

    def pixels(self, position: Mapping[str, int | str]) -> np.ndarray[Any, Any]:
        """Return the pixels held at a position, not a copy.

        Raises
        ------
        LookupError
            If nothing has come for it.
        """
        key: Key = tuple(position[axis] for axis in self.grid_axes if axis in position)
        found = self.planes.get(key)
        if found is None:
            raise LookupError(f"layer {self.title!r} holds nothing at {dict(position)}")
        return np.asarray(found)

    @staticmethod
    def _named(axes: tuple[str, ...], samples: int) -> tuple[str, ...]:
        return (*axes, "rgb") if samples else axes


def streamed(first: Image | Labels, world: World) -> dict[str, Any]:
    """Return the arguments of a layer that starts with a frame; very large ones come in several levels."""
    samples = first.pixels.shape[-1] if isinstance(first, Image) and first.is_rgb else 0
    planes = Planes(tuple(sliding(first.position)), _frame_axes(first), first.pixels.dtype, samples)
    strides = [1]
    longest = max(first.pixels.shape[: len(planes.frame_axes)][-2:])
    while longest >= MULTISCALE_FROM and longest / strides[-1] > COARSEST:
        strides.append(2 * strides[-1])
    return {
        "world": world,
        "title": first.layer,
        "channel": first.position.get(CHANNEL),
        "levels": [(planes, stride) for stride in strides],
        "scale": first.scale,
        "unit": first.unit,
    }


def _frame_axes(frame: Image | Labels) -> tuple[str, ...]:
    """Names of the axes of a frame; the last two, which are displayed, are y and x in every window."""
    axes = frame.axes[:-1] if isinstance(frame, Image) and frame.is_rgb else frame.axes
    if len(axes) < 2:
        raise ValueError(f"napari shows images of two or more axes, not {frame.axes}")
    named = (*axes[:-2], "y", "x")
    if len({*named, *frame.position}) < len(named) + len(frame.position):
        raise ValueError(f"an axis is named twice: {tuple(frame.position)} in the path, {axes} in the array")
    return named
