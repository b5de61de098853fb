"""The planes of one field as an image with levels."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from polystore_core import InvalidOption, UnsupportedData
from polystore_zarr._arrays import write_array
from polystore_zarr._codecs import encoding_of
from polystore_zarr._grid import grid_of
from polystore_zarr._groups import write_group
from polystore_zarr._looks import channel_looks
from polystore_zarr._ngff import ome_of, zarr_format_of
from polystore_zarr._pyramid import count_levels, pyramid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from polystore_zarr._arrays import ArrayTarget
    from polystore_zarr._ngff import Ngff
    from polystore_zarr._plate_metadata import Scale
    from polystore_zarr._plate_options import PlateOptions
    from polystore_zarr._plate_places import FieldPlace

    Array = np.ndarray[Any, Any]

__all__ = ["AXES", "ImageShape", "label_options", "stacked", "write_image", "write_levels"]

AXES = {"t": "t", "channel": "c", "z": "z"}
"""Axes of file names -> axes of OME-NGFF."""


class ImageShape(NamedTuple):
    """What labels have to fit.

    Attributes
    ----------
    height, width
        Of the image in pixels.
    levels
        How many there are.
    steps
        Size of a pixel, or time step, by axis of OME-NGFF.
    unit
        Of length; ``None`` for pixels.
    """

    height: int
    width: int
    levels: int
    steps: Mapping[str, float]
    unit: str | None

    @classmethod
    def of(cls, document: Mapping[str, Any], level_document: Callable[[str], Mapping[str, Any]]) -> Self:
        """Read it from the document of an image, and that of its first level.

        Raises
        ------
        LookupError, TypeError, ValueError
            If they are not those of an image.
        """
        multiscale = ome_of(document["attributes"])["multiscales"][0]
        datasets, axes = multiscale["datasets"], multiscale["axes"]
        height, width = level_document(str(datasets[0]["path"]))["shape"][-2:]
        steps = datasets[0]["coordinateTransformations"][0]["scale"]
        named = {axis["name"]: float(step) for axis, step in zip(axes, steps, strict=True)}
        return cls(height, width, len(datasets), named, axes[-1].get("unit"))


def label_options(options: PlateOptions, labels: Array, image: ImageShape, *, path: str) -> PlateOptions:
    """Return the options of a save of labels, with what they share with their image.

    Raises
    ------
    UnsupportedData
        If they are no labels of that image.
    """
    if labels.dtype.kind not in "iu" or labels.shape[-2:] != (image.height, image.width):
        raise UnsupportedData(
            f"{path!r}: labels are whole numbers, as high and wide as their image "
            f"{image.height, image.width}; got {labels.shape[-2:]} {labels.dtype}",
            path=path,
        )
    options = replace(options, levels=image.levels)
    if options.pixel_size is None and image.unit is not None:
        sizes = [image.steps.get(axis, 1.0) for axis in ("z", "y", "x")]
        options = replace(options, pixel_size=sizes, unit=options.unit or image.unit)
    return replace(options, time_step=image.steps.get("t", options.time_step))


def write_image(
    staged: str,
    image: Array,
    values: Mapping[str, Sequence[int | str]],
    place: FieldPlace,
    options: PlateOptions,
    *,
    threads: int,
    ngff: Ngff = "0.5",
) -> int:
    """Write an image, or a label image, with all its levels into an empty directory.

    Parameters
    ----------
    staged
        Exists and is nobody else's.
    image
        As :func:`stacked` returns it.
    values
        Of each axis before y and x, in the pattern's words.
    place
        Of the field; goes into the name of the image.
    options
        Of the save.
    threads
        How many chunks may be encoded at a time.
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

    size, attributes = write_levels(
        directory, image, values, place, options, threads=threads, ngff=ngff, prefix=""
    )
    write_group(staged, attributes, zarr_format_of(ngff))
    return size


def write_levels(
    target: Callable[[str], str | ArrayTarget],
    image: Array,
    values: Mapping[str, Sequence[int | str]],
    place: FieldPlace,
    options: PlateOptions,
    *,
    threads: int,
    ngff: Ngff,
    prefix: str,
) -> tuple[int, dict[str, Any]]:
    """Write the levels of an image; return the bytes stored and the attributes of their group.

    Parameters
    ----------
    target
        Called with the name of each level, ``"0"`` and so on; returns where to write its array.
    image, values, place, options, threads, ngff
        As for :func:`write_image`.
    prefix
        What stands before the names of the levels in the attributes.
    """
    from polystore_zarr._plate_metadata import image_attributes, label_attributes

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
            threads=threads,
            zarr_format=zarr_format_of(ngff),
            engine=options.engine or "zarr-python",
        )
        smallest = smaller
    attributes = image_attributes(
        " ".join(filter(None, (place.well.replace("/", ""), place.name, options.labels))),
        axes,
        _scale_of(options.pixel_size, options.unit, options.time_step),
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


def _scale_of(pixel_size: float | Sequence[float] | None, unit: str | None, time_step: float) -> Scale:
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
