"""Features and collections of them (RFC 7946), with what QuPath adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.errors import CorruptData, UnsupportedData
from polystore_roi._checks import color
from polystore_roi._exact import differences, restored
from polystore_roi._geojson._geometry import geometry_of, shape_of_geometry
from polystore_roi._loss import Loss, LossReport
from polystore_roi._records import attributes_record
from polystore_roi._shapes import Composite, Ellipse, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polystore_roi._roi import Roi

__all__ = ["rois_from_geojson", "rois_to_geojson"]

_EXACT = "polystore"
"""Member of a feature that holds what GeoJSON itself does not."""

_OURS = ("name", "stroke", "fill", "c", "z", "t")
"""Members of a feature's properties that are the region's own attributes."""


def rois_to_geojson(rois: Iterable[Roi]) -> tuple[dict[str, Any], LossReport]:
    """Return a collection of features, one for each region, and what GeoJSON does not show of them.

    Parameters
    ----------
    rois
        The regions.

    Returns
    -------
    collection : dict
        JSON: coordinates are x before y, in the pixels of the model; a hole is a further ring. Name, colours,
        planes and properties of a region are the feature's ``properties``.
    losses : LossReport
        What GeoJSON does not have; :func:`rois_from_geojson` restores it.

    Examples
    --------
    >>> from polystore_roi import Points, rois_from_geojson, rois_to_geojson
    >>> collection, losses = rois_to_geojson([Points([[10, 20]], name="spot", z=3)])
    >>> collection["features"][0]
    {'type': 'Feature', 'geometry': {'type': 'MultiPoint', 'coordinates': [[20.0, 10.0]]}, \
'properties': {'name': 'spot', 'z': 3}}
    >>> rois_from_geojson(collection)[0]
    [Points([[10, 20]], name='spot', z=3)]
    """
    features, losses = [], []
    for roi in rois:
        feature = _feature(roi)
        exact = differences(roi, _shown(feature, [])[0])
        features.append(feature | ({_EXACT: exact} if exact else {}))
        losses.append((roi, _unheld(roi)))
    return {"type": "FeatureCollection", "features": features}, LossReport.of("GeoJSON", losses, kept=True)


def rois_from_geojson(value: Any) -> tuple[list[Roi], LossReport]:
    """Return the regions of a GeoJSON object, which may come from anywhere.

    Parameters
    ----------
    value
        A collection of features, a list of features, a feature or a geometry. Planes are also read from where
        QuPath writes them, the geometry's member ``plane``.

    Returns
    -------
    rois : list of Roi
        The regions of the features that have a geometry.
    losses : LossReport
        What the model cannot hold, such as a third coordinate.

    Raises
    ------
    CorruptData
        If it is no GeoJSON.
    """
    rois: list[Roi] = []
    losses: list[Loss] = []
    for index, feature in enumerate(_features(value)):
        where = f"features[{index}]"
        if type(feature) is not dict:
            raise CorruptData(f"{where} is no JSON object")
        if feature.get("geometry") is None:
            losses.append(Loss(index, "", "a feature without geometry, which is left out"))
            continue
        lost: list[str] = []
        try:
            roi, _ = _shown(feature, lost, where)
            if _EXACT in feature:
                roi = restored(roi, feature[_EXACT], lambda roi: _shown(_feature(roi), [])[0], where)
        except UnsupportedData as error:
            raise CorruptData(f"{where}: {error}") from error
        losses += [Loss(len(rois), roi.name, what) for what in lost]
        rois.append(roi)
    return rois, LossReport("the model", tuple(losses))


def _features(value: Any) -> list[Any]:
    if type(value) is list:
        return value
    if type(value) is dict and value.get("type") == "FeatureCollection":
        features = value.get("features")
        if type(features) is list:
            return features
    elif type(value) is dict and value.get("type") == "Feature":
        return [value]
    elif type(value) is dict and "type" in value:
        return [{"type": "Feature", "geometry": value}]
    raise CorruptData("no GeoJSON: neither a collection of features nor a feature nor a geometry")


def _feature(roi: Roi) -> dict[str, Any]:
    properties = attributes_record(roi)
    free = properties.pop("properties", {})
    held = {key: value for key, value in free.items() if key not in _OURS}
    return {"type": "Feature", "geometry": geometry_of(roi), "properties": properties | held}


def _shown(feature: dict[str, Any], lost: list[str], where: str = "the feature") -> tuple[Roi, list[str]]:
    """Return the region that a feature shows to any program."""
    properties = feature.get("properties")
    properties = {} if properties is None else properties
    if type(properties) is not dict:
        raise CorruptData(f"{where} has properties that are no JSON object")
    geometry = feature["geometry"]
    shape = shape_of_geometry(geometry, where, lost)
    free = dict(properties)
    attributes: dict[str, Any] = {**_planes(geometry)}
    for name in _OURS:
        if name in free and _is_attribute(name, free[name]):
            attributes[name] = free.pop(name)
    if "stroke" not in attributes and (stroke := _qupath_color(free.get("color"))):
        attributes["stroke"] = stroke
    if type(feature.get("id")) in (str, int):
        free.setdefault("id", feature["id"])
    return shape.replace(properties=free, **attributes), lost


def _is_attribute(name: str, value: Any) -> bool:
    if name == "name":
        return type(value) is str
    if name in ("c", "z", "t"):
        return type(value) is int and value >= 0
    try:
        return color(value, name) is not None
    except UnsupportedData:
        return False


def _planes(geometry: dict[str, Any]) -> dict[str, int]:
    plane = geometry.get("plane")
    if type(plane) is not dict:
        return {}
    return {axis: at for axis, at in plane.items() if axis in ("c", "z", "t") and type(at) is int and at >= 0}


def _qupath_color(value: Any) -> str | None:
    is_color = type(value) is list and len(value) == 3
    if is_color and all(type(level) is int and 0 <= level < 256 for level in value):
        return "#" + bytes(value).hex()
    return None


def _unheld(roi: Roi) -> list[str]:
    parts = roi.parts if isinstance(roi, Composite) else (roi,)
    missing = []
    if any(isinstance(part, Ellipse) for part in parts):
        missing.append("an ellipse, which is written as a polygon of 64 corners")
    if any(isinstance(part, Text) for part in parts):
        missing.append("text, of which the box is written")
    return missing
