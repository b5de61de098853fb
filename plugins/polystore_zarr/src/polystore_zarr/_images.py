"""The planes of one field as an image with levels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core import InvalidOption, UnsupportedData
from polystore_zarr._array_writing import write_array
from polystore_zarr._codecs import encoding_of
from polystore_zarr._grid import grid_of
from polystore_zarr._groups import write_group
from polystore_zarr._looks import channel_looks
from polystore_zarr._ngff import zarr_format_of
from polystore_zarr._pyramid import count_levels, pyramid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from polystore_zarr._array_writing import ArrayTarget
    from polystore_zarr._ngff import Ngff
    from polystore_zarr._plate_metadata import Scale
    from polystore_zarr._plate_options import PlateOptions
    from polystore_zarr._plate_targets import FieldData

    Array = np.ndarray[Any, Any]

__all__ = ["AXES", "scale_of", "stacked", "write_image", "write_levels"]

AXES = {"t": "t", "channel": "c", "z": "z"}
"""Axes of file names -> axes of OME-NGFF."""


def write_image(staged: str, field: FieldData, options: PlateOptions, *, ngff: Ngff = "0.5") -> int:
    """Write an image, or a label image, with all its levels into an empty directory.

    Parameters
    ----------
    staged
        Exists and is nobody else's.
    field
        What to write; its place goes into the name of the image.
    options
        Of the save.
    ngff
        Version of OME-NGFF.

    Returns
    -------
    int
        Bytes stored.
    """

    def directory(level: str) -> str:
        os.mkdir(f"{staged}/{level}")
        return f"{staged}/{level}"

    size, attributes = write_levels(directory, field, options, ngff=ngff, prefix="")
    write_group(staged, attributes, zarr_format_of(ngff))
    return size


def write_levels(
    target: Callable[[str], str | ArrayTarget],
    field: FieldData,
    options: PlateOptions,
    *,
    ngff: Ngff,
    prefix: str,
) -> tuple[int, dict[str, Any]]:
    """Write the levels of an image; return the bytes stored and the attributes of their group.

    Parameters
    ----------
    target
        Called with the name of each level, ``"0"`` and so on; returns where to write its array.
    field, options, ngff
        As for :func:`write_image`.
    prefix
        What stands before the names of the levels in the attributes.
    """
    from polystore_zarr._plate_metadata import image_attributes, label_attributes

    place, image, values = field.place, field.pixels, field.values
    method = options.downsampling or ("mean" if options.labels is None else "nearest")
    axes = [AXES[axis] for axis in values] + ["y", "x"]
    count = count_levels(image.shape, options.levels)
    encoding = encoding_of(
        compression=options.compression,
        level=options.level,
        codecs=options.codecs,
        itemsize=image.itemsize,
        zarr_format=zarr_format_of(ngff),
    )
    size = 0
    smallest = image
    for number, smaller in enumerate(pyramid(image, count, method)):
        grid = grid_of(smaller.shape, image.itemsize, chunks=options.chunks, shards=options.shards)
        size += write_array(
            smaller,
            target(str(number)),
            grid=grid,
            encoding=encoding,
            axes=axes,
            threads=field.threads,
            zarr_format=zarr_format_of(ngff),
            engine=options.engine or "zarr-python",
        )
        smallest = smaller
    attributes = image_attributes(
        " ".join(filter(None, (place.well.replace("/", ""), place.name, options.labels))),
        axes,
        scale_of(options.pixel_size, options.unit, options.time_step),
        ngff=ngff,
        paths=[f"{prefix}{number}" for number in range(count)],
        centred=method == "mean" and image.dtype != bool,
        channels=channel_looks(
            smallest, axes, values.get("channel", ()), options.channel_names, options.channel_colors
        ),
        method=method,
    )
    if options.labels is not None:
        attributes = label_attributes(attributes, ngff)
    ours: dict[str, Any] = {"values": {axis: list(values[axis]) for axis in values}}
    if place.acquisition is not None:
        ours["acquisition"] = place.acquisition
    return size, {**attributes, "polystore": ours}


def scale_of(pixel_size: float | Sequence[float] | None, unit: str | None, time_step: float) -> Scale:
    """Return the scale of an image from what the caller gave: one size, (y, x) or (z, y, x)."""
    from polystore_zarr._plate_metadata import Scale

    if pixel_size is None:
        return Scale(t=time_step, unit=unit)
    sizes = [pixel_size] * 2 if isinstance(pixel_size, int | float) else list(pixel_size)
    if len(sizes) not in (2, 3) or not all(size > 0 for size in sizes):
        raise InvalidOption(f"pixel_size takes one size, (y, x) or (z, y, x), above 0; got {pixel_size!r}")
    z, y, x = [1.0, *sizes] if len(sizes) == 2 else sizes
    return Scale(z, y, x, time_step, unit or "micrometer")


def stacked(
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
