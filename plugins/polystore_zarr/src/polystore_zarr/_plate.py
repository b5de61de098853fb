"""Planes to and from a plate."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from polystore_core import CorruptData, InvalidOption, InvalidPath, PathExists, PathNotFound, UnsupportedData
from polystore_core.paths import PathPattern
from polystore_zarr._arrays import check_dtype, consistently, read_snapshot, write_array
from polystore_zarr._codecs import encoding_of
from polystore_zarr._grid import grid_of
from polystore_zarr._groups import write_group
from polystore_zarr._looks import channel_looks
from polystore_zarr._nodes import document_of
from polystore_zarr._plate_listing import PlateListing
from polystore_zarr._plate_places import field_place, fields_of, layout_for, plane_index
from polystore_zarr._pyramid import count_levels, pyramid
from polystore_zarr._staging import publish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_zarr._plate_options import PlateOptions
    from polystore_zarr._plate_places import FieldPlace, Layout
    from polystore_zarr._snapshot import Snapshot
    from polystore_zarr._staging import Staging

    Array = np.ndarray[Any, Any]

__all__ = ["FieldWriter", "Plates", "check_planes", "field_writer", "read_plane"]

_AXES = {"t": "t", "channel": "c", "z": "z"}


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
        values = {axis: grid.values[axis] for axis in _AXES if axis in grid.axes}
        image = _stacked(dict(zip(paths, planes, strict=True)), list(grid.paths.values()), values)
        target = f"{self.store}/{place.path}"
        _refuse_to_lose(target, values, shown=self.options.store, place=place)
        with self.staging.directory(target) as staged:
            size = _write_image(staged, image, values, place, self.options, threads=threads)
            self.listing.make_well(place, self.name, self.layout, self.pattern.text, shown=self.options.store)
            publish(staged, target, overwrite=self.overwrite, shown=paths[0], replaces="directory")
        self.listing.enter(place, self.layout, shown=self.options.store)
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
    pattern = PathPattern.of(options.pattern)
    fields = fields_of(pattern, paths)
    layout = layout_for([(place.row, place.column) for place in fields], options.layout)
    name = options.plate_name or pattern.parse(paths[0]).get("plate") or _stem(located)
    listing = plates.listing(located)
    return FieldWriter(located, options, pattern, listing, staging, str(name), layout, fields, overwrite)


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


def read_plane(
    store: str, path: str, pattern: PathPattern | None, *, shown: str, max_bytes: int | None
) -> Array:
    """Read one plane by its original path; only its chunks are opened.

    Raises
    ------
    PathNotFound
        If there is no such field, or no such plane in it.
    CorruptData
        If the field is damaged.
    """
    if pattern is None:
        pattern = _stored_pattern(store, shown=shown)
    coordinates = pattern.parse(path)
    place = field_place(coordinates, shown=path)

    def read(snapshot: Snapshot) -> Array:
        values = _stored_values(snapshot, place, shown=shown)
        index = plane_index(coordinates, values)
        if index is None:
            there = "; ".join(f"{axis} {', '.join(map(str, known))}" for axis, known in values.items())
            raise PathNotFound(
                f"{path!r} is not in field {place.path!r} of {shown!r}, which has {there or 'one plane'}",
                path=path,
            )
        part = snapshot.part("0")
        return read_snapshot(
            part, shown=path, max_bytes=max_bytes, fill=False, selection=(*index, ...), threads=1
        )

    try:
        array: Array = consistently(f"{store}/{place.path}", read)
    except FileNotFoundError as error:
        if isinstance(error, PathNotFound):
            raise
        raise PathNotFound(
            f"cannot read {path!r}: plate {shown!r} has no field {place.path!r}", path=path
        ) from error
    return array


def _write_image(
    staged: str,
    image: Array,
    values: Mapping[str, Sequence[int | str]],
    place: FieldPlace,
    options: PlateOptions,
    *,
    threads: int,
) -> int:
    from polystore_zarr._plate_metadata import image_attributes

    axes = [_AXES[axis] for axis in values] + ["y", "x"]
    count = count_levels(image.shape, options.levels)
    encoding = encoding_of(
        compression=options.compression,
        level=options.level,
        codecs=options.codecs,
        itemsize=image.itemsize,
    )
    size = 0
    smallest = image
    for number, smaller in enumerate(pyramid(image, count, options.downsampling)):
        grid = grid_of(smaller.shape, image.itemsize, chunks=options.chunks, shards=options.shards)
        directory = f"{staged}/{number}"
        os.mkdir(directory)
        size += write_array(smaller, directory, grid=grid, encoding=encoding, axes=axes, threads=threads)
        smallest = smaller
    attributes = image_attributes(
        f"{place.well.replace('/', '')} {place.name}",
        axes,
        _scale_of(options.pixel_size, options.unit, options.time_step),
        levels=count,
        centred=options.downsampling == "mean" and image.dtype != bool,
        channels=channel_looks(
            smallest, axes, values.get("channel", ()), options.channel_names, options.channel_colors
        ),
        method=options.downsampling,
    )
    write_group(
        staged, {**attributes, "polystore": {"values": {axis: list(values[axis]) for axis in values}}}
    )
    return size


def _scale_of(pixel_size: float | Sequence[float] | None, unit: str | None, time_step: float) -> Any:
    """Return the scale of an image from what the caller gave: one size, (y, x) or (z, y, x)."""
    from polystore_zarr._plate_metadata import Scale

    if pixel_size is None:
        return Scale(t=time_step, unit=unit)
    sizes = [pixel_size] * 2 if isinstance(pixel_size, int | float) else list(pixel_size)
    if len(sizes) not in (2, 3) or not all(size > 0 for size in sizes):
        raise InvalidOption(f"pixel_size takes one size, (y, x) or (z, y, x), above 0; got {pixel_size!r}")
    z, y, x = [1.0, *sizes] if len(sizes) == 2 else sizes
    return Scale(z, y, x, time_step, unit or "micrometer")


def _stacked(
    planes: Mapping[str, Array], order: Sequence[str], values: Mapping[str, Sequence[int | str]]
) -> Array:
    """Stack the planes of a field: (T, C, Z, Y, X), without the axes that the pattern does not name."""
    first_path = order[0]
    first = planes[first_path]
    for path in order:
        plane = planes[path]
        if (plane.shape, plane.dtype) != (first.shape, first.dtype):
            raise UnsupportedData(
                f"the planes of a field are of one shape and dtype; {path!r} is {plane.shape} {plane.dtype}, "
                f"{first_path!r} is {first.shape} {first.dtype}",
                path=path,
            )
    if len(order) == 1:
        return first.reshape(*(len(known) for known in values.values()), *first.shape)
    stack = np.stack([planes[path] for path in order])
    return stack.reshape(*(len(known) for known in values.values()), *first.shape)


def _refuse_to_lose(
    target: str, values: Mapping[str, Sequence[int | str]], *, shown: str, place: FieldPlace
) -> None:
    """Refuse to replace a field by one that lacks some of its planes."""
    try:
        stored = document_of(target).get("attributes", {}).get("polystore", {}).get("values", {})
    except (FileNotFoundError, NotADirectoryError):
        return
    except (AttributeError, ValueError) as error:
        raise CorruptData(
            f"{target}/zarr.json cannot be read: {error}. Delete the field to write it anew", path=target
        ) from error
    for axis, known in stored.items():
        lost = [value for value in known if value not in values.get(axis, ())]
        if lost:
            raise PathExists(
                f"field {place.path!r} of {shown!r} has {axis} {', '.join(map(str, lost))}, which this save "
                "has not; save the whole field in one batch, or delete it first",
                path=target,
            )


def _stored_values(snapshot: Snapshot, place: FieldPlace, *, shown: str) -> Mapping[str, Sequence[int | str]]:
    try:
        values: Mapping[str, Sequence[int | str]]
        values = json.loads(snapshot.read("zarr.json"))["attributes"]["polystore"]["values"]
        if all(axis in _AXES and isinstance(known, list) for axis, known in values.items()):
            return values
    except FileNotFoundError:
        pass
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise CorruptData(
        f"field {place.path!r} of {shown!r} does not say which planes it holds; load its levels as arrays: "
        f"'{shown}/{place.path}/0'",
        path=shown,
    )


def _stored_pattern(store: str, *, shown: str) -> PathPattern:
    try:
        return PathPattern.of(str(document_of(store)["attributes"]["polystore"]["pattern"]))
    except FileNotFoundError as error:
        raise PathNotFound(f"there is no plate {shown!r}", path=shown) from error
    except (LookupError, TypeError, ValueError) as error:
        raise InvalidOption(
            f"plate {shown!r} does not tell how its planes were named; pass pattern="
        ) from error


def _stem(path: str) -> str:
    name = os.path.basename(path)
    return name.removesuffix(".zarr").removesuffix(".ome") or name
