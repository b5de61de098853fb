"""Regions sorted by the layers of napari that can hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_napari._points import PointsLayer
from polystore_napari._shapes import ShapesLayer
from polystore_napari._vectors import REGION
from polystore_streaming.viewer import Points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_napari._readback import Sent
    from polystore_napari._vectors import VectorLayer
    from polystore_napari._world import World
    from polystore_streaming.viewer import Regions

__all__ = ["RegionGroup", "grouped"]

PLANES = ("t", "z")


@dataclass
class RegionGroup:
    """Parts of regions that go into one layer of napari.

    Attributes
    ----------
    variant
        ``"shapes"`` or ``"points"``, and behind a space the axes of planes that these regions lie in one of.
    """

    variant: str
    vertices: list[np.ndarray[Any, Any]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    colors: list[tuple[str | None, str | None]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    @property
    def frame_axes(self) -> tuple[str, ...]:
        """Axes of the vertices."""
        return (*self.variant.split()[1:], "y", "x")

    @property
    def reach(self) -> tuple[int, ...]:
        """Number of planes that the regions reach to, along each axis of the vertices."""
        planes = [np.zeros((1, len(self.frame_axes))), *(rows[:1] for rows in self.vertices)]
        highest = np.concatenate(planes).max(axis=0)[:-2].astype(int)
        return (*(int(plane) + 1 for plane in highest), 1, 1)

    def layer(self, regions: Regions, world: World) -> VectorLayer:
        """Return a new layer for such parts."""
        suffix = " ".join(self.variant.split()[1:])
        if self.variant.startswith("points"):
            return PointsLayer(self._points(regions), world, f"points {suffix}".strip())
        layer = ShapesLayer(regions, self.frame_axes, world)
        layer.suffix = suffix
        return layer

    def put(self, layer: VectorLayer, regions: Regions) -> None:
        """Show the parts in place of those of the same path."""
        if isinstance(layer, PointsLayer):
            layer.put(self._points(regions))
        elif isinstance(layer, ShapesLayer):
            features: dict[str, list[Any]] = {"name": self.names, REGION: self.numbers}
            layer.put(regions, self.vertices, self.kinds, self.colors, features)

    def _points(self, regions: Regions) -> Points:
        counts = [len(rows) for rows in self.vertices]
        return Points(
            path=regions.path,
            layer=regions.layer,
            position=regions.position,
            axes=self.frame_axes,
            scale=regions.scale,
            unit=regions.unit,
            coordinates=np.concatenate([np.empty((0, len(self.frame_axes))), *self.vertices]),
            features={
                "name": np.repeat(np.array(self.names, object), counts),
                REGION: np.repeat(np.array(self.numbers, np.int64), counts),
            },
            color=next((stroke for stroke, _ in self.colors if stroke), None),
        )


def grouped(sent: Sent, position: Mapping[str, int | str]) -> dict[str, RegionGroup]:
    """Sort the parts of regions by the layers that can hold them.

    Along z and t a region is in one plane or in all; those in all go into a layer without that axis, which
    napari shows everywhere. An axis of the frame's own position needs no other.

    Parameters
    ----------
    sent
        The regions, and how they are drawn.
    position
        Where the frame lies in its layer.
    """
    groups: dict[str, RegionGroup] = {} if sent.rois else {"shapes": RegionGroup("shapes")}
    for number, (roi, parts) in enumerate(zip(sent.rois, sent.parts, strict=True)):
        planes = {
            axis: plane
            for axis in PLANES
            if axis not in position and (plane := getattr(roi, axis)) is not None
        }
        for part in parts:
            variant = " ".join(["points" if part.kind == "points" else "shapes", *planes])
            group = groups.setdefault(variant, RegionGroup(variant))
            columns = np.empty((len(part.vertices), len(planes) + 2))
            columns[:, : len(planes)] = list(planes.values())
            columns[:, len(planes) :] = part.vertices
            group.vertices.append(columns)
            group.kinds.append(part.kind)
            group.colors.append((roi.stroke, roi.fill))
            group.names.append(roi.name)
            group.numbers.append(number)
    return groups
