"""What is drawn in the window, as regions of interest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from polystore_napari._regions import Drawn
from polystore_napari._vectors import REGION, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from polystore_napari._vectors import VectorLayer
    from polystore_napari._world import World
    from polystore_roi import LossReport, Roi

__all__ = ["Row", "Sent", "regions_of", "rows_of"]

Color = np.ndarray[Any, Any]
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
    """The regions of one path, how they were drawn, and what is not shown of them."""

    rois: Sequence[Roi]
    parts: Sequence[Sequence[Drawn]]
    losses: LossReport


def rows_of(layer: Any, entry: VectorLayer | None, world: World) -> list[Row]:
    """Return what a layer of points or shapes holds; points of one region, or of one place, as one row.

    Parameters
    ----------
    layer
        The layer in napari.
    entry
        What was streamed into it; ``None`` if the user made it.
    world
        Axes of the window.
    """
    axes = entry.layer_axes if entry is not None else _axes_of(layer.ndim, world)
    own = entry.axes if entry is not None else axes
    if not len(layer.data):
        return []
    return (_points if type(layer).__name__ == "Points" else _shapes)(layer, axes, own, world)


def _shapes(layer: Any, axes: Sequence[str], own: Sequence[str], world: World) -> list[Row]:
    paths, numbers, names = _marks(layer)
    return [
        Row(
            Drawn(str(kind), vertices[:, -2:]),
            _place(vertices[0], axes, own, world),
            path,
            number,
            name,
            edge,
            face,
        )
        for kind, vertices, path, number, name, edge, face in zip(
            layer.shape_type,
            map(np.asarray, layer.data),
            paths,
            numbers,
            names,
            layer.edge_color,
            layer.face_color,
            strict=True,
        )
    ]


def _points(layer: Any, axes: Sequence[str], own: Sequence[str], world: World) -> list[Row]:
    import pandas as pd

    coordinates = np.asarray(layer.data)
    paths, numbers, names = _marks(layer)
    table = pd.DataFrame({"path": paths, "number": numbers, "name": names})
    for column in range(len(axes) - 2):
        table[column] = np.rint(coordinates[:, column])
    groups = table.groupby(list(table), sort=False).ngroup().to_numpy()
    found = []
    for group, first in zip(*np.unique(groups, return_index=True), strict=True):
        shape = Drawn("points", coordinates[groups == group][:, -2:])
        place = _place(coordinates[first], axes, own, world)
        color = layer.face_color[first]
        found.append(Row(shape, place, paths[first], numbers[first], names[first], color, color))
    return found


def _marks(layer: Any) -> tuple[list[str], list[int], list[str]]:
    """Return path, number and name of each row of a layer."""
    count, features = len(layer.data), layer.features

    def column(name: str, usual: Any) -> list[Any]:
        return features[name].tolist() if name in features else [usual] * count

    paths = [path if isinstance(path, str) else "" for path in column(SOURCE, "")]
    numbers = [int(number) for number in np.nan_to_num(column(REGION, -1), nan=-1)]
    names = [name if isinstance(name, str) else "" for name in column("name", "")]
    return paths, numbers, names


def _axes_of(ndim: int, world: World) -> tuple[str, ...]:
    """Names of the axes of a layer that the user made."""
    spare = tuple(f"axis{n}" for n in range(max(0, ndim - len(world.axes))))
    return spare + world.axes[len(world.axes) - ndim + len(spare) :]


def _place(
    row: np.ndarray[Any, Any], axes: Sequence[str], own: Sequence[str], world: World
) -> dict[str, int | str]:
    """Return where a row lies along the axes of its layer that are no y and x."""
    place: dict[str, int | str] = {}
    for axis, at in zip(axes[:-2], row[:-2].tolist(), strict=True):
        step, values = round(at), world.values(axis)
        if axis in own:
            place[axis] = values[step] if axis not in PLANES and 0 <= step < len(values) else max(0, step)
    return place


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
    from polystore_roi import Composite, Points, rois_from_napari

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
    parts = [*found, *(Points(row.shape.vertices) for row in points)]
    first = parts[0]
    if len(parts) > 1:
        plain = {"name": "", "stroke": None, "fill": None}
        return Composite([part.replace(**plain) for part in parts], stroke=first.stroke, fill=first.fill)
    return first.replace(name=rows[0].name)


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
