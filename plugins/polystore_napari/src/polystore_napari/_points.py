"""Layers of points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_napari._vectors import SOURCE, VectorLayer, vector_axes

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_napari._world import World
    from polystore_streaming.viewer import Points

__all__ = ["PointsLayer", "reach"]

SIZE = 10.0
COLOR = "yellow"
STYLES = ("size", "face_color", "border_color", "border_width", "symbol", "shown")

Array = np.ndarray[Any, Any]


class PointsLayer(VectorLayer):
    """A layer of points from one or more paths."""

    def __init__(self, first: Points, world: World, suffix: str = "") -> None:
        super().__init__(first, vector_axes(first), world)
        self.suffix = suffix
        self._first = first
        self._colors: dict[str, str | None] = {first.path: first.color}
        self._sizes: dict[str, float | None] = {first.path: first.size}

    def build(self, name: str) -> Any:
        """Make the napari layer, without points yet."""
        from napari.layers import Points as NapariPoints

        arguments = self.arguments(name)
        self.layer = NapariPoints(
            **arguments,
            size=self._first.size or SIZE,
            face_color=self._first.color or COLOR,
            border_color="black",
            features={SOURCE: np.empty(0, object)},
        )
        self._watch()
        return self.layer

    def put(self, frame: Points) -> None:
        """Show points in place of those of the same path; the others stay, and how they are drawn."""
        import pandas as pd

        coordinates = self.placed(np.array(frame.coordinates, float), frame.position)
        count = len(coordinates)
        features = pd.DataFrame({name: np.array(column) for name, column in frame.features.items()})
        features = features.reindex(range(count))
        features[SOURCE] = np.full(count, frame.path, object)

        known = self.layer.features
        stays = (known[SOURCE] != frame.path).to_numpy(bool)
        styles = self._styles(stays, count)
        with self.ours():
            self.layer.selected_data = set()
            self.layer.data = np.concatenate([self.layer.data[stays], coordinates])
            self.layer.features = (
                pd.concat([known[stays], features], ignore_index=True) if stays.any() else features
            )
            self.layer.feature_defaults = {SOURCE: ""} | {
                name: self.layer.feature_defaults[name].iloc[0] for name in features if name != SOURCE
            }
            if len(self.layer.data):
                for style, values in styles.items():
                    setattr(self.layer, style, values)
                self._restyle(frame, slice(len(self.layer.data) - count, None))

    def _styles(self, stays: Array, count: int) -> dict[str, Array]:
        """Return the look of each point: new ones have that of those they replace."""
        if not len(stays):
            return {}
        model = int(np.flatnonzero(~stays)[0]) if not stays.all() else len(stays) - 1
        styles = {}
        for style in STYLES:
            if getattr(self.layer, f"{style}_mode", "direct") != "direct":
                continue
            held = np.asarray(getattr(self.layer, style))
            new = np.repeat(held[model : model + 1], count, axis=0)
            if style == "shown":
                new = np.ones(count, bool)
            styles[style] = np.concatenate([held[stays], new])
        return styles

    def _restyle(self, frame: Points, rows: slice) -> None:
        """Take over colour and size if the sender gives others than before."""
        if frame.color is not None and frame.color != self._colors.get(frame.path):
            from napari.utils.colormaps.standardize_color import transform_color

            colors = np.array(self.layer.face_color)
            colors[rows] = transform_color(frame.color)
            self.layer.face_color = colors
        if frame.size is not None and frame.size != self._sizes.get(frame.path):
            sizes = np.array(self.layer.size)
            sizes[rows] = frame.size
            self.layer.size = sizes
        self._colors[frame.path], self._sizes[frame.path] = frame.color, frame.size

    def _move_rows(self, moved: Callable[[Array], Array]) -> None:
        self.layer.data = self._moved_data(moved)

    def _moved_data(self, moved: Callable[[Array], Array]) -> Any:
        return moved(np.asarray(self.layer.data))


def reach(coordinates: Array) -> tuple[int, ...]:
    """Return how many steps it takes along each column to hold all coordinates.

    Examples
    --------
    >>> reach(np.array([[0.0, 7.2], [3.0, 1.0]]))
    (4, 9)
    """
    if not len(coordinates):
        return (1,) * int(coordinates.shape[1])
    highest: list[float] = coordinates.max(axis=0).tolist()
    return tuple(math.ceil(max(0.0, step)) + 1 for step in highest)
