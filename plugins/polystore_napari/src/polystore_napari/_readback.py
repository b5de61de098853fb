"""What is drawn in the window, as regions of interest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from polystore_napari._regions import Drawn
from polystore_napari._vectors import REGION, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from polystore_napari._vectors import VectorLayer
    from polystore_napari._world import World
    from polystore_roi import Roi

__all__ = ["Row", "Sent", "regions_of", "rows_of"]

Color = Sequence[float]
PLANES = ("z", "t")
TOLERANCE = 1e-3
"""Pixels; napari keeps shapes in single precision."""


class Row(NamedTuple):
    """A shape, or points that belong together, on the screen.

    Attributes
    ----------
    shape
        How it is drawn.
    place
        Values, and steps of z and t, along the axes that are no y and x.
    path, number
        Path it came from, and number of its region there; an empty path for what the user made.
    name
        Its name.
    edge, face
        Its colours, red, green, blue and opacity from 0 to 1.
    """

    shape: Drawn
    place: Mapping[str, int | str]
    path: str
    number: int
    name: str
    edge: Color
    face: Color


class Sent(NamedTuple):
    """The regions of one path, and how they were drawn."""

    rois: Sequence[Roi]
    parts: Sequence[Sequence[Drawn]]


def rows_of(layer: Any, entry: VectorLayer | None, world: World) -> list[Row]:
    """Return what a layer of points or shapes holds; points of one region, or one place, as one row.

    Parameters
    ----------
    layer
        The layer in napari.
    entry
        What was streamed into it; ``None`` if the user made it.
    world
        Axes of the window.
    """
    points = type(layer).__name__ == "Points"
    axes = entry.layer_axes if entry is not None else _axes_of(layer.ndim, world)
    own = entry.axes if entry is not None else axes
    features = layer.features
    count = len(layer.data)
    if not count:
        return []
    paths = features[SOURCE].tolist() if SOURCE in features else [""] * count
    numbers = features[REGION].tolist() if REGION in features else [-1] * count
    names = features["name"].tolist() if "name" in features else [""] * count
    vertices = np.asarray(layer.data)[:, None] if points else layer.data
    kinds = ["points"] * count if points else list(map(str, layer.shape_type))
    places = [_place(rows, axes, own, world) for rows in vertices]
    edges = (layer.border_color if points else layer.edge_color).tolist()
    rows = [
        Row(Drawn(kind, np.asarray(corners)[:, -2:]), place, _text(path), _number(number), _text(name), edge, face)
        for kind, corners, place, path, number, name, edge, face in zip(
            kinds, vertices, places, paths, numbers, names, edges, layer.face_color.tolist(), strict=True
        )
    ]
    return _together(rows) if points else rows


def _axes_of(ndim: int, world: World) -> tuple[str, ...]:
    """Names of the axes of a layer that the user made."""
    spare = tuple(f"axis{n}" for n in range(max(0, ndim - len(world.axes))))
    return spare + world.axes[len(world.axes) - ndim + len(spare) :]


def _place(
    rows: np.ndarray[Any, Any], axes: Sequence[str], own: Sequence[str], world: World
) -> dict[str, int | str]:
    """Return where a shape lies along the axes of its layer that are no y and x."""
    place: dict[str, int | str] = {}
    for axis, step in zip(axes[:-2], np.rint(rows[0, :-2]).astype(int).tolist(), strict=True):
        values = world.values(axis)
        if axis in own:
            place[axis] = values[step] if axis not in PLANES and 0 <= step < len(values) else max(0, step)
    return place


def _together(rows: Sequence[Row]) -> list[Row]:
    """Return points that are of one region, or were made at one place, as one row."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault((row.path, row.number, row.name, *row.place.items()), []).append(row)
    return [
        first._replace(shape=Drawn("points", np.concatenate([row.shape.vertices for row in members])))
        for members in groups.values()
        for first in members[:1]
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) and value == value else -1


def regions_of(rows: Iterable[Row], sent: Mapping[str, Sent]) -> list[Roi]:
    """Return the regions that shapes are: those that came, exactly as they came unless they were changed.

    Parameters
    ----------
    rows
        Shapes of one layer.
    sent
        What came, by path.
    """
    groups: dict[tuple[str, int, int], list[Row]] = {}
    for at, row in enumerate(rows):
        known = row.path in sent and 0 <= row.number < len(sent[row.path].rois)
        groups.setdefault((row.path, row.number, -1) if known else ("", -1, at), []).append(row)
    found = []
    for (path, number, _), members in sorted(groups.items(), key=lambda item: (not item[0][0], item[0])):
        if path:
            original, parts = sent[path].rois[number], sent[path].parts[number]
            same = len(parts) == len(members) and all(map(_same, parts, (row.shape for row in members)))
            roi = original if same else _made(members).replace(**original.attributes())
        else:
            roi = _made(members)
        found.append(_placed(roi, members[0].place))
    return found


def _made(rows: Sequence[Row]) -> Roi:
    """Return the region that shapes are as they look now."""
    from polystore_roi import Composite, rois_from_napari

    shapes = [row for row in rows if row.shape.kind != "points"]
    points = [row for row in rows if row.shape.kind == "points"]
    found, _ = rois_from_napari(
        shapes={
            "data": [row.shape.vertices for row in shapes],
            "shape_type": [row.shape.kind for row in shapes],
            "edge_color": np.array([row.edge for row in shapes]).reshape(-1, 4),
            "face_color": np.array([row.face for row in shapes]).reshape(-1, 4),
        }
    )
    parts = [*found, *(_points(row) for row in points)]
    first = parts[0]
    if len(parts) > 1:
        plain = {"name": "", "stroke": None, "fill": None}
        return Composite([part.replace(**plain) for part in parts], stroke=first.stroke, fill=first.fill)
    return first.replace(name=rows[0].name)


def _points(row: Row) -> Roi:
    from polystore_roi import Points

    return Points(row.shape.vertices)


def _same(one: Drawn, other: Drawn) -> bool:
    return (
        one.kind == other.kind
        and one.vertices.shape == other.vertices.shape
        and bool((abs(one.vertices - other.vertices) <= TOLERANCE).all())
    )


def _placed(roi: Roi, place: Mapping[str, int | str]) -> Roi:
    """Say where in the window a region lies: slice and frame as such, other axes among its properties."""
    changes: dict[str, Any] = {
        axis: value for axis, value in place.items() if axis in PLANES and value != getattr(roi, axis)
    }
    others = {axis: value for axis, value in place.items() if axis not in PLANES}
    if others:
        changes["properties"] = roi.properties | others
    return roi.replace(**changes) if changes else roi
