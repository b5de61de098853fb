"""Plates in an object store: each image has versions, and its document says which counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_core import CorruptData, PathNotFound, StorageError
from polystore_core.paths import natural_sorted
from polystore_zarr._images import write_levels
from polystore_zarr._labels import (
    ImageShape,
    image_shape,
    label_options,
    refuse_another_image,
    refuse_unfit_labels,
)
from polystore_zarr._layout_on_disk import image_place
from polystore_zarr._ngff import ngff_of, ome_of, zarr_format_of
from polystore_zarr._nodes import group_files
from polystore_zarr._plate_listing import checked_ngff
from polystore_zarr._plate_places import layout_for
from polystore_zarr._plate_targets import refuse_to_lose
from polystore_zarr._remote._addresses import joined
from polystore_zarr._remote._commits import commit, delete_below, refuse_to_replace, staged_image
from polystore_zarr._remote._nodes import children_of, document_name, level_part, pointing, without_bare_group
from polystore_zarr._remote._snapshots import ObjectSource
from polystore_zarr._remote._writers import ObjectWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from polystore_zarr._ngff import Ngff
    from polystore_zarr._plate_options import PlateOptions
    from polystore_zarr._plate_places import FieldPlace, Layout
    from polystore_zarr._plate_targets import FieldBatch, FieldData
    from polystore_zarr._remote._namespace import Namespace
    from polystore_zarr._remote._nodes import Node

__all__ = ["RemotePlate", "RemoteTarget", "enter_plate", "leave_plate"]


class RemotePlate(NamedTuple):
    """A plate in an object store, to read from."""

    space: Namespace
    key: str
    shown: str

    def document(self, node: str) -> Mapping[str, Any]:
        """Read the document of a group."""
        return _document(self.space, joined(self.key, node))

    def node(self, path: str) -> ObjectSource:
        """Return what to take snapshots of a node from."""
        return ObjectSource(self.space.bucket, joined(self.key, path), self.shown)


class RemoteTarget:
    """A plate in an object store, to write to.

    Documents are changed one at a time, each on condition that it is what it was when it was read; so what
    they list is there at every instant, and no lock is needed.

    Parameters
    ----------
    space, key
        Where it is.
    """

    def __init__(self, space: Namespace, key: str) -> None:
        self._space = space
        self._key = key
        self._known: dict[tuple[str, int | None], int] = {}

    def ngff(self, wanted: Ngff | None, *, shown: str) -> Ngff:
        """Return the version of OME-NGFF of the plate; of one that is not there, the one wanted or 0.5.

        Raises
        ------
        InvalidOption, CorruptData
        """
        node = self._space.node(self._key)
        if node is None or not node.decisive:
            return wanted or "0.5"
        if node.problem is not None:
            raise CorruptData(f"{shown!r}: {node.problem}. It was left as it is", path=shown)
        return checked_ngff(dict(node.document), wanted, shown=shown)

    def save_image(self, field: FieldData, batch: FieldBatch) -> int:
        """Write a version of the image of a field, make it count, list it."""
        place, path, shown = field.place, field.path, batch.options.store
        key, read = joined(self._key, place.path), self._documents(place)
        new = ImageShape.wanted(field.pixels, batch.options)

        def refuse(there: Node | None) -> None:
            if there is not None:
                refuse_to_lose(there.attributes, field.values, shown=shown, place=place, path=path)
                refuse_unfit_labels(read, new, shown=shown, place=place, path=path)

        there = without_bare_group(self._space.node(key))
        refuse_to_replace(there, overwrite=batch.overwrite, shown=path, replaces="directory")
        refuse(there)
        self._make_well(place, batch)
        size = self._write(key, field, batch, options=batch.options, check=refuse)
        self.enter(
            place,
            batch.layout,
            ngff=batch.ngff,
            shown=shown,
            acquisition_name=batch.options.acquisition_name,
        )
        refuse_unfit_labels(read, new, shown=shown, place=place, path=path, replaced=True)
        return size

    def save_labels(self, field: FieldData, name: str, batch: FieldBatch) -> int:
        """Write a version of a label image beside the image of its field, make it count, list it."""
        from polystore_zarr._plate_metadata import labels_with, no_labels

        path, shown = field.path, batch.options.store
        read = self._documents(field.place)
        image = image_shape(read, shown, path)
        options = label_options(batch.options, field.pixels, image, path=path)
        group = joined(self._key, field.place.path, "labels")
        zarr_format = zarr_format_of(batch.ngff)
        there = without_bare_group(self._space.node(joined(group, name)))
        refuse_to_replace(there, overwrite=batch.overwrite, shown=path, replaces="directory")
        if zarr_format == 2:
            documents = group_files(no_labels(batch.ngff), 2)
            for document in (".zattrs", ".zgroup"):
                self._space.bucket.create(joined(group, document), documents[document])

        def check(_: Node | None) -> None:
            refuse_another_image(read, image, shown=shown, path=path)

        size = self._write(joined(group, name), field, batch, options=options, check=check)
        _change(
            self._space,
            group,
            lambda attributes: labels_with(attributes, name, batch.ngff),
            ngff=batch.ngff,
            shown=shown,
            make=True,
        )
        try:
            check(None)
        except StorageError:
            leave_plate(self._space, joined(group, name))
            delete_below(self._space.bucket, joined(group, name))
            raise
        return size

    def _documents(self, place: FieldPlace) -> Callable[[str], Mapping[str, Any]]:
        """Return what reads the documents in a field."""
        key = joined(self._key, place.path)
        return lambda node: _document(self._space, joined(key, node))

    def _write(
        self,
        key: str,
        field: FieldData,
        batch: FieldBatch,
        *,
        options: PlateOptions,
        check: Callable[[Node | None], None],
    ) -> int:
        bucket, zarr_format = self._space.bucket, zarr_format_of(batch.ngff)
        name = document_name(zarr_format)
        writers: list[ObjectWriter] = []

        with staged_image(bucket, key, zarr_format) as version:
            prefix = "" if version is None else level_part(version, "")

            def target(level: str) -> ObjectWriter:
                writers.append(ObjectWriter(bucket, joined(key, f"{prefix}{level}"), wait=True))
                return writers[-1]

            size, attributes = write_levels(target, field, options, ngff=batch.ngff, prefix=prefix)
            if version is not None:
                attributes = pointing(attributes, version)
            content = group_files(attributes, zarr_format)[name]
            for writer in writers:
                writer.publish()

            def decided(there: Node | None) -> bytes:
                check(there)
                return content

            replaced = commit(
                bucket,
                key,
                decided,
                overwrite=batch.overwrite,
                shown=field.path,
                name=name,
                replaces="directory",
            )
        self._space.discard_versions(key, replaced)
        return size

    def _make_well(self, place: FieldPlace, batch: FieldBatch) -> None:
        """Make the groups of the plate, a row and a well, unless they are there."""
        from polystore_zarr._plate_metadata import plate_attributes

        shown, zarr_format = batch.options.store, zarr_format_of(batch.ngff)
        there = self._space.node(self._key)
        if there is None:
            self._known.clear()
            self._space.make_parents(self._key, shown=shown)
            attributes = plate_attributes(batch.name, batch.layout, batch.ngff)
            attributes |= {"polystore": {"pattern": batch.pattern.text}}
            self._space.make_group(self._key, attributes, zarr_format)
            there = self._space.node(self._key)
        if there is None or there.problem is not None or "plate" not in ome_of(there.attributes):
            raise CorruptData(
                f"{shown!r} exists and is no plate of OME-NGFF {batch.ngff}; choose another store", path=shown
            )
        checked_ngff(dict(there.document), batch.ngff, shown=shown)
        if (place.well, place.acquisition) in self._known:
            return
        for group in (place.well.split("/")[0], place.well):
            self._space.make_group(joined(self._key, group), zarr_format=zarr_format)

    def enter(
        self,
        place: FieldPlace,
        layout: Layout,
        *,
        ngff: Ngff,
        shown: str,
        acquisition_name: str | None = None,
    ) -> None:
        """List a field that is in its place: first its acquisition, then itself, then its well."""
        from polystore_zarr._plate_metadata import plate_with, plate_with_acquisition, well_with

        well, acquisition = joined(self._key, place.well), place.acquisition
        known = self._known.get((place.well, acquisition), 0)
        count = 0

        def change_plate(change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
            _change(self._space, self._key, change, ngff=ngff, shown=shown)

        def with_field(attributes: Mapping[str, Any]) -> dict[str, Any]:
            nonlocal count
            changed, count = well_with(attributes, place.name, ngff, acquisition)
            if acquisition is not None and (count == 1 or known < count):
                change_plate(lambda plate: plate_with_acquisition(plate, acquisition, acquisition_name, ngff))
            return changed

        _change(self._space, well, with_field, ngff=ngff, shown=shown)
        if count == 1 or known < count:
            change_plate(lambda plate: plate_with(plate, place, layout, count, ngff))
        self._known[place.well, acquisition] = max(count, known)


def leave_plate(space: Namespace, key: str) -> None:
    """Take a row, well, field or label image off the documents of its plate, before it is removed."""
    found = _plate_around(space, key, (1, 2, 3, 5))
    if found is not None:
        store, inside, ngff = found
        _leave(space, store, inside, ngff)


def enter_plate(space: Namespace, key: str) -> None:
    """List the fields that were put in a place of a plate by a copy or a move."""
    found = _plate_around(space, key, (1, 2, 3))
    if found is None:
        return
    store, inside, ngff = found
    target, pending = RemoteTarget(space, store), [inside]
    while pending:
        parts = pending.pop()
        group = joined(store, *parts)
        if len(parts) < 3:
            pending += [[*parts, name] for name in reversed(natural_sorted(children_of(space.bucket, group)))]
            continue
        node = space.node(group)
        place = None if node is None else image_place(parts, node.attributes)
        if node is not None and place is not None and ngff_of(node.document) == ngff:
            target.enter(place, layout_for([(place.row, place.column)]), ngff=ngff, shown=store)


def _plate_around(space: Namespace, key: str, depths: Sequence[int]) -> tuple[str, list[str], Ngff] | None:
    """Return the plate that a key is some levels inside of, its parts in the plate, and the version."""
    parts = key.split("/")
    for depth in depths:
        store = "/".join(parts[:-depth])
        plate = space.node(store) if store and store.startswith(space.root) else None
        if plate is not None and "plate" in ome_of(plate.attributes):
            return store, parts[-depth:], ngff_of(plate.document)
    return None


def _leave(space: Namespace, store: str, inside: Sequence[str], ngff: Ngff) -> None:
    from polystore_zarr._plate_metadata import labels_without, plate_without, well_without

    if len(inside) == 5:
        if inside[3] == "labels":
            group = joined(store, *inside[:4])
            _change(space, group, lambda old: labels_without(old, inside[4], ngff), ngff=ngff, shown=store)
        return
    well, left = "/".join(inside[:2]), 0

    def without_field(attributes: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal left
        changed, left = well_without(attributes, inside[2], ngff)
        return changed

    def without_well(attributes: Mapping[str, Any]) -> dict[str, Any]:
        return plate_without(attributes, well, ngff)

    if len(inside) == 3:
        _change(space, joined(store, well), without_field, ngff=ngff, shown=store)
    if left == 0:
        _change(space, store, without_well, ngff=ngff, shown=store)


def _document(space: Namespace, key: str) -> Mapping[str, Any]:
    """Read the document of a group, or of an array in a version."""
    node = space.node(key)
    if node is None or not node.decisive:
        raise FileNotFoundError(key)
    if node.problem is not None:
        raise ValueError(node.problem)
    return node.document


def _change(
    space: Namespace,
    key: str,
    change: Callable[[Mapping[str, Any]], dict[str, Any]],
    *,
    ngff: Ngff,
    shown: str,
    make: bool = False,
) -> None:
    """Change the attributes of a group, on condition that nobody else did meanwhile; else once more.

    Raises
    ------
    PathNotFound
        If there is no such group, unless it may be made.
    CorruptData
        If its document cannot be read or is no valid OME-NGFF.
    """
    name = document_name(zarr_format_of(ngff))
    decisive = joined(key, name)
    while True:
        node = space.node(key)
        if (node is None or not node.decisive) and not make:
            raise PathNotFound(f"{shown!r}: '{space.bucket.url}/{key}' is gone", path=shown)
        attributes = {} if node is None else node.attributes
        problem = None if node is None else node.problem
        try:
            changed = {} if problem else change(attributes)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            problem = str(error)
        if problem is not None:
            raise CorruptData(
                f"'{space.bucket.url}/{decisive}' is no document of OME-NGFF {ngff}: {problem}. It was left "
                "as it is",
                path=shown,
            )
        content = group_files(changed, zarr_format_of(ngff))[name]
        if node is None or node.decisive != decisive:
            done = space.bucket.create(decisive, content) is not None
        elif changed == attributes:
            done = True
        else:
            done = space.bucket.replace(decisive, content, node.token or {}) is not None
        if done:
            return
