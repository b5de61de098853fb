"""What OME-NGFF metadata, versions 0.4 and 0.5, say about a group: image, well or plate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polystore_core.errors import CorruptData
from polystore_core.paths import natural_key
from polystore_napari._showable import is_length

__all__ = ["Channel", "StoredImage", "image_of", "images_in", "label_names"]

AXES = {"c": "channel"}


@dataclass(frozen=True, slots=True)
class Channel:
    """How a channel of a stored image is to be shown."""

    name: str | None = None
    color: str | None = None
    contrast: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A multiscale image.

    Attributes
    ----------
    levels
        Paths of its arrays within its group, the largest first.
    axes
        Names of the axes of each.
    scale
        Size of a pixel of the first along each, in ``unit``.
    unit
        Of the axes of space, if there is one.
    channels
        One for each step of the axis ``"channel"``, as far as the metadata know them.
    """

    levels: tuple[str, ...]
    axes: tuple[str, ...]
    scale: tuple[float, ...]
    unit: str | None
    channels: tuple[Channel, ...]


def images_in(path: str) -> dict[tuple[int | str, ...], str]:
    """Return the groups of images in a plate or well by their position: (well, field), or (field,).

    An image, and anything that is none of these, gives nothing.
    """
    attributes = _attributes(path)
    if "plate" in attributes:
        wells = sorted((well["path"] for well in attributes["plate"].get("wells", ())), key=natural_key)
        return {
            (_well_name(well), *field): image
            for well in wells
            for field, image in images_in(f"{path}/{well}").items()
        }
    if "well" in attributes:
        fields = [image["path"] for image in attributes["well"].get("images", ())]
        return {(int(field) if field.isdigit() else field,): f"{path}/{field}" for field in fields}
    return {}


def image_of(path: str) -> StoredImage | None:
    """Return the multiscale image that a group is; ``None`` if it is none.

    Raises
    ------
    CorruptData
        If its metadata are damaged.
    """
    attributes = _attributes(path)
    if not attributes.get("multiscales"):
        return None
    try:
        multiscale = attributes["multiscales"][0]
        named = [axis if isinstance(axis, dict) else {"name": axis} for axis in multiscale["axes"]]
        first = multiscale["datasets"][0]
        scales = [
            step["scale"] for step in first.get("coordinateTransformations", ()) if step["type"] == "scale"
        ]
        units = [axis["unit"] for axis in named if axis["name"] in "zyx" and axis.get("unit")]
        return StoredImage(
            levels=tuple(level["path"] for level in multiscale["datasets"]),
            axes=tuple(str(AXES.get(str(axis["name"]), axis["name"])) for axis in named),
            scale=tuple(map(float, scales[0])) if scales else (1.0,) * len(named),
            unit=units[-1] if units and is_length(units[-1]) else None,
            channels=tuple(map(_channel, attributes.get("omero", {}).get("channels", ()))),
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise CorruptData(f"{path!r} has damaged OME metadata: {error!r}", path=path) from error


def label_names(path: str) -> list[str]:
    """Return the names of the label images of an image."""
    return [str(name) for name in _attributes(f"{path}/labels").get("labels", ())]


def _channel(entry: dict[str, Any]) -> Channel:
    window = entry.get("window") or {}
    contrast = (float(window["start"]), float(window["end"])) if {"start", "end"} <= window.keys() else None
    color = str(entry.get("color") or "")
    return Channel(
        name=entry.get("label"),
        color=f"#{color.lower().removeprefix('#')}" if color else None,
        contrast=contrast if contrast and contrast[1] > contrast[0] else None,
    )


def _well_name(path: str) -> str:
    row, _, column = path.partition("/")
    return f"{row}{int(column):02d}" if column.isdigit() else f"{row}{column}"


def _attributes(path: str) -> dict[str, Any]:
    """Return the OME attributes of a group on disk; nothing if there are none."""
    for name in ("zarr.json", ".zattrs"):
        document = Path(path, name)
        if not document.is_file():
            continue
        try:
            found = json.loads(document.read_bytes())
        except ValueError as error:
            raise CorruptData(f"{str(document)!r} is no JSON: {error}", path=path) from error
        attributes = found.get("attributes", {}) if name == "zarr.json" else found
        ome = attributes.get("ome", attributes)
        return ome if isinstance(ome, dict) else {}
    return {}
