"""Entering fields in the documents of a plate: by many processes, readable at every instant."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from typing import TYPE_CHECKING, Any

from polystore_core import CorruptData, PathNotFound
from polystore_core.files import file_lock
from polystore_zarr._groups import make_group, make_parents, write_group
from polystore_zarr._nodes import document_of
from polystore_zarr._staging import publish, rename_new

if TYPE_CHECKING:
    from polystore_zarr._plate_places import FieldPlace, Layout
    from polystore_zarr._staging import Staging

__all__ = ["PlateListing"]


class PlateListing:
    """The documents of one plate and its wells.

    A well lists a field after the field is in its place, the plate a well after the well lists its first
    field: what is listed is there. Documents are replaced whole, under one lock beside the store. The plate's
    own is read once per well and process, and written when a well is new.

    Parameters
    ----------
    store
        Directory of the plate.
    staging
        Where documents are written before they are renamed.
    """

    def __init__(self, store: str, staging: Staging) -> None:
        self._store = store
        self._staging = staging
        directory, name = os.path.split(store)
        self._lock_path = os.path.join(directory, f".{name}.polystore-lock")
        self._known: dict[str, int] = {}
        self._guard = threading.Lock()

    def make_well(self, place: FieldPlace, name: str, layout: Layout, pattern: str, *, shown: str) -> None:
        """Create the groups of the plate, a row and a well, unless they are there.

        Parameters
        ----------
        place
            A field of the well.
        name, layout, pattern
            What the plate says about itself, if it is new.
        shown
            The store as the caller named it.

        Raises
        ------
        CorruptData
            If there is something else.
        """
        from polystore_zarr._plate_metadata import plate_attributes

        if not os.path.exists(f"{self._store}/zarr.json"):
            make_parents(self._store, self._staging, shown=shown)
            with self._staging.directory(self._store) as staged:
                write_group(staged, {**plate_attributes(name, layout), "polystore": {"pattern": pattern}})
                with contextlib.suppress(FileExistsError):
                    rename_new(staged, self._store)
        if place.well not in self._known:
            document = self._read("", shown=shown)
            if "plate" not in document.get("attributes", {}).get("ome", {}):
                raise CorruptData(
                    f"{shown!r} exists and is no plate of OME-NGFF 0.5; choose another store", path=shown
                )
        make_group(f"{self._store}/{place.well.split('/')[0]}", self._staging)
        make_group(f"{self._store}/{place.well}", self._staging)

    def enter(self, place: FieldPlace, layout: Layout, *, shown: str) -> None:
        """List a field that is in its place."""
        from polystore_zarr._plate_metadata import plate_with, well_with

        with self.lock():
            try:
                document = self._read(place.well, shown=shown)
                changed, fields = well_with(document["attributes"], place.name)
                self._replace(place.well, document, changed)
                if fields == 1 or self._known.get(place.well, 0) < fields:
                    document = self._read("", shown=shown)
                    changed = plate_with(document["attributes"], place, layout, fields)
                    self._replace("", document, changed)
            except (KeyError, ValueError) as error:
                if isinstance(error, CorruptData):
                    raise
                raise CorruptData(
                    f"the documents of {shown!r} around well {place.well!r} are not those of OME-NGFF 0.5: "
                    f"{error}. They were left as they are",
                    path=shown,
                ) from error
            count = changed["ome"].get("plate", {}).get("field_count", fields)
        with self._guard:
            self._known[place.well] = max(count, self._known.get(place.well, 0))

    def lock(self) -> file_lock:
        """Return the lock under which nodes of the plate are replaced together with what lies in them."""
        return file_lock(self._lock_path)

    def enter_label(
        self, place: FieldPlace, name: str, staged: str, *, overwrite: bool, shown: str, path: str
    ) -> None:
        """Put a finished label image beside the image of its field, and list it.

        Parameters
        ----------
        place, name
            The field, and the label image.
        staged
            Where the label image was made.
        overwrite
            Whether one of that name may be replaced.
        shown, path
            The store and the label plane, as the caller named them.

        Raises
        ------
        PathNotFound
            If the field has no image.
        PathExists
            If there is one that may not be replaced.
        """
        from polystore_zarr._plate_metadata import labels_with

        field = f"{self._store}/{place.path}"
        node = f"{place.path}/labels"
        with self.lock():
            if not os.path.exists(f"{field}/zarr.json"):
                raise PathNotFound(f"plate {shown!r} has no field {place.path!r} to put labels in", path=path)
            if not os.path.exists(f"{field}/labels/zarr.json"):
                with self._staging.directory(field) as whole:
                    os.rename(staged, f"{whole}/{name}")
                    write_group(whole, labels_with({}, name))
                    rename_new(whole, f"{field}/labels")
                return
            target = f"{field}/labels/{name}"
            publish(staged, target, overwrite=overwrite, shown=path, replaces="directory")
            document = self._read(node, shown=shown)
            self._replace(node, document, labels_with(document["attributes"], name))

    def leave(self, node: str, *, shown: str) -> None:
        """Take a row, well or field off the documents, before it is removed.

        Parameters
        ----------
        node
            Path in the store; where there is no plate, or nothing is listed, nothing happens.
        shown
            The store as the caller named it.
        """
        from polystore_zarr._plate_metadata import plate_without, well_without

        parts = node.split("/")
        if len(parts) > 3 or "plate" not in self._read("", shown=shown).get("attributes", {}).get("ome", {}):
            return
        with self.lock():
            well, left = "/".join(parts[:2]), 0
            if len(parts) == 3:
                document = self._read(well, shown=shown)
                if "ome" not in document["attributes"]:
                    return
                changed, left = well_without(document["attributes"], parts[2])
            if left == 0:
                plate = self._read("", shown=shown)
                self._replace("", plate, plate_without(plate["attributes"], well))
            if len(parts) == 3:
                self._replace(well, document, changed)

    def _read(self, node: str, *, shown: str) -> dict[str, Any]:
        path = f"{self._store}/{node}" if node else self._store
        try:
            return document_of(path)
        except ValueError as error:
            raise CorruptData(
                f"{path}/zarr.json cannot be read: {error}. It was left as it is", path=shown
            ) from error

    def _replace(self, node: str, document: dict[str, Any], attributes: dict[str, Any]) -> None:
        if attributes == document["attributes"]:
            return
        written = self._staging.new_name(self._store)
        try:
            with open(written, "x", encoding="utf-8") as file:
                json.dump({**document, "attributes": attributes}, file, allow_nan=False, ensure_ascii=False)
            os.replace(written, f"{self._store}/{node}/zarr.json" if node else f"{self._store}/zarr.json")
        except BaseException:
            if os.path.exists(written):
                os.unlink(written)
            raise
