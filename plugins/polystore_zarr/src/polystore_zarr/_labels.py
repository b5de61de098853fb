"""Label images and the image beside which they lie: on the same pixels, in as many levels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from polystore_core import CorruptData, PathExists, PathNotFound, StorageError, UnsupportedData
from polystore_zarr._images import scale_of
from polystore_zarr._ngff import ome_of
from polystore_zarr._pyramid import count_levels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from polystore_zarr._plate_options import PlateOptions
    from polystore_zarr._plate_places import FieldPlace

    Array = np.ndarray[Any, Any]
    Read = Callable[[str], Mapping[str, Any]]

__all__ = ["ImageShape", "image_shape", "label_options", "refuse_another_image", "refuse_unfit_labels"]


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

    def __str__(self) -> str:
        levels = "1 level" if self.levels == 1 else f"{self.levels} levels"
        sizes = " x ".join(f"{self.steps.get(axis, 1.0):g}" for axis in ("y", "x"))
        return f"{self.height} x {self.width} pixels of {sizes} {self.unit or 'pixel'} in {levels}"

    @property
    def _sizes(self) -> tuple[float, float, str | None]:
        return self.steps.get("y", 1.0), self.steps.get("x", 1.0), self.unit

    def fits(self, image: ImageShape, new: ImageShape) -> bool:
        """Whether labels of an image are labels of a new one too.

        They are of other pixels than it only if they were before.
        """
        same = (self.height, self.width, self.levels) == (new.height, new.width, new.levels)
        return same and (self._sizes != image._sizes or self._sizes == new._sizes)

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

    @classmethod
    def wanted(cls, image: Array, options: PlateOptions) -> Self:
        """Return that of an image that is to be saved.

        Raises
        ------
        InvalidOption
            If the options do not fit the image.
        """
        scale = scale_of(options.pixel_size, options.unit, options.time_step)
        steps = {"z": scale.z, "y": scale.y, "x": scale.x, "t": scale.t}
        height, width = image.shape[-2:]
        return cls(height, width, count_levels(image.shape, options.levels), steps, scale.unit)


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


def image_shape(read: Read, shown: str, path: str) -> ImageShape:
    """Return what labels have to fit.

    Parameters
    ----------
    read
        Returns the document of the image, and of its levels by their paths.
    shown, path
        The store and the label plane, as the caller named them.

    Raises
    ------
    PathNotFound
        If there is no image.
    CorruptData
        If its documents cannot be read.
    """
    try:
        return ImageShape.of(read(""), read)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PathNotFound(
            f"{shown!r} has no image for the labels {path!r}; save the image of the field first", path=path
        ) from error
    except (ValueError, LookupError, TypeError) as error:
        raise CorruptData(
            f"the image in {shown!r} for the labels {path!r} cannot be read: {error}", path=path
        ) from error


def refuse_another_image(read: Read, expected: ImageShape, *, shown: str, path: str) -> None:
    """Refuse to put labels beside an image that took the place of the one that they were made for.

    Parameters
    ----------
    read
        As for :func:`image_shape`.
    expected
        Of the image that they were made for.
    shown, path
        The store and the label plane, as the caller named them.

    Raises
    ------
    StorageError
    """
    found = image_shape(read, shown, path)
    if not expected.fits(expected, found):
        raise StorageError(
            f"the image in {shown!r} was replaced while the labels {path!r} were saved: it has {found} now, "
            f"not {expected}. Save labels of the new image",
            path=path,
        )


def refuse_unfit_labels(
    read: Read, new: ImageShape, *, shown: str, place: FieldPlace, path: str, replaced: bool = False
) -> None:
    """Refuse an image beside which there are labels of another one.

    Parameters
    ----------
    read
        Returns the documents of what is in the field, by their paths.
    new
        Of the image that is to take the place of the one there.
    shown, place, path
        The store as the caller named it, the field, and its first plane.
    replaced
        Whether it has taken that place already.

    Raises
    ------
    PathExists
        If there are such labels.
    StorageError
        If they were saved while the image was replaced.
    CorruptData
        If the documents of labels cannot be read.
    """
    try:
        nodes = [f"labels/{name}" for name in ome_of(read("labels")["attributes"]).get("labels", [])]
        found = {node: ImageShape.of(read(node), _below(read, node)) for node in nodes}
        image = ImageShape.of(read(""), read)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CorruptData(
            f"the labels of field {place.path!r} of {shown!r} cannot be read: {error}. {_mend(shown, place)}",
            path=path,
        ) from error
    unfit = [(node, shape) for node, shape in found.items() if not shape.fits(image, new)]
    if not unfit:
        return
    node, shape = unfit[0]
    what = f"{node!r} of field {place.path!r} in {shown!r} has {shape}, and the new image {new}"
    if replaced:
        raise StorageError(f"{what}: both were saved at the same time. {_mend(shown, place)}", path=path)
    raise PathExists(f"{what}: labels and image would not fit. {_mend(shown, place)}", path=path)


def _below(read: Read, node: str) -> Read:
    return lambda level: read(f"{node}/{level}")


def _mend(shown: str, place: FieldPlace) -> str:
    return (
        f"Delete its labels first: fm.delete('{shown}/{place.path}/labels', backend='zarr', recursive=True)"
    )
