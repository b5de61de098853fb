"""A batch of planes becomes fields of a plate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from polystore_core import InvalidOption, InvalidPath, UnsupportedData
from polystore_core.paths import PathPattern
from polystore_zarr._dtypes import check_dtype
from polystore_zarr._images import AXES, stacked
from polystore_zarr._plate_places import check_label_name, fields_of, layout_for
from polystore_zarr._plate_targets import FieldBatch, FieldData

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_zarr._plate_options import PlateOptions
    from polystore_zarr._plate_places import FieldPlace
    from polystore_zarr._plate_targets import PlateTarget

    Array = np.ndarray[Any, Any]

__all__ = ["FieldWriter", "check_planes", "field_writer"]


class FieldWriter(NamedTuple):
    """What is needed to write any field of a batch, checked."""

    target: PlateTarget
    batch: FieldBatch
    fields: Mapping[FieldPlace, Sequence[int]]

    def write(self, place: FieldPlace, planes: Sequence[Array], paths: Sequence[str], *, threads: int) -> int:
        """Write one field and list it; return the bytes stored."""
        grid = self.batch.pattern.grid(paths, holes="allow")
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
        field = FieldData(place, image, values, paths[0], threads)
        labels = self.batch.options.labels
        if labels is None:
            return self.target.save_image(field, self.batch)
        return self.target.save_labels(field, labels, self.batch)


def field_writer(
    target: PlateTarget, paths: Sequence[str], options: PlateOptions, *, overwrite: bool
) -> FieldWriter:
    """Check a batch for a plate; nothing is written yet.

    Raises
    ------
    InvalidOption, InvalidPath
        If the options or paths do not describe planes of a plate.
    """
    store = options.store.rstrip("/")
    if not store.endswith(".zarr"):
        raise InvalidOption(
            f"store= names a directory that ends in .zarr: 'plate.ome.zarr'; got {options.store!r}"
        )
    if options.labels is not None:
        check_label_name(options.labels)
    pattern = PathPattern.of(options.pattern)
    check_acquisition(options)
    fields = fields_of(pattern, paths, options.acquisition)
    layout = layout_for([(place.row, place.column) for place in fields], options.layout)
    name = options.plate_name or pattern.parse(paths[0]).get("plate") or _stem(store)
    ngff = target.ngff(options.ngff, shown=options.store)
    if ngff == "0.4" and options.shards is not None:
        raise InvalidOption("shards= is for Zarr v3; OME-NGFF 0.4 is on Zarr v2, leave it out")
    batch = FieldBatch(options, pattern, str(name), layout, overwrite, ngff)
    return FieldWriter(target, batch, fields)


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


def _stem(path: str) -> str:
    name = os.path.basename(path)
    return name.removesuffix(".zarr").removesuffix(".ome") or name
