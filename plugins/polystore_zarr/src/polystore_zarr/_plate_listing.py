"""Entering fields in the documents of a plate: by many processes, readable at every instant."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from typing import TYPE_CHECKING, Any

from polystore_core import CorruptData, InvalidOption, PathNotFound
from polystore_core.files import file_lock
from polystore_zarr._durable import sync_directory, sync_file, sync_tree
from polystore_zarr._groups import make_group, make_parents, write_group
from polystore_zarr._ngff import ngff_of, ome_of, zarr_format_of
from polystore_zarr._nodes import document_of, has_document
from polystore_zarr._staging import publish, rename_new

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_core.files import Durability
    from polystore_zarr._ngff import Ngff
    from polystore_zarr._plate_places import FieldPlace, Layout
    from polystore_zarr._staging import Staging

__all__ = ["PlateListing", "checked_ngff"]


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
        self._known: dict[tuple[str, int | None], int] = {}
        self._guard = threading.Lock()

    def ngff(self, wanted: Ngff | None, *, shown: str) -> Ngff:
        """Return the version of OME-NGFF of the plate; of a plate that is not there, the one wanted or 0.5.

        Raises
        ------
        InvalidOption
            If it is another one than wanted.
        CorruptData
            If the document of the plate cannot be read.
        """
        try:
            document = self._read("", shown=shown)
        except (FileNotFoundError, NotADirectoryError):
            return wanted or "0.5"
        return checked_ngff(document, wanted, shown=shown)

    def make_well(
        self,
        place: FieldPlace,
        name: str,
        layout: Layout,
        pattern: str,
        *,
        ngff: Ngff,
        shown: str,
        durability: Durability = "atomic",
    ) -> None:
        """Create the groups of the plate, a row and a well, unless they are there.

        Parameters
        ----------
        place
            A field of the well.
        name, layout, pattern
            What the plate says about itself, if it is new.
        ngff
            Version of OME-NGFF.
        shown
            The store as the caller named it.
        durability
            Whether they survive the loss of power.

        Raises
        ------
        CorruptData
            If there is something else.
        """
        from polystore_zarr._plate_metadata import plate_attributes

        zarr_format = zarr_format_of(ngff)
        if not has_document(self._store):
            make_parents(self._store, self._staging, shown=shown, durability=durability)
            with self._staging.directory(self._store) as staged:
                attributes = plate_attributes(name, layout, ngff)
                write_group(staged, {**attributes, "polystore": {"pattern": pattern}}, zarr_format)
                sync_tree(staged, durability)
                with contextlib.suppress(FileExistsError):
                    rename_new(staged, self._store)
                sync_directory(os.path.dirname(self._store), durability)
        if (place.well, place.acquisition) not in self._known:
            document = self._read("", shown=shown)
            checked_ngff(document, ngff, shown=shown)
            if "plate" not in ome_of(document["attributes"]):
                raise CorruptData(
                    f"{shown!r} exists and is no plate of OME-NGFF {ngff}; choose another store", path=shown
                )
        for group in (place.well.split("/")[0], place.well):
            make_group(f"{self._store}/{group}", self._staging, zarr_format, durability)

    def enter(
        self,
        place: FieldPlace,
        layout: Layout,
        *,
        shown: str,
        acquisition_name: str | None = None,
        durability: Durability = "atomic",
    ) -> None:
        """List a field that is in its place; the acquisition that it is of is listed before it."""
        from polystore_zarr._plate_metadata import plate_with, plate_with_acquisition, well_with

        key = place.well, place.acquisition
        with self.lock():
            try:
                document = self._read(place.well, shown=shown)
                ngff = ngff_of(document)
                changed, fields = well_with(document["attributes"], place.name, ngff, place.acquisition)
                new = fields == 1 or self._known.get(key, 0) < fields
                if place.acquisition is not None and new:
                    plate = self._read("", shown=shown)
                    attributes = plate["attributes"]
                    listed = plate_with_acquisition(attributes, place.acquisition, acquisition_name, ngff)
                    self._replace("", plate, listed, durability)
                self._replace(place.well, document, changed, durability)
                if new:
                    document = self._read("", shown=shown)
                    changed = plate_with(document["attributes"], place, layout, fields, ngff)
                    self._replace("", document, changed, durability)
            except (KeyError, ValueError) as error:
                if isinstance(error, CorruptData):
                    raise
                raise CorruptData(
                    f"the documents of {shown!r} around well {place.well!r} are not those of OME-NGFF: "
                    f"{error}. They were left as they are",
                    path=shown,
                ) from error
            count = ome_of(changed).get("plate", {}).get("field_count", fields)
        with self._guard:
            if place.acquisition is None:
                self._known[key] = max(count, self._known.get(key, 0))
            else:
                self._known[key] = fields

    def lock(self) -> file_lock:
        """Return the lock under which nodes of the plate are replaced together with what lies in them."""
        return file_lock(self._lock_path)

    def lock_if_used(self) -> contextlib.AbstractContextManager[object]:
        """Return the same lock if anybody has ever taken it: it lies beside every plate with a field."""
        return self.lock() if os.path.exists(self._lock_path) else contextlib.nullcontext()

    def enter_label(
        self,
        place: FieldPlace,
        name: str,
        staged: str,
        *,
        check: Callable[[], None],
        overwrite: bool,
        shown: str,
        path: str,
        durability: Durability = "atomic",
    ) -> None:
        """Put a finished label image beside the image of its field, and list it.

        Parameters
        ----------
        place, name
            The field, and the label image.
        staged
            Where the label image was made.
        check
            Raises if it may no longer be put there; called when nobody else changes the plate.
        overwrite
            Whether one of that name may be replaced.
        shown, path
            The store and the label plane, as the caller named them.
        durability
            Whether it survives the loss of power.

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
            try:
                ngff = ngff_of(self._read(place.path, shown=shown))
            except FileNotFoundError as error:
                raise PathNotFound(
                    f"plate {shown!r} has no field {place.path!r} to put labels in", path=path
                ) from error
            check()
            if not has_document(f"{field}/labels"):
                with self._staging.directory(field) as whole:
                    os.rename(staged, f"{whole}/{name}")
                    write_group(whole, labels_with({}, name, ngff), zarr_format_of(ngff))
                    sync_tree(whole, durability)
                    rename_new(whole, f"{field}/labels")
                sync_directory(field, durability)
                return
            target = f"{field}/labels/{name}"
            sync_tree(staged, durability)
            publish(staged, target, overwrite=overwrite, shown=path, replaces="directory")
            document = self._read(node, shown=shown)
            self._replace(node, document, labels_with(document["attributes"], name, ngff), durability)
            sync_directory(f"{field}/labels", durability)

    def leave(self, node: str, *, shown: str) -> None:
        """Take a row, well, field or label image off the documents, before it is removed.

        Parameters
        ----------
        node
            Path in the store; where there is no plate, or nothing is listed, nothing happens.
        shown
            The store as the caller named it.
        """
        from polystore_zarr._plate_metadata import labels_without, plate_without, well_without

        parts = node.split("/")
        root = self._read("", shown=shown)
        ngff = ngff_of(root)
        if "plate" not in ome_of(root.get("attributes", {})):
            return
        if len(parts) == 5 and parts[3] == "labels":
            with self.lock():
                document = self._read("/".join(parts[:4]), shown=shown)
                changed = labels_without(document["attributes"], parts[4], ngff)
                self._replace("/".join(parts[:4]), document, changed)
        if len(parts) > 3:
            return
        with self.lock():
            well, left = "/".join(parts[:2]), 0
            if len(parts) == 3:
                document = self._read(well, shown=shown)
                if "well" not in ome_of(document["attributes"]):
                    return
                changed, left = well_without(document["attributes"], parts[2], ngff)
            if left == 0:
                plate = self._read("", shown=shown)
                self._replace("", plate, plate_without(plate["attributes"], well, ngff))
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

    def _replace(
        self,
        node: str,
        document: dict[str, Any],
        attributes: dict[str, Any],
        durability: Durability = "atomic",
    ) -> None:
        if attributes == document["attributes"]:
            return
        written = self._staging.new_name(self._store)
        try:
            name, changed = "zarr.json", {**document, "attributes": attributes}
            if ngff_of(document) == "0.4":
                name, changed = ".zattrs", attributes
            with open(written, "x", encoding="utf-8") as file:
                json.dump(changed, file, allow_nan=False, ensure_ascii=False)
            sync_file(written, durability)
            directory = f"{self._store}/{node}" if node else self._store
            os.replace(written, f"{directory}/{name}")
            sync_directory(directory, durability)
        except BaseException:
            if os.path.exists(written):
                os.unlink(written)
            raise


def checked_ngff(document: dict[str, Any], wanted: Ngff | None, *, shown: str) -> Ngff:
    """Return the version of OME-NGFF of a plate.

    Raises
    ------
    InvalidOption
        If it is another one than wanted.
    """
    ngff = ngff_of(document)
    if wanted not in (None, ngff):
        raise InvalidOption(
            f"plate {shown!r} is of OME-NGFF {ngff}; leave ngff= out, or save to another store"
        )
    return ngff
