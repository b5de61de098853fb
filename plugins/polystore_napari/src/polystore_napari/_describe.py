"""Layers of a viewer as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "describe"]

KINDS = {"Image": "image", "Labels": "labels", "Points": "points", "Shapes": "rois"}


def describe(layer: Any, entry: Any, position: Mapping[str, int | str]) -> dict[str, Any]:
    """Describe a layer of napari.

    Parameters
    ----------
    layer
        The layer.
    entry
        What was streamed into it; ``None`` if the user made it.
    position
        Where the sliders of the window stand.
    """
    kind = KINDS.get(type(layer).__name__, type(layer).__name__.lower())
    axes = [str(axis) for axis in layer.axis_labels]
    found: dict[str, Any] = {
        "name": layer.name,
        "kind": kind,
        "visible": bool(layer.visible),
        "layer": entry.title if entry is not None else layer.name,
        "channel": entry.channel if entry is not None else None,
        "streamed": entry is not None,
        "opacity": float(layer.opacity),
        "blending": str(layer.blending),
        "scale": [float(size) for size in layer.scale],
        "units": [str(unit) for unit in layer.units],
        "axes": axes,
        "position": {axis: value for axis, value in position.items() if axis in axes},
    }
    if kind in ("image", "labels"):
        whole = layer.data[0] if layer.multiscale else layer.data
        found |= {
            "shape": list(map(int, whole.shape)),
            "dtype": str(whole.dtype),
            "multiscale": layer.multiscale,
        }
    if kind == "image":
        found["rgb"] = bool(layer.rgb)
        found["axes"] = [*axes, "rgb"] if layer.rgb else axes
        found["contrast"] = None if layer.rgb else [float(limit) for limit in layer.contrast_limits]
        found["colormap"] = None if layer.rgb else str(layer.colormap.name)
    if kind in ("points", "rois"):
        found["count"] = len(layer.data)
    return found
