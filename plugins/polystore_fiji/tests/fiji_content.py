"""Shorthand for what a display is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from polystore_roi import rois_from_table, rois_to_table
from polystore_streaming.viewer import Image, Labels, Points, Regions


def image(pixels: Any, layer: str = "image", path: str | None = None, **more: Any) -> Image:
    pixels = np.asarray(pixels)
    axes = ("t", "channel", "z", "y", "x")[-pixels.ndim :]
    more.setdefault("axes", axes)
    is_rgb = more["axes"][-1] == "rgb"
    if not is_rgb and "contrast" not in more:
        more["contrast"] = 0.0, float(pixels.max()) or 1.0
    return Image(path=path or layer, layer=layer, pixels=pixels, **more)


def plane(
    value: int,
    layer: str = "stack",
    *,
    size: tuple[int, int] = (20, 30),
    dtype: Any = np.uint8,
    **position: Any,
) -> Image:
    more = {
        name: position.pop(name)
        for name in ("contrast", "contrast_given", "colormap", "channel_name")
        if name in position
    }
    more.setdefault("contrast", (0.0, 255.0))
    path = f"{layer}/" + "_".join(f"{axis}{at}" for axis, at in position.items())
    return image(np.full(size, value, dtype), layer, path, position=position, **more)


def labels(pixels: Any, layer: str = "labels", **more: Any) -> Labels:
    return Labels(
        path=layer, layer=layer, axes=("z", "y", "x")[-np.ndim(pixels) :], pixels=np.asarray(pixels), **more
    )


def regions(rois: list[Any], layer: str = "rois", path: str | None = None, **more: Any) -> Regions:
    return Regions(path=path or layer, layer=layer, axes=("y", "x"), table=rois_to_table(rois), **more)


def points(coordinates: Any, layer: str = "points", **more: Any) -> Points:
    coordinates = np.asarray(coordinates, np.float64)
    axes = ("t", "z", "y", "x")[-coordinates.shape[1] :]
    return Points(path=layer, layer=layer, axes=axes, coordinates=coordinates, **more)


def shown_rois(fiji: Any) -> dict[str, list[Any]]:
    return {layer: rois_from_table(table) for layer, table in fiji.call("rois").items()}
