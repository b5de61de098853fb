"""Frames as a sender would send them."""

from __future__ import annotations

import numpy as np

from polystore_roi import rois_to_table
from polystore_streaming.viewer import Image, Labels, Points, Regions

POSITIONS = [{"well": well, "field": field} for well in ("A01", "A02", "A10") for field in (1, 2)]


def noise(*shape, dtype="uint16", seed=0):
    """Pixels that tell one place from another."""
    return np.random.default_rng(seed).integers(0, 200, shape).astype(dtype)


def image(pixels, path="image", *, layer=None, axes=None, contrast=(0.0, 255.0), scale=(), **rest):
    """An image frame."""
    axes = axes or ("t", "z", "y", "x")[-pixels.ndim :]
    scale = scale or (1.0,) * len([axis for axis in axes if axis != "rgb"])
    return Image(
        path=path, layer=layer or path, axes=axes, scale=scale, pixels=pixels, contrast=contrast, **rest
    )


def labels(pixels, path="labels", *, layer=None, axes=None, **rest):
    """A labels frame."""
    axes = axes or ("t", "z", "y", "x")[-pixels.ndim :]
    scale = (1.0,) * pixels.ndim
    return Labels(path=path, layer=layer or path, axes=axes, scale=scale, pixels=pixels, **rest)


def points(coordinates, path="points", *, layer=None, **rest):
    """A points frame."""
    coordinates = np.asarray(coordinates, float)
    axes = ("t", "z", "y", "x")[-coordinates.shape[1] :]
    scale = (1.0,) * len(axes)
    return Points(path=path, layer=layer or path, axes=axes, scale=scale, coordinates=coordinates, **rest)


def regions(rois, path="rois", *, layer=None, **rest):
    """A frame of regions."""
    table = rois_to_table(rois)
    return Regions(path=path, layer=layer or path, axes=("y", "x"), scale=(1.0, 1.0), table=table, **rest)
