"""Where the fields of a plate are written to."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from polystore_core import CorruptData, PathExists
from polystore_zarr._durable import sync_directory, sync_tree
from polystore_zarr._images import write_image
from polystore_zarr._labels import (
    ImageShape,
    image_shape,
    label_options,
    refuse_another_image,
    refuse_unfit_labels,
)
from polystore_zarr._layout_on_disk import attributes_of, fields_there
from polystore_zarr._ngff import ome_of
from polystore_zarr._nodes import document_of, format_of, store_of
from polystore_zarr._plate_listing import PlateListing
from polystore_zarr._plate_places import layout_for
from polystore_zarr._staging import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from polystore_core.paths import PathPattern
    from polystore_zarr._ngff import Ngff
    from polystore_zarr._plate_options import PlateOptions
    from polystore_zarr._plate_places import FieldPlace, Layout
    from polystore_zarr._staging import Staging

    Array = np.ndarray[Any, Any]
    Values = Mapping[str, Sequence[int | str]]

__all__ = ["FieldBatch", "FieldData", "LocalTarget", "PlateTarget", "Plates", "refuse_to_lose"]

_FIELD_DEPTH = 3
"""Components of the path of a field in its plate: row, column, name."""


class FieldBatch(NamedTuple):
    """What all fields of a batch have in common, checked."""

    options: PlateOptions
    pattern: PathPattern
    name: str
    layout: Layout
    overwrite: bool
    ngff: Ngff


class FieldData(NamedTuple):
    """What is saved of one field.

    Attributes
    ----------
    place
        Of the field.
    pixels
        As :func:`stacked` returns it.
    values
        Of each axis before y and x, in the words of the pattern.
    path
        Of its first plane, for messages.
    threads
        How many chunks may be encoded at a time.
    """

    place: FieldPlace
    pixels: Array
    values: Values
    path: str
    threads: int


class PlateTarget(Protocol):
    """A plate that fields are written to."""

    def ngff(self, wanted: Ngff | None, *, shown: str) -> Ngff:
        """Return the version of OME-NGFF of the plate; of one that is not there, the one wanted or 0.5."""

    def save_image(self, field: FieldData, batch: FieldBatch) -> int:
        """Write the image of a field and list it; return the bytes stored."""

    def save_labels(self, field: FieldData, name: str, batch: FieldBatch) -> int:
        """Write a label image beside the image of its field and list it; return the bytes stored."""


class Plates:
    """The plates that a backend has written to."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._listings: dict[str, PlateListing] = {}
        self._guard = threading.Lock()

    def listing(self, store: str) -> PlateListing:
        """Return the listing of a plate."""
        with self._guard:
            return self._listings.setdefault(store, PlateListing(store, self._staging))

    def enter_below(self, located: str) -> None:
        """List the fields that were put in a place of a plate by a copy or a move."""
        store = store_of(located)
        if store is None or store == located or "plate" not in ome_of(attributes_of(store)):
            return
        for place in list(fields_there(store, located.removeprefix(f"{store}/"))):
            if format_of(f"{store}/{place.path}") != format_of(store):
                continue
            self.listing(store).enter(place, layout_for([(place.row, place.column)]), shown=store)

    def leave(self, located: str) -> None:
        """Take what is to be removed off the documents of the plate that it is in."""
        store = store_of(located)
        if store is not None and store != located:
            self.listing(store).leave(located.removeprefix(f"{store}/"), shown=store)

    def undisturbed(self, located: str) -> contextlib.AbstractContextManager[object]:
        """Keep a field from being replaced while something in it, such as regions of interest, is."""
        store = store_of(located)
        if store is None or located.count("/") - store.count("/") <= _FIELD_DEPTH:
            return contextlib.nullcontext()
        return self.listing(store).lock_if_used()

    def target(self, store: str) -> LocalTarget:
        """Return a plate to write to."""
        return LocalTarget(store, self.listing(store), self._staging)


class LocalTarget(NamedTuple):
    """A plate in a directory."""

    store: str
    listing: PlateListing
    staging: Staging

    def ngff(self, wanted: Ngff | None, *, shown: str) -> Ngff:
        """Return the version of OME-NGFF."""
        return self.listing.ngff(wanted, shown=shown)

    def save_image(self, field: FieldData, batch: FieldBatch) -> int:
        """Write the image of a field aside, put it in its place, list it."""
        place, options, shown = field.place, batch.options, batch.options.store
        durability = options.durability or "atomic"
        target = f"{self.store}/{place.path}"
        self._refuse(field, batch)
        with self.staging.directory(target) as staged:
            size = write_image(staged, field, options, ngff=batch.ngff)
            self.listing.make_well(
                place,
                batch.name,
                batch.layout,
                batch.pattern.text,
                ngff=batch.ngff,
                shown=shown,
                durability=durability,
            )
            with self.listing.lock():
                self._refuse(field, batch)
                _keep_the_rest(target, staged)
                sync_tree(staged, durability)
                publish(staged, target, overwrite=batch.overwrite, shown=field.path, replaces="directory")
                sync_directory(os.path.dirname(target), durability)
        self.listing.enter(
            place,
            batch.layout,
            shown=shown,
            acquisition_name=options.acquisition_name,
            durability=durability,
        )
        return size

    def save_labels(self, field: FieldData, name: str, batch: FieldBatch) -> int:
        """Write a label image aside, put it beside the image of its field, list it."""
        place, path, shown = field.place, field.path, batch.options.store
        read = self._documents(place)
        image = image_shape(read, shown, path)
        options = label_options(batch.options, field.pixels, image, path=path)
        with self.staging.directory(self.store) as staged:
            size = write_image(staged, field, options, ngff=batch.ngff)
            self.listing.enter_label(
                place,
                name,
                staged,
                check=lambda: refuse_another_image(read, image, shown=shown, path=path),
                overwrite=batch.overwrite,
                shown=shown,
                path=path,
                durability=options.durability or "atomic",
            )
        return size

    def _documents(self, place: FieldPlace) -> Callable[[str], Mapping[str, Any]]:
        """Return what reads the documents in a field."""
        field = f"{self.store}/{place.path}"
        return lambda node: document_of(f"{field}/{node}" if node else field)

    def _refuse(self, field: FieldData, batch: FieldBatch) -> None:
        """Refuse to replace a field by one that lacks planes of it, or that its labels do not fit."""
        place, shown, read = field.place, batch.options.store, self._documents(field.place)
        try:
            document = read("")
        except (FileNotFoundError, NotADirectoryError):
            return
        except ValueError as error:
            raise CorruptData(
                f"{self.store}/{place.path}/zarr.json cannot be read: {error}. Delete the field to write it "
                "anew",
                path=field.path,
            ) from error
        refuse_to_lose(document.get("attributes"), field.values, shown=shown, place=place, path=field.path)
        new = ImageShape.wanted(field.pixels, batch.options)
        refuse_unfit_labels(read, new, shown=shown, place=place, path=field.path)


def refuse_to_lose(attributes: Any, values: Values, *, shown: str, place: FieldPlace, path: str) -> None:
    """Refuse to replace a field by one that lacks some of its planes.

    Parameters
    ----------
    attributes
        Of the field that is there.
    values
        Of the field that shall take its place.
    shown, place, path
        The store as the caller named it, the field, and its first plane.

    Raises
    ------
    PathExists, CorruptData
    """
    try:
        stored = dict(attributes.get("polystore", {}).get("values", {}))
        lost = {
            axis: [value for value in known if value not in values.get(axis, ())]
            for axis, known in stored.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise CorruptData(
            f"field {place.path!r} of {shown!r} cannot be read: {error}. Delete the field to write it anew",
            path=path,
        ) from error
    for axis, gone in lost.items():
        if gone:
            raise PathExists(
                f"field {place.path!r} of {shown!r} has {axis} {', '.join(map(str, gone))}, which this save "
                "has not; save the whole field in one batch, or delete it first",
                path=path,
            )


def _keep_the_rest(target: str, staged: str) -> None:
    """Let what is no level of the image that is replaced lie in the new field too; the files are shared.

    Labels, and whatever else was saved into the group of the field: regions of interest, for example. Links
    stay links, wherever they lead.
    """
    try:
        levels = _level_paths(document_of(target).get("attributes"))
        with os.scandir(target) as entries:
            rest = [entry for entry in entries if entry.is_dir() and entry.name not in levels]
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in rest:
        kept = f"{staged}/{entry.name}"
        if os.path.lexists(kept):
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), kept)
        else:
            shutil.copytree(entry.path, kept, symlinks=True, copy_function=os.link)


def _level_paths(attributes: Any) -> set[str]:
    try:
        datasets = ome_of(attributes)["multiscales"][0]["datasets"]
        return {str(dataset["path"]) for dataset in datasets}
    except (AttributeError, LookupError, TypeError):
        return set()
