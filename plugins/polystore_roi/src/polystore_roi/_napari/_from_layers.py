"""Regions from the data of napari's layers, those that the user drew or changed included."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.errors import CorruptData, UnsupportedData
from polystore_roi._exact import restored
from polystore_roi._loss import LossReport
from polystore_roi._napari._rows import NO_FILL, Row, region, rows
from polystore_roi._napari._to_layers import check_leading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from polystore_roi._napari._rows import Axis
    from polystore_roi._roi import Roi

__all__ = ["rois_from_napari"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row of a layer with what its features say."""

    roi: int
    key: tuple[str, int, int]
    name: str
    exact: str
    row: Row


def rois_from_napari(
    *,
    shapes: Mapping[str, Any] | None = None,
    points: Mapping[str, Any] | None = None,
    leading: Sequence[Axis] = (),
) -> tuple[list[Roi], LossReport]:
    """Return the regions that a layer of shapes and one of points show.

    What nobody touched comes back exactly as it was given to :func:`rois_to_napari`; what was moved,
    recoloured or drawn anew comes as it is shown now.

    Parameters
    ----------
    shapes
        ``data``, ``shape_type`` and, as far as they are there, ``edge_color``, ``face_color``, ``features``
        of a layer: what ``add_shapes`` takes, or the layer's own attributes. ``None`` if there is none.
    points
        ``data`` and, as far as they are there, ``face_color``, ``features`` of a layer of points.
    leading
        Axes of the layers before y and x, as for :func:`rois_to_napari`.

    Returns
    -------
    rois : list of Roi
        In their old order, new ones last.
    losses : LossReport
        What the model cannot hold, for example a shape that runs across planes.

    Raises
    ------
    UnsupportedData
        If the data are no such layers.
    """
    check_leading(leading)
    entries = [*_shape_entries(shapes or {}), *_point_entries(points or {})]
    for entry in entries:
        if entry.row.data.shape[1] != len(leading) + 2:
            raise UnsupportedData(
                f"the layer has {entry.row.data.shape[1]} axes, leading {tuple(leading)!r} and y, x are "
                f"{len(leading) + 2}"
            )
    read = [_region(group, leading) for group in _groups(entries)]
    return [roi for roi, _ in read], LossReport.of("the model", read)


def _groups(entries: Sequence[_Entry]) -> list[list[_Entry]]:
    """Gather the rows of each region; a copy that the user pasted is a region of its own."""
    known: dict[int, list[dict[tuple[str, int, int], _Entry]]] = {}
    new: list[list[_Entry]] = []
    for entry in entries:
        if entry.roi < 0:
            new.append([entry])
            continue
        copies = known.setdefault(entry.roi, [])
        free = next((copy for copy in copies if entry.key not in copy), None)
        if free is None:
            copies.append(free := {})
        free[entry.key] = entry
    originals = [[*copies[0].values()] for _, copies in sorted(known.items())]
    pasted = [[*copy.values()] for _, copies in sorted(known.items()) for copy in copies[1:]]
    return [*originals, *pasted, *new]


def _region(group: Sequence[_Entry], leading: Sequence[Axis]) -> tuple[Roi, list[str]]:
    first = min(group, key=lambda entry: entry.key[1:])
    back, lost = region(_merged(group), leading, {"name": first.name})
    if not first.exact:
        return back, lost
    try:
        record = json.loads(first.exact)
        exact = restored(
            back, record, lambda roi: region(rows(roi, leading), leading, {"name": roi.name})[0], first.name
        )
    except (CorruptData, ValueError, RecursionError) as error:
        return back, [*lost, f"its feature 'exact', which cannot be read: {error}"]
    return exact, lost


def _merged(group: Sequence[_Entry]) -> list[Row]:
    """Return the rows in the order of their parts, the points of one part together."""
    merged: list[Row] = []
    for entry in sorted(group, key=lambda entry: entry.key[1:]):
        row = entry.row
        if merged and row.kind == "points" and merged[-1].kind == "points" and merged[-1].part == row.part:
            last = merged.pop()
            row = Row("points", np.concatenate([last.data, row.data]), row.part, last.stroke, last.fill)
        merged.append(row)
    return merged


def _shape_entries(layer: Mapping[str, Any]) -> Iterator[_Entry]:
    data = layer.get("data")
    data = [] if data is None else [np.asarray(ring, np.float64) for ring in data]
    kinds = layer.get("shape_type", "polygon")
    kinds = [kinds] * len(data) if isinstance(kinds, str) else [*kinds]
    edges, faces = _colors(layer.get("edge_color"), len(data)), _colors(layer.get("face_color"), len(data))
    features = _features(layer, len(data))
    for ring, kind, edge, face, (roi, part, name, exact, _) in zip(
        data, kinds, edges, faces, features, strict=True
    ):
        yield _Entry(roi, ("shapes", part, 0), name, exact, Row(kind, ring, part, edge, face))


def _point_entries(layer: Mapping[str, Any]) -> Iterator[_Entry]:
    data = np.asarray(layer.get("data", ()), np.float64)
    colors = _colors(layer.get("face_color"), len(data))
    for point, color, (roi, part, name, exact, vertex) in zip(
        data, colors, _features(layer, len(data)), strict=True
    ):
        row = Row("points", point[None], part, color, NO_FILL)
        yield _Entry(roi, ("points", part, vertex), name, exact, row)


def _features(layer: Mapping[str, Any], count: int) -> list[tuple[int, int, str, str, int]]:
    """Return number, part, name, exact record and vertex of each row; what is missing marks a new region."""
    table = layer.get("features")

    def column(name: str, usual: Any, kind: type) -> list[Any]:
        if table is None or name not in table:
            return [usual] * count
        values = np.asarray(table[name], object).tolist()
        return [_as(value, kind, usual) for value in values]

    return list(
        zip(
            column("roi", -1, int),
            column("part", 0, int),
            column("name", "", str),
            column("exact", "", str),
            column("vertex", 0, int),
            strict=True,
        )
    )


def _as(value: Any, kind: type, usual: Any) -> Any:
    if kind is str:
        return value if isinstance(value, str) else usual
    is_whole = isinstance(value, int | float) and value == value and float(value).is_integer()  # noqa: PLR0124
    return int(value) if is_whole else usual


def _colors(given: Any, count: int) -> list[tuple[float, float, float, float]]:
    """Return a colour for each row."""
    from polystore_roi._napari._rows import NO_STROKE

    if given is None:
        return [NO_STROKE] * count
    rgba = np.asarray(given, np.float64)
    if rgba.shape != (count, 4):
        raise UnsupportedData(f"the colours of a layer have the shape ({count}, 4); got {rgba.shape}")
    return [(red, green, blue, alpha) for red, green, blue, alpha in rgba.tolist()]
