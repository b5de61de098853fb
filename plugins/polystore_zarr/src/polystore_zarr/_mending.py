"""Mending a store: what killed writers left, torn chunks, missing documents, fields that nothing lists."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from polystore_core import PolyStoreError
from polystore_core.files import atomic_writer, file_lock, sweep_temporaries
from polystore_zarr._inspection import require_store, torn_chunks, unlisted
from polystore_zarr._layout_on_disk import attributes_of, fields_there
from polystore_zarr._names import find
from polystore_zarr._ngff import ngff_of, ome_of, zarr_format_of
from polystore_zarr._nodes import ASIDE, DOCUMENTS, document_of, group_files, kind_of
from polystore_zarr._plate_listing import PlateListing
from polystore_zarr._plate_places import layout_for
from polystore_zarr._staging import Staging
from polystore_zarr._tree import list_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from polystore_zarr._ngff import Ngff
    from polystore_zarr._plate_places import FieldPlace

__all__ = ["mend"]

_DAMAGED = ".polystore-damaged"


def mend(store: str) -> list[str]:
    """Mend what can be mended; what is damaged is renamed, not removed.

    What dead writers left goes. A chunk or shard that cannot be decoded is set aside, so that it counts as
    missing and its region can be written again. Documents of a plate, its rows and wells that are missing or
    cannot be read are made anew from the fields that are there, and fields that nothing lists are listed.

    Parameters
    ----------
    store
        Directory of a Zarr store or array.

    Returns
    -------
    list of str
        What was done, a line for each.

    Raises
    ------
    PathNotFound, NotADirectory
        If there is no store.
    """
    require_store(store)
    done = list(_swept(os.path.dirname(store) or "."))
    done += _with_documents(store)
    if kind_of(store) == "array":
        arrays = {".": store}
    else:
        arrays = {file: find(f"{store}/{file}") for file in list_tree(store, recursive=True).files}
    for node, path in arrays.items():
        done += _swept(f"{path}/{ASIDE}") if os.path.isdir(f"{path}/{ASIDE}") else []
        done += _without_torn(node, path)
    return done + list(_listed(store))


def _swept(directory: str) -> Iterator[str]:
    removed = sweep_temporaries(directory, directories=True)
    if removed:
        yield f"removed {removed} unfinished {'node' if removed == 1 else 'nodes'}"


def _without_torn(node: str, path: str) -> Iterator[str]:
    try:
        torn = list(torn_chunks(path))
    except PolyStoreError:
        return
    for key, _ in torn:
        os.makedirs(f"{path}/{ASIDE}", exist_ok=True)
        aside = f"{ASIDE}/{key.replace('/', '.')}.torn"
        with file_lock(f"{path}/{ASIDE}/lock"):
            os.replace(f"{path}/{key}", f"{path}/{aside}")
        yield f"{node}: set torn chunk {key!r} aside as {aside!r}; write its region again"


def _with_documents(store: str) -> Iterator[str]:
    """Make the documents of a plate, its rows and wells anew where they cannot be read."""
    places = list(fields_there(store))
    if not places:
        return
    ngff = ngff_of(document_of(f"{store}/{places[0].path}"))
    if not _is_readable(store):
        _replace_document(store, _plate_of(store, places, ngff), ngff)
        yield "made the document of the plate anew; load its planes with pattern=, which is lost"
    for node in dict.fromkeys(part for place in places for part in (place.well.split("/")[0], place.well)):
        if not _is_readable(f"{store}/{node}"):
            _replace_document(f"{store}/{node}", {}, ngff)
            yield f"made the document of {node} anew"


def _plate_of(store: str, places: list[FieldPlace], ngff: Ngff) -> dict[str, Any]:
    from polystore_zarr._plate_metadata import plate_attributes

    name = os.path.basename(store).removesuffix(".zarr").removesuffix(".ome")
    return plate_attributes(name, layout_for([(place.row, place.column) for place in places]), ngff)


def _is_readable(path: str) -> bool:
    try:
        document_of(path)
    except (FileNotFoundError, ValueError):
        return False
    return True


def _replace_document(path: str, attributes: Mapping[str, Any], ngff: Ngff) -> None:
    for name in DOCUMENTS:
        if os.path.exists(f"{path}/{name}"):
            os.replace(f"{path}/{name}", f"{path}/.{name.lstrip('.')}{_DAMAGED}")
    for name, content in group_files(attributes, zarr_format_of(ngff)).items():
        with atomic_writer(f"{path}/{name}", durability="durable") as file:
            file.write(content)


def _listed(store: str) -> Iterator[str]:
    if "plate" not in ome_of(attributes_of(store)):
        return
    listing = PlateListing(store, Staging())
    for place in list(unlisted(store)):
        listing.enter(place, layout_for([(place.row, place.column)]), shown=store, durability="durable")
        yield f"listed field {place.path}"
