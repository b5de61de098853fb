"""Planes to and from a plate."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from polystore_core import CorruptData, InvalidOption, InvalidPath, PathExists, PathNotFound, UnsupportedData
from polystore_core.paths import PathPattern
from polystore_zarr._dtypes import check_dtype
from polystore_zarr._images import AXES, ImageShape, label_options, stacked, write_image
from polystore_zarr._nodes import document_of
from polystore_zarr._plate_listing import PlateListing
from polystore_zarr._plate_places import check_label_name, fields_of, layout_for
from polystore_zarr._staging import publish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_zarr._ngff import Ngff
    from polystore_zarr._plate_options import PlateOptions
    from polystore_zarr._plate_places import FieldPlace, Layout
    from polystore_zarr._staging import Staging

    Array = np.ndarray[Any, Any]

__all__ = ["FieldWriter", "Plates", "check_planes", "field_writer"]


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


class FieldWriter(NamedTuple):
    """What is needed to write any field of a batch, checked."""

    store: str
    options: PlateOptions
    pattern: PathPattern
    listing: PlateListing
    staging: Staging
    name: str
    layout: Layout
    fields: Mapping[FieldPlace, Sequence[int]]
    overwrite: bool
    ngff: Ngff

    def write(self, place: FieldPlace, planes: Sequence[Array], paths: Sequence[str], *, threads: int) -> int:
        """Write one field and list it; return the bytes stored."""
        grid = self.pattern.grid(paths, holes="allow")
        hole = next(grid.holes(), None)
        if hole is not None:
            lacking = ", ".join(f"{axis} {value}" for axis, value in grid.coordinates(hole).items())
            raise InvalidPath(
                f"a field is saved whole, and there is no path for {lacking}; add it to the batch, or save "
                "the fields that lack it with other channels or planes to a store of their own",
                path=paths[0],
            )
        values = {axis: grid.values[axis] for axis in AXES if axis in grid.axes}
        image = stacked(dict(zip(paths, planes, strict=True)), list(grid.paths.values()), values)
        target = f"{self.store}/{place.path}"
        if self.options.labels is not None:
            return self._write_labels(place, self.options.labels, image, values, paths, threads=threads)
        _refuse_to_lose(target, values, shown=self.options.store, place=place, path=paths[0])
        with self.staging.directory(target) as staged:
            size = write_image(staged, image, values, place, self.options, threads=threads, ngff=self.ngff)
            self.listing.make_well(
                place, self.name, self.layout, self.pattern.text, ngff=self.ngff, shown=self.options.store
            )
            with self.listing.lock():
                _refuse_to_lose(target, values, shown=self.options.store, place=place, path=paths[0])
                _keep_labels(target, staged)
                publish(staged, target, overwrite=self.overwrite, shown=paths[0], replaces="directory")
        self.listing.enter(
            place,
            self.layout,
            shown=self.options.store,
            acquisition_name=self.options.acquisition_name,
        )
        return size

    def _write_labels(
        self,
        place: FieldPlace,
        name: str,
        labels: Array,
        values: Mapping[str, Sequence[int | str]],
        paths: Sequence[str],
        *,
        threads: int,
    ) -> int:
        """Write one label image beside the image of its field."""
        field = f"{self.store}/{place.path}"
        try:
            image = ImageShape.of(document_of(field), lambda level: document_of(f"{field}/{level}"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise PathNotFound(
                f"{self.options.store!r} has no image for the labels {paths[0]!r}; save the image of the field "
                "first",
                path=paths[0],
            ) from error
        except (ValueError, LookupError, TypeError) as error:
            raise CorruptData(f"the documents of {field} cannot be read: {error}", path=paths[0]) from error
        options = label_options(self.options, labels, image, path=paths[0])
        with self.staging.directory(self.store) as staged:
            size = write_image(staged, labels, values, place, options, threads=threads, ngff=self.ngff)
            self.listing.enter_label(
                place,
                name,
                staged,
                overwrite=self.overwrite,
                shown=self.options.store,
                path=paths[0],
            )
        return size


def field_writer(
    located: str,
    paths: Sequence[str],
    plates: Plates,
    staging: Staging,
    options: PlateOptions,
    *,
    overwrite: bool,
) -> FieldWriter:
    """Check a batch for a plate; nothing is written yet.

    Raises
    ------
    InvalidOption, InvalidPath
        If the options or paths do not describe planes of a plate.
    """
    if not located.endswith(".zarr"):
        raise InvalidOption(
            f"store= names a directory that ends in .zarr: 'plate.ome.zarr'; got {options.store!r}"
        )
    if options.labels is not None:
        check_label_name(options.labels)
    pattern = PathPattern.of(options.pattern)
    check_acquisition(options)
    fields = fields_of(pattern, paths, options.acquisition)
    layout = layout_for([(place.row, place.column) for place in fields], options.layout)
    name = options.plate_name or pattern.parse(paths[0]).get("plate") or _stem(located)
    listing = plates.listing(located)
    ngff = listing.ngff(options.ngff, shown=options.store)
    if ngff == "0.4" and options.shards is not None:
        raise InvalidOption("shards= is for Zarr v3; OME-NGFF 0.4 is on Zarr v2, leave it out")
    return FieldWriter(
        located, options, pattern, listing, staging, str(name), layout, fields, overwrite, ngff
    )


def check_acquisition(options: PlateOptions) -> None:
    """Refuse what cannot be the number of an acquisition.

    Raises
    ------
    InvalidOption
    """
    if options.acquisition is not None and options.acquisition < 0:
        raise InvalidOption(f"acquisition takes a number from 0; got {options.acquisition}")


def check_planes(planes: Sequence[object], paths: Sequence[str]) -> None:
    """Refuse what is no plane before anything is written.

    Raises
    ------
    UnsupportedData
    """
    for plane, path in zip(planes, paths, strict=True):
        if not isinstance(plane, np.ndarray) or plane.ndim != 2:
            found = f"an array {plane.shape}" if isinstance(plane, np.ndarray) else type(plane).__name__
            raise UnsupportedData(f"{path!r}: a plate takes planes (Y, X), not {found}", path=path)
        check_dtype(plane.dtype)


def _keep_labels(target: str, staged: str) -> None:
    """Let the labels of the field that is replaced lie in the new one too; their files are shared."""
    if os.path.exists(f"{target}/labels"):
        shutil.copytree(f"{target}/labels", f"{staged}/labels", copy_function=os.link)


def _refuse_to_lose(
    target: str, values: Mapping[str, Sequence[int | str]], *, shown: str, place: FieldPlace, path: str
) -> None:
    """Refuse to replace a field by one that lacks some of its planes."""
    try:
        stored = document_of(target).get("attributes", {}).get("polystore", {}).get("values", {})
    except (FileNotFoundError, NotADirectoryError):
        return
    except (AttributeError, ValueError) as error:
        raise CorruptData(
            f"{target}/zarr.json cannot be read: {error}. Delete the field to write it anew", path=path
        ) from error
    for axis, known in stored.items():
        lost = [value for value in known if value not in values.get(axis, ())]
        if lost:
            raise PathExists(
                f"field {place.path!r} of {shown!r} has {axis} {', '.join(map(str, lost))}, which this save "
                "has not; save the whole field in one batch, or delete it first",
                path=path,
            )


def _stem(path: str) -> str:
    name = os.path.basename(path)
    return name.removesuffix(".zarr").removesuffix(".ome") or name
