"""Rows, wells and fields of a plate: those that its documents list, and those that are there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from polystore_core import InvalidOption
from polystore_core.paths import natural_sorted, well_indices
from polystore_zarr._ngff import ome_of
from polystore_zarr._nodes import document_of
from polystore_zarr._plate_places import FieldPlace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["attributes_of", "fields_there", "image_place", "listed_fields", "listed_wells"]


def attributes_of(path: str) -> dict[str, Any]:
    """Return the attributes of a node; none if its document cannot be read."""
    try:
        attributes = document_of(path).get("attributes", {})
    except (OSError, ValueError):
        return {}
    return attributes if isinstance(attributes, dict) else {}


def listed_wells(store: str) -> list[str]:
    """Return the paths of the wells that a plate lists and that do not leave it."""
    wells = ome_of(attributes_of(store)).get("plate", {}).get("wells", [])
    paths = [str(well.get("path")) for well in wells]
    return [path for path in paths if ".." not in path.split("/") and not path.startswith("/")]


def listed_fields(store: str, well: str) -> list[str]:
    """Return the names of the fields that a well lists."""
    images = ome_of(attributes_of(f"{store}/{well}")).get("well", {}).get("images", [])
    names = [str(image.get("path")) for image in images]
    return [name for name in names if name.isalnum()]


def fields_there(store: str, inside: str = "") -> Iterator[FieldPlace]:
    """Yield the fields that are in their place, whether anything lists them or not.

    Parameters
    ----------
    store
        Directory of a plate.
    inside
        Path of a row, well or field in it, to look at nothing else.
    """
    wanted = [*inside.split("/"), "", ""][:3]
    for row in _folders(store, wanted[0]):
        for column in _folders(f"{store}/{row}", wanted[1]):
            for name in _folders(f"{store}/{row}/{column}", wanted[2]):
                place = image_place([row, column, name], attributes_of(f"{store}/{row}/{column}/{name}"))
                if place is not None:
                    yield place


def image_place(parts: Sequence[str], attributes: Mapping[str, Any]) -> FieldPlace | None:
    """Return the place of a field by the path and attributes of its image; ``None`` if it is none.

    Examples
    --------
    >>> image_place(["B", "3", "1"], {"ome": {"multiscales": []}})
    FieldPlace(row=1, column=2, name='1', acquisition=None)
    """
    row, column, name = parts
    try:
        place = well_indices(f"{row}{column}")
    except InvalidOption:
        return None
    if not name.isalnum() or "multiscales" not in ome_of(attributes):
        return None
    field = FieldPlace(*place, name, attributes.get("polystore", {}).get("acquisition"))
    return field if field.well == f"{row}/{column}" else None


def _folders(path: str, wanted: str = "") -> list[str]:
    if wanted:
        return [wanted] if os.path.isdir(f"{path}/{wanted}") else []
    with os.scandir(path) as entries:
        return natural_sorted(entry.name for entry in entries if entry.is_dir() and entry.name[0] != ".")
