"""Regions of interest as the shapes and points that napari draws."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_roi import LossReport, Roi

__all__ = ["Drawn", "drawn"]

Array = np.ndarray[Any, Any]

HALF = 0.5
"""napari counts from the centre of pixel (0, 0), areas of a region from its corner."""


class Drawn(NamedTuple):
    """A part of a region as napari draws it.

    Attributes
    ----------
    kind
        napari's name of the shape, or ``"points"``.
    vertices
        (N, 2), y before x, as napari counts.
    """

    kind: str
    vertices: Array


def drawn(rois: Sequence[Roi]) -> tuple[list[list[Drawn]], LossReport]:
    """Return the parts of each region as napari draws them, and what it does not show.

    Plain polygons, of which there may be tens of thousands, are moved here; everything else takes the way of
    :func:`polystore_roi.rois_to_napari`.

    Examples
    --------
    >>> from polystore_roi import Line, Rectangle
    >>> [[line], [box]], losses = drawn([Line((0, 0), (3, 4)), Rectangle(10, 20, 5, 6)])
    >>> line.kind, box.kind, box.vertices[0], len(losses)
    ('line', 'rectangle', array([ 9.5, 19.5]), 0)
    """
    from polystore_roi import LossReport, Polygon, rois_to_napari

    parts: list[list[Drawn]] = [[] for _ in rois]
    others = []
    for number, roi in enumerate(rois):
        if type(roi) is Polygon and not roi.holes:
            parts[number].append(Drawn("polygon", roi.vertices - HALF))
        else:
            others.append(number)
    layers = rois_to_napari([rois[number] for number in others])
    if layers.shapes is not None:
        found = layers.shapes
        for at, kind, vertices in zip(
            found["features"]["roi"], found["shape_type"], found["data"], strict=True
        ):
            parts[others[at]].append(Drawn(kind, vertices))
    if layers.points is not None:
        owners = layers.points["features"]["roi"]
        for at in np.unique(owners):
            parts[others[at]].append(Drawn("points", layers.points["data"][owners == at]))
    losses = tuple(replace(loss, index=others[loss.index]) for loss in layers.losses)
    return parts, LossReport(layers.losses.target, losses)
