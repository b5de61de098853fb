"""Layers of shapes: regions with an inside or a length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_napari._vectors import REGION, SOURCE, VectorLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from polystore_streaming.viewer import Content

__all__ = ["ShapesLayer", "shapes_of"]

Array = np.ndarray[Any, Any]

EDGE = "yellow"
INSIDE = "transparent"


class ShapesLayer(VectorLayer):
    """A layer of shapes from one or more paths."""

    def build(self, name: str) -> Any:
        """Make the napari layer, without shapes yet."""
        from napari.layers import Shapes as NapariShapes

        self.layer = NapariShapes(
            **self.arguments(name),
            edge_width=1,
            edge_color=EDGE,
            face_color=INSIDE,
            features={
                SOURCE: np.empty(0, object),
                "name": np.empty(0, object),
                REGION: np.empty(0, np.int64),
            },
        )
        self._watch()
        return self.layer

    def put(
        self,
        frame: Content,
        coordinates: Sequence[Array],
        kinds: Sequence[str],
        colors: Sequence[tuple[str | None, str | None]],
        features: Mapping[str, Sequence[Any]],
    ) -> None:
        """Show shapes in place of those of the same path; the others stay.

        Parameters
        ----------
        frame
            Where they come from.
        coordinates
            Vertices (N, D) of each, along the layer's axes of coordinates.
        kinds
            napari's name of each.
        colors
            Edge and face of each; ``None`` for the layer's own.
        features
            Name and region of each.
        """
        with self.ours():
            self._drop(frame.path)
            if coordinates:
                self._add(frame, coordinates, kinds, colors, features)

    def _drop(self, path: str) -> None:
        gone = np.flatnonzero((self.layer.features[SOURCE] == path).to_numpy(bool))
        if not len(gone):
            return
        if len(gone) == len(self.layer.data):
            self.layer.data = []
            self.layer.features = self.layer.features.iloc[:0]
            return
        self.layer.selected_data = set(map(int, gone))
        self.layer.remove_selected()

    def _add(
        self,
        frame: Content,
        coordinates: Sequence[Array],
        kinds: Sequence[str],
        colors: Sequence[tuple[str | None, str | None]],
        features: Mapping[str, Sequence[Any]],
    ) -> None:
        import pandas as pd

        counts = [len(vertices) for vertices in coordinates]
        placed = self.placed(np.concatenate(coordinates), frame.position)
        before = self.layer.features
        edges = self._colors([edge for edge, _ in colors], self.layer.current_edge_color)
        faces = self._colors([face for _, face in colors], self.layer.current_face_color)
        self.layer.add(
            np.split(placed, np.cumsum(counts)[:-1]),
            shape_type=list(kinds),
            edge_width=self.layer.current_edge_width,
            edge_color=edges,
            face_color=faces,
        )
        added = pd.DataFrame({SOURCE: np.full(len(kinds), frame.path, object), **features})
        self.layer.features = pd.concat([before, added], ignore_index=True) if len(before) else added
        self.layer.feature_defaults = {SOURCE: "", "name": "", REGION: -1}

    @staticmethod
    def _colors(named: Sequence[str | None], default: str) -> Array:
        from napari.utils.colormaps.standardize_color import transform_color

        known = {color: transform_color(color or default)[0] for color in set(named)}
        return np.array([known[color] for color in named])

    def _move_rows(self, moved: Callable[[Array], Array]) -> None:
        features, defaults = self.layer.features, self.layer.feature_defaults
        self.layer.data = [(moved(np.asarray(vertices)), kind) for kind, vertices in shapes_of(self.layer)]
        self.layer.features, self.layer.feature_defaults = features, defaults

    def _moved_data(self, moved: Callable[[Array], Array]) -> Any:
        return [moved(np.asarray(vertices)) for vertices in self.layer.data]


def shapes_of(layer: Any) -> list[tuple[str, Array]]:
    """Return kind and vertices of each shape of a napari layer."""
    return list(zip(map(str, layer.shape_type), layer.data, strict=True))
