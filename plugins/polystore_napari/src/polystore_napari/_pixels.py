"""Layers of pixels: images and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_napari._planes import Planes, Stack
from polystore_napari._world import CHANNEL, sliding
from polystore_streaming.viewer import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_napari._planes import Key
    from polystore_napari._world import Lift, World
    from polystore_streaming.viewer import Labels

__all__ = ["PixelLayer", "layer_arguments"]

MULTISCALE_FROM = 8192
COARSEST = 1024


class PixelLayer:
    """A napari layer of images or labels, with one plane for each position that has come.

    Parameters
    ----------
    first
        The frame that it starts with.
    world
        Axes of the window; they have room for the frame.

    Attributes
    ----------
    layer
        The layer in napari; ``None`` until :meth:`build`.
    planes
        What has come.
    """

    def __init__(self, first: Image | Labels, world: World) -> None:
        samples = first.pixels.shape[-1] if isinstance(first, Image) and first.is_rgb else 0
        self.world = world
        self.title = first.layer
        self.grid_axes = tuple(sliding(first.position))
        self.frame_axes = _frame_axes(first)
        self.planes = Planes(self.grid_axes, self.frame_axes, first.pixels.dtype, samples)
        self.layer: Any = None
        self.channel = first.position.get(CHANNEL)
        self.channel_name: str | None = None
        self._strides = [1]
        longest = max(first.pixels.shape[: len(self.frame_axes)][-2:], default=0)
        while longest >= MULTISCALE_FROM and longest / self._strides[-1] > COARSEST:
            self._strides.append(2 * self._strides[-1])
        self._scale: tuple[float, ...] = ()
        self._unit: str | None = None
        self._latest = first
        self._lift: Lift | None = None

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
                f"layer {self.title!r} holds {self.planes.dtype}, not {frame.pixels.dtype}; remove it first, or"
                " name another layer="
            )
        axes = (*sliding(frame.position), *_frame_axes(frame))
        if set(axes) != set(self.planes.axes) or samples != self.planes.samples:
            raise ValueError(
                f"layer {self.title!r} has the axes {self._named(self.planes.axes, self.planes.samples)}, not"
                f" {self._named(axes, samples)}; remove it first, or name another layer="
            )

    def put(self, frame: Image | Labels) -> bool:
        """Copy a frame to its place; True if showing it takes no more than a refresh."""
        self._latest = frame
        position = sliding(frame.position)
        return self.planes.put(tuple(position[axis] for axis in self.grid_axes), frame.pixels)

    def build(self, name: str) -> Any:
        """Make the napari layer."""
        raise NotImplementedError

    def data(self) -> Any:
        """Return what napari is to show: an array of its own, a stack, or a list of either by level."""
        whole = self.planes.get(())
        lift = self.world.lift(self.planes.axes)
        if whole is not None and not self.grid_axes and lift.sources == tuple(range(len(self.frame_axes))):
            levels: list[Any] = [self._strided(whole, stride) for stride in self._strides]
        else:
            levels = [Stack(self.planes, self.world, stride) for stride in self._strides]
        return levels if len(levels) > 1 else levels[0]

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments that any layer of these pixels is made with."""
        self._lift = self.world.lift(self.planes.axes)
        self._scale, self._unit = self._latest.scale, self._latest.unit
        return {
            "data": self.data(),
            "name": name,
            "multiscale": len(self._strides) > 1,
            **layer_arguments(self._lift, self.grid_axes, self._scale, self._unit),
        }

    def relift(self) -> None:
        """Follow the window where it got other axes, or more steps along them."""
        if self.world.lift(self.planes.axes) != self._lift:
            self.rebuild()

    def rebuild(self) -> None:
        """Let napari see new shapes and axes; what the user changed in the layer stays."""
        lift = self.world.lift(self.planes.axes)
        self.layer.data = self.data()
        moved = self._lift is None or lift.axes != self._lift.axes
        self._lift = lift
        if moved:
            self._place()

    def rescale(self) -> None:
        """Take over the scale and unit of the latest frame, if they changed."""
        if (self._scale, self._unit) != (self._latest.scale, self._latest.unit):
            self._scale, self._unit = self._latest.scale, self._latest.unit
            self._place()

    def announce(self) -> None:
        """Make room for all that is held in a window whose axes are counted anew."""
        for position in self.planes.positions():
            self.world.add(position, self.frame_axes, self.planes.frame_shape)

    def _place(self) -> None:
        assert self._lift is not None
        placing = layer_arguments(self._lift, self.grid_axes, self._scale, self._unit)
        self.layer.axis_labels = placing["axis_labels"]
        self.layer.scale = placing["scale"]
        self.layer.units = placing["units"]

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
        return found

    def _strided(self, whole: np.ndarray[Any, Any], stride: int) -> np.ndarray[Any, Any]:
        step = slice(None, None, stride)
        return whole[(..., step, step, slice(None)) if self.planes.samples else (..., step, step)]

    @staticmethod
    def _named(axes: tuple[str, ...], samples: int) -> tuple[str, ...]:
        return (*axes, "rgb") if samples else axes


def layer_arguments(
    lift: Lift, grid_axes: tuple[str, ...], scale: tuple[float, ...], unit: str | None
) -> dict[str, Any]:
    """Return names, scale and units of a layer's axes in napari's order.

    Examples
    --------
    >>> from polystore_napari._world import Lift
    >>> lift = Lift(("well", "z", "y", "x"), (0, None, 1, 2), (2, 5, 64, 64))
    >>> layer_arguments(lift, ("well",), (0.5, 0.5), "micrometer")["scale"]
    (1.0, 1.0, 0.5, 0.5)
    """
    frame = [None if source is None or source < len(grid_axes) else source - len(grid_axes) for source in lift.sources]
    return {
        "axis_labels": lift.axes,
        "scale": tuple(1.0 if at is None or at >= len(scale) else float(scale[at]) for at in frame),
        "units": tuple("pixel" if at is None or not unit else unit for at in frame),
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
