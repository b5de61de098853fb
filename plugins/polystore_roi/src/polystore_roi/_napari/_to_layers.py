"""Regions as what napari's ``add_shapes`` and ``add_points`` take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.errors import InvalidOption, UnsupportedData
from polystore_roi._exact import differences
from polystore_roi._loss import LossReport
from polystore_roi._napari._rows import region, rows
from polystore_roi._roi import Roi
from polystore_roi._shapes import Composite, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polystore_roi._napari._rows import Axis, Row

__all__ = ["NapariLayers", "check_leading", "rois_to_napari"]


@dataclass(frozen=True, slots=True)
class NapariLayers:
    """What shows a list of regions in napari.

    Attributes
    ----------
    shapes
        Keyword arguments of ``viewer.add_shapes``: ``data`` (a list of arrays (N, D)), ``shape_type``,
        ``edge_color`` and ``face_color`` (arrays (rows, 4) from 0 to 1), ``features`` and
        ``feature_defaults``; ``None`` if no region is a shape.
    points
        Keyword arguments of ``viewer.add_points``: ``data`` (N, D), ``face_color``, ``border_color``,
        ``features``, ``feature_defaults``; ``None`` if no region is of points.
    losses
        What napari does not show; all of it comes back by :func:`rois_from_napari`.
    """

    shapes: dict[str, Any] | None
    points: dict[str, Any] | None
    losses: LossReport


def rois_to_napari(rois: Iterable[Roi], *, leading: Sequence[Axis] = ()) -> NapariLayers:
    """Return the data of a layer of shapes and one of points that show regions.

    Areas are moved by half a pixel, since napari counts from the centres of pixels. A polygon with holes
    becomes one ring that runs to each hole and back; a mask becomes its outline, a composite several
    shapes.

    Parameters
    ----------
    rois
        The regions.
    leading
        Axes of the layers before y and x, of ``"c"``, ``"z"`` and ``"t"``, outermost first. A region that
        belongs to all planes of such an axis is shown on plane 0.

    Returns
    -------
    NapariLayers
        The columns of ``features``: ``roi`` (number of the region), ``part``, ``name``, ``exact`` (JSON of
        what the layer does not hold exactly), and for points ``vertex``. ``feature_defaults`` marks what
        the user adds.

    Examples
    --------
    >>> from polystore_roi import Rectangle, rois_from_napari, rois_to_napari
    >>> layers = rois_to_napari([Rectangle(10, 20, 5, 6, name="cell", z=3)], leading=("z",))
    >>> layers.shapes["shape_type"], layers.shapes["data"][0][0]
    (['rectangle'], array([ 3. ,  9.5, 19.5]))
    >>> rois_from_napari(shapes=layers.shapes, leading=("z",))
    ([Rectangle(10, 20, 5, 6, name='cell', z=3)], LossReport(target='the model', losses=()))
    """
    check_leading(leading)
    shapes: list[tuple[Row, dict[str, Any]]] = []
    points: list[tuple[Row, dict[str, Any]]] = []
    losses: list[tuple[Roi, list[str]]] = []
    for index, roi in enumerate(rois):
        if not isinstance(roi, Roi):
            raise UnsupportedData(f"a list of regions holds {roi!r}, which is none")
        shown = rows(roi, leading)
        back, _ = region(shown, leading, {"name": roi.name})
        exact = differences(roi, back, fragile=not all(map(_is_single, shown)))
        written = json.dumps(exact, ensure_ascii=False, separators=(",", ":")) if exact else ""
        losses.append((roi, _unshown(roi, leading)))
        for row in shown:
            features = {"roi": index, "part": row.part, "name": roi.name, "exact": written}
            (points if row.kind == "points" else shapes).append((row, features))
    report = LossReport.of("napari", losses, kept=True)
    return NapariLayers(_shapes_layer(shapes), _points_layer(points), report)


def check_leading(leading: Sequence[str]) -> None:
    """Refuse axes that regions do not have."""
    if len({*leading}) != len(leading) or not {*leading} <= {"c", "z", "t"}:
        raise InvalidOption(f"leading names some of 'c', 'z', 't', each once; got {tuple(leading)!r}")


def _is_single(row: Row) -> bool:
    """Tell whether coordinates stay what they are in the single precision in which napari keeps shapes."""
    return row.kind == "points" or bool((row.data.astype(np.float32) == row.data).all())


def _unshown(roi: Roi, leading: Sequence[Axis]) -> list[str]:
    missing = [
        f"that it belongs to all planes of {axis}; it is shown on plane 0"
        for axis in leading
        if getattr(roi, axis) is None
    ]
    parts = roi.parts if isinstance(roi, Composite) else (roi,)
    if any(isinstance(part, Text) for part in parts):
        missing.append("text, of which the box is shown")
    return missing


def _shapes_layer(shown: list[tuple[Row, dict[str, Any]]]) -> dict[str, Any] | None:
    if not shown:
        return None
    features = _columns([features for _, features in shown])
    return {
        "data": [row.data for row, _ in shown],
        "shape_type": [row.kind for row, _ in shown],
        "edge_color": np.array([row.stroke for row, _ in shown]),
        "face_color": np.array([row.fill for row, _ in shown]),
        "features": features,
        "feature_defaults": {"roi": -1, "part": 0, "name": "", "exact": ""},
    }


def _points_layer(shown: list[tuple[Row, dict[str, Any]]]) -> dict[str, Any] | None:
    if not shown:
        return None
    every = [(row, features | {"vertex": at}) for row, features in shown for at in range(len(row.data))]
    colors = np.array([row.stroke for row, _ in every])
    return {
        "data": np.concatenate([row.data for row, _ in shown]),
        "face_color": colors,
        "border_color": colors.copy(),
        "features": _columns([features for _, features in every]),
        "feature_defaults": {"roi": -1, "part": 0, "name": "", "exact": "", "vertex": 0},
    }


def _columns(records: list[dict[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Return columns; of texts as Python objects, as pandas has them."""
    return {
        name: np.array([record[name] for record in records], object if isinstance(value, str) else np.int64)
        for name, value in records[0].items()
    }
