"""Shapes as geometries, x before y."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.errors import CorruptData
from polystore_roi._outlines import mask_outlines
from polystore_roi._shapes import Composite, Ellipse, Mask, Points, Polygon, Polyline, Rectangle, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_roi._roi import Roi

    Array = np.ndarray[Any, Any]

__all__ = ["geometry_of", "shape_of_geometry"]

_DEEPEST = 20


def geometry_of(roi: Roi) -> dict[str, Any]:  # noqa: PLR0911 - one for each kind
    """Return the geometry that shows a region."""
    match roi:
        case Polygon():
            return _geometry("Polygon", _rings(roi.vertices, roi.holes))
        case Rectangle() | Text():
            return _geometry("Polygon", _rings(roi.corners))
        case Ellipse():
            return _geometry("Polygon", _rings(roi.outline()))
        case Mask():
            polygons = [_rings(part.outer, part.holes) for part in mask_outlines(roi.mask, roi.y, roi.x)]
            return (
                _geometry("Polygon", polygons[0])
                if len(polygons) == 1
                else _geometry("MultiPolygon", polygons)
            )
        case Points():
            return _geometry("MultiPoint", _pairs(roi.coordinates))
        case Composite():
            return _collected([geometry_of(part) for part in roi.parts])
    return _geometry("LineString", _pairs(roi._rings[0]))


def shape_of_geometry(geometry: Any, where: str, lost: list[str]) -> Roi:
    """Return the region of a geometry, without attributes; ``lost`` is told what it cannot hold.

    Raises
    ------
    CorruptData
        If it is no geometry.
    """
    parts = _parts(geometry, where, lost, 0)
    return parts[0] if len(parts) == 1 else Composite(parts)


def _geometry(kind: str, coordinates: Any) -> dict[str, Any]:
    return {"type": kind, "coordinates": coordinates}


def _collected(geometries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return several geometries as one, of polygons alone as the kind that most programs know."""
    if all(geometry["type"] in ("Polygon", "MultiPolygon") for geometry in geometries):
        polygons: list[Any] = []
        for geometry in geometries:
            coordinates = geometry["coordinates"]
            polygons += coordinates if geometry["type"] == "MultiPolygon" else [coordinates]
        return _geometry("MultiPolygon", polygons)
    return {"type": "GeometryCollection", "geometries": geometries}


def _pairs(ring: Array) -> list[list[float]]:
    pairs: list[list[float]] = ring[:, ::-1].tolist()
    return pairs


def _rings(outer: Array, holes: Sequence[Array] = ()) -> list[list[list[float]]]:
    """Return closed rings: the first position is repeated at the end."""
    return [[*pairs, pairs[0]] for pairs in map(_pairs, (outer, *holes))]


def _parts(  # noqa: PLR0911 - one for each kind
    geometry: Any, where: str, lost: list[str], depth: int
) -> list[Roi]:
    if type(geometry) is not dict:
        raise CorruptData(f"{where} has a geometry that is no JSON object")
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        members = _list(geometry.get("geometries"), where)
        if depth == _DEEPEST or not members:
            raise CorruptData(f"{where} has a collection that is empty or nests too deep")
        return [part for member in members for part in _parts(member, where, lost, depth + 1)]
    coordinates = _list(geometry.get("coordinates"), where)
    if not coordinates:
        raise CorruptData(f"{where} has a geometry without coordinates")
    match kind:
        case "Point":
            return [Points(_positions([coordinates], where, lost))]
        case "MultiPoint":
            return [Points(_positions(coordinates, where, lost))]
        case "LineString":
            return [Polyline(_positions(coordinates, where, lost))]
        case "MultiLineString":
            return [Polyline(_positions(line, where, lost)) for line in coordinates]
        case "Polygon":
            return [_polygon(coordinates, where, lost)]
        case "MultiPolygon":
            return [_polygon(polygon, where, lost) for polygon in coordinates]
    raise CorruptData(f"{where} has a geometry of type {kind!r}, which is none")


def _polygon(rings: Any, where: str, lost: list[str]) -> Roi:
    outer, *holes = [_open(_positions(ring, where, lost)) for ring in _list(rings, where)] or [
        np.empty((0, 2))
    ]
    return Polygon(outer, holes)


def _open(ring: Array) -> Array:
    """Return a ring without the repetition of its first position."""
    return ring[:-1] if len(ring) > 3 and (ring[0] == ring[-1]).all() else ring


def _positions(given: Any, where: str, lost: list[str]) -> Array:
    """Return positions as an array (N, 2), y before x."""
    rows = _list(given, where)
    try:
        array = np.array(rows, np.float64)
    except (TypeError, ValueError) as error:
        raise CorruptData(f"{where} has coordinates that are no positions: {error}") from error
    if array.ndim != 2 or array.shape[1] not in (2, 3):
        raise CorruptData(f"{where} has coordinates that are no positions of 2 or 3 numbers")
    if array.shape[1] == 3:
        lost.append("the third coordinate of a position")
    return array[:, 1::-1]


def _list(value: Any, where: str) -> list[Any]:
    if type(value) is not list:
        raise CorruptData(f"{where} has coordinates or members that are no list")
    return value
