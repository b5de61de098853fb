"""What all layers that the stream makes in napari have in common: where they lie in the window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_napari._world import Lift, World

__all__ = ["PlacedLayer"]

SPACE = ("z", "y", "x")

PLACING = {
    *("axis_labels", "scale", "units", "translate", "rotate", "shear", "affine", "ndim"),
    *("plane", "experimental_clipping_planes", "locked_data_level"),
}


class PlacedLayer(ABC):
    """A layer along the axes of its positions and of its frames.

    Parameters
    ----------
    world
        Axes of the window.
    title, channel
        What it was sent as.
    grid_axes, frame_axes
        Axes of the positions, and of what came for one.
    scale, unit
        Size of a pixel along the axes of a frame.

    Attributes
    ----------
    layer
        The layer in napari; ``None`` until :meth:`build`.
    """

    suffix = ""

    def __init__(
        self,
        *,
        world: World,
        title: str,
        channel: int | str | None,
        grid_axes: Sequence[str],
        frame_axes: Sequence[str],
        scale: tuple[float, ...],
        unit: str | None,
    ) -> None:
        self.world = world
        self.title = title
        self.channel = channel
        self.channel_name: str | None = None
        self.layer: Any = None
        self.grid_axes, self.frame_axes = tuple(grid_axes), tuple(frame_axes)
        self._scale, self._unit = scale, unit
        self._lift: Lift | None = None

    @abstractmethod
    def build(self, name: str) -> Any:
        """Make the napari layer."""

    def rescale(self, scale: tuple[float, ...], unit: str | None) -> None:
        """Take over another scale and unit; what the user set stays until the sender gives others."""
        if (scale, unit) != (self._scale, self._unit):
            self._scale, self._unit = scale, unit
            self.replace()

    def replace(self) -> None:
        """Place the layer by its axes and the size of its pixels."""
        for name, value in self._placing().items():
            setattr(self.layer, name, value)

    def _placing(self) -> dict[str, Any]:
        assert self._lift is not None
        return layer_arguments(self._lift, self.grid_axes, *self._size())

    def _size(self) -> tuple[tuple[float, ...], str | None]:
        return self._scale, self._unit

    def _exchange(self, data: Any) -> None:
        """Put another napari layer that looks the same in the place of the one there is."""
        self.layer = same_look(self.layer, data, self._placing())
        self._watch()

    def _watch(self) -> None:  # noqa: B027 - some layers have nothing to note
        """Take note of what the user does to the napari layer."""


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
    frame = [
        None if source is None or source < len(grid_axes) else source - len(grid_axes)
        for source in lift.sources
    ]
    return {
        "axis_labels": lift.axes,
        "scale": tuple(1.0 if at is None or at >= len(scale) else float(scale[at]) for at in frame),
        "units": tuple(
            unit if unit and at is not None and axis in SPACE else "pixel"
            for axis, at in zip(lift.axes, frame, strict=True)
        ),
    }


def same_look(layer: Any, data: Any, placing: Mapping[str, Any]) -> Any:
    """Return a napari layer that looks like another one, with data of another number of axes.

    Only some layers can take such data themselves.
    """
    _, state, _ = layer.as_layer_data_tuple()
    kept = {name: value for name, value in state.items() if name not in PLACING}
    if "ndim" in state:
        kept["ndim"] = len(placing["axis_labels"])
    return type(layer)(data, **kept, **placing)
