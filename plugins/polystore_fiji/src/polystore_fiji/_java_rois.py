"""Regions of the model as ImageJ's, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jpype
import numpy as np

from polystore_fiji._java import java
from polystore_fiji._lookup_tables import color_of
from polystore_roi import LossReport, roi_from_imagej, roi_to_imagej

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from polystore_roi import Roi
    from polystore_streaming.viewer import Points

    Array = np.ndarray[Any, Any]

__all__ = ["Place", "encoded", "from_encoded", "identity", "points_to_java", "to_java"]

Place = tuple[int, int, int]
"""C, Z and T from 1, as ImageJ counts; 0 for all."""

_POINT_SIZES = (1, 3, 5, 7, 11, 17, 25, 35)
"""Diameters of ImageJ's sizes of points, in pixels of the screen."""

_DOT = 2

_FARTHEST = 2**31 - 1
"""Java counts pixels and planes with 31 bits, planes from 1."""


def to_java(rois: Iterable[Roi]) -> tuple[list[tuple[Any, Place]], LossReport]:
    """Return each region as an ``ij.gui.Roi`` with the place in the stack that it names itself.

    The report tells what ImageJ does not show of them.
    """
    decoder = java("ij.io.RoiDecoder")
    made, missing = [], []
    for roi in rois:
        content, unshown = roi_to_imagej(roi)
        made.append((decoder.openFromByteArray(_java_bytes(content)), _place(roi.c, roi.z, roi.t)))
        missing.append((roi, unshown))
    return made, LossReport.of("ImageJ", missing, kept=True)


def encoded(roi: Any) -> bytes:
    """Return an ``ij.gui.Roi`` as ImageJ writes it to a file."""
    return np.array(java("ij.io.RoiEncoder").saveAsByteArray(roi)).tobytes()


def from_encoded(content: bytes) -> Roi:
    """Return what :func:`encoded` wrote as a region of the model."""
    return roi_from_imagej(content)[0]


def points_to_java(points: Points) -> Iterator[tuple[Any, Place]]:
    """Yield one ``ij.gui.PointRoi`` for each plane that has points, and its place.

    Raises
    ------
    ValueError
        If there are axes that points of ImageJ do not have, or coordinates that ImageJ cannot hold.
    """
    axes = points.axes
    further = set(axes) - {"t", "z", "y", "x"}
    if further or not {"y", "x"} <= set(axes):
        raise ValueError(f"points along {', '.join(axes)}; ImageJ places them along t, z, y and x")
    if points.coordinates.dtype.kind not in "biuf":
        raise ValueError(f"points have real coordinates, not {points.coordinates.dtype}")
    coordinates = np.asarray(points.coordinates, np.float64)
    if not (np.abs(coordinates) < _FARTHEST).all():
        raise ValueError(
            f"points have finite coordinates in pixels, less than {_FARTHEST} from the first one; drop those "
            "that are NaN or infinite, or lie farther"
        )
    columns = dict(zip(axes, coordinates.T, strict=True))
    planes = np.stack([np.rint(columns.get(axis, np.full(len(coordinates), -1.0))) for axis in "zt"], axis=1)
    for z, t in np.unique(planes.astype(np.int64), axis=0).tolist():
        chosen = (planes == (z, t)).all(axis=1)
        made = _point_roi(columns["x"][chosen], columns["y"][chosen])
        made.setName(points.layer)
        made.setPointType(_DOT)
        made.setSize(int(np.abs(np.array(_POINT_SIZES) - (points.size or 5)).argmin()))
        made.setShowLabels(False)
        if points.color is not None:
            made.setStrokeColor(java("java.awt.Color")(*color_of(points.color)))
        yield made, _place(None, z if z >= 0 else None, t if t >= 0 else None)


def identity(roi: Any) -> int:
    """Number that tells one ``ij.gui.Roi`` from all others that live now."""
    return int(java("java.lang.System").identityHashCode(roi))


def _place(c: int | None, z: int | None, t: int | None) -> Place:
    return tuple(0 if index is None else index + 1 for index in (c, z, t))  # type: ignore[return-value]


def _point_roi(x: Array, y: Array) -> Any:
    """Whole coordinates are centres of pixels to ImageJ only if they are integers."""
    whole = bool((x == np.rint(x)).all() and (y == np.rint(y)).all())
    dtype, number = (np.int32, jpype.JInt) if whole else (np.float32, jpype.JFloat)
    columns = (jpype.JArray(number)(np.ascontiguousarray(column, dtype)) for column in (x, y))
    return java("ij.gui.PointRoi")(*columns, len(x))


def _java_bytes(content: bytes) -> Any:
    return jpype.JArray(jpype.JByte)(np.frombuffer(content, np.int8))
