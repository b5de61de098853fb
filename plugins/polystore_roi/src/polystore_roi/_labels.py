"""Label images as regions, and regions as label images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from polystore_core.errors import InvalidOption, UnsupportedData
from polystore_roi._assembling import PLAIN, assembled
from polystore_roi._loss import LossReport
from polystore_roi._outlines import outlines
from polystore_roi._raster import covers_whole_pixels, has_inside, pixels
from polystore_roi._roi import Roi
from polystore_roi._shapes import Composite, Mask, Polygon

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, DTypeLike

    from polystore_roi._assembling import AttributeValues
    from polystore_roi._napari._rows import Axis

    Array = np.ndarray[Any, Any]
    _Position = tuple[int | None, int | None, int | None]

__all__ = ["labels_from_rois", "rois_from_labels"]

LABEL = "label"
"""The property that holds the label of a region."""

_USUAL_AXES: dict[int, tuple[Axis, ...]] = {2: (), 3: ("z",), 5: ("t", "c", "z")}
_SPARSE = 4
"""Labels up to so many times the number of pixels are looked up in a list."""


def rois_from_labels(
    labels: ArrayLike, *, kind: Literal["mask", "polygon"] = "mask", leading: Sequence[Axis] | None = None
) -> list[Roi]:
    """Return a region for each object of each plane of a label image.

    Parameters
    ----------
    labels
        Integers or bool (..., Y, X), 0 for background. Nothing of it is kept.
    kind
        ``"mask"`` gives the pixels of each object within the box around it; ``"polygon"`` the outline along
        the edges of its pixels, with holes, and a composite of polygons if it has several parts. Both are
        exact.
    leading
        Axes before Y and X, of ``"c"``, ``"z"`` and ``"t"``; ``None`` takes ``("z",)`` for three axes and
        ``("t", "c", "z")`` for five.

    Returns
    -------
    list of Roi
        Plane by plane, by label; named after the label, which is also their property ``"label"``.

    Raises
    ------
    UnsupportedData
        If it is no label image.

    Notes
    -----
    Memory beyond the result stays at a few times the size of one plane, however many objects there are.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_roi import rois_from_labels
    >>> labels = np.array([[1, 1, 0], [1, 0, 2]])
    >>> rois_from_labels(labels, kind="polygon")[1]
    Polygon([[1, 3], [2, 3], [2, 2], [1, 2]], name='2', properties={'label': 2})
    """
    image = np.asarray(labels)
    if image.dtype.kind not in "biu" or image.ndim < 2:
        raise UnsupportedData(
            f"a label image holds integers in (..., Y, X); got {image.dtype} of shape {image.shape}"
        )
    if image.size and image.min() < 0:
        raise UnsupportedData(
            "a label image holds 0 for background and positive labels; this one has a negative"
        )
    if kind not in ("mask", "polygon"):
        raise InvalidOption(f"kind is 'mask' or 'polygon'; got {kind!r}")
    axes = _axes(image.ndim, leading)
    extract = _masks if kind == "mask" else _polygons
    rois: list[Roi] = []
    for place in np.ndindex(image.shape[:-2]):
        plane = image[place].view(np.uint8) if image.dtype == np.bool_ else image[place]
        at = dict(zip(axes, place, strict=True))
        rois += extract(plane, (at.get("c"), at.get("z"), at.get("t")))
    return rois


def labels_from_rois(
    rois: Iterable[Roi],
    shape: Sequence[int],
    *,
    leading: Sequence[Axis] | None = None,
    dtype: DTypeLike | None = None,
) -> tuple[np.ndarray[Any, Any], LossReport]:
    """Return a label image of regions: the exact inverse of :func:`rois_from_labels`.

    A pixel belongs to a region if its centre lies inside. A region keeps the label in its property
    ``"label"``; one without it gets the next free number. Where regions overlap, the later one stays.

    Parameters
    ----------
    rois
        The regions.
    shape
        Shape (..., Y, X) of the image.
    leading
        Axes before Y and X, as for :func:`rois_from_labels`. A region that belongs to all planes of an axis
        is drawn on all of them.
    dtype
        An integer type that holds all labels; ``None`` takes int32, or int64 or uint64 if it is too small.

    Returns
    -------
    labels : numpy.ndarray
        A new array, 0 for background.
    losses : LossReport
        What a label image cannot hold: lines, points and text, outlines between pixels, overlaps, what lies
        outside, names and colours.

    Raises
    ------
    UnsupportedData
        If ``dtype`` cannot hold a label, or a single region is given.
    InvalidOption
        If ``shape`` is no shape (..., Y, X), or its leading axes are not known.

    Examples
    --------
    >>> from polystore_roi import Rectangle, labels_from_rois
    >>> labels, losses = labels_from_rois([Rectangle(0, 1, 1, 2)], (2, 4))
    >>> labels, bool(losses)
    (array([[0, 1, 1, 0],
           [0, 0, 0, 0]], dtype=int32), False)
    """
    if isinstance(rois, Roi):
        raise UnsupportedData(f"a single {type(rois).__name__} is not a list of ROIs; type [roi]")
    listed = list(rois)
    sizes = _sizes(shape)
    axes = _axes(len(sizes), leading)
    numbers = _numbers(listed)
    image = np.zeros(sizes, _dtype(numbers, dtype))
    losses = [(roi, list(_draw(image, roi, label, axes))) for roi, label in zip(listed, numbers, strict=True)]
    return image, LossReport.of("a label image", losses)


def _sizes(shape: object) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, Sequence) else ()
    if len(sizes) < 2 or not all(isinstance(size, (int, np.integer)) and size >= 0 for size in sizes):
        raise InvalidOption(f"shape takes (..., Y, X), such as image.shape; got {shape!r}")
    return sizes


def _axes(ndim: int, leading: Sequence[Axis] | None) -> Sequence[Axis]:
    axes = _USUAL_AXES.get(ndim) if leading is None else tuple(leading)
    if axes is None:
        raise InvalidOption(f"name the {ndim - 2} leading axes of the labels: leading=('t', 'z') for example")
    if len(axes) != ndim - 2 or len({*axes}) != len(axes) or not {*axes} <= {"c", "z", "t"}:
        raise InvalidOption(
            f"leading names the {ndim - 2} axes before Y and X, of 'c', 'z' and 't', each once; got {axes!r}"
        )
    return axes


def _masks(plane: Array, position: _Position) -> Iterator[Roi]:
    """Yield the mask of each object, cut from the plane."""
    numbered, objects = _objects(plane)
    corners = [
        ((rows.start, columns.start), (rows.stop - rows.start, columns.stop - columns.start))
        for _, _, (rows, columns) in objects
    ]
    origins = np.array(corners, np.float64)
    origins.flags.writeable = False
    for (number, label, box), origin in zip(objects, origins, strict=True):
        mask = numbered[box] == number
        mask.flags.writeable = False
        yield assembled(Mask, (origin,), _attributes(label, position), mask=mask)


def _objects(plane: Array) -> tuple[Array, list[tuple[int, int, tuple[slice, slice]]]]:
    """Return an image of numbers, and for each object its number there, its label, and the box around it."""
    from scipy.ndimage import find_objects

    highest = int(plane.max(initial=0))
    if not highest:
        return plane, []
    if highest <= _SPARSE * plane.size:
        labels, indices = None, plane
    else:
        labels, inverse = np.unique(plane, return_inverse=True)
        indices = inverse.reshape(plane.shape).astype(np.int32)
        if labels[0] != 0:
            labels, indices = np.concatenate([labels[:1], labels]), indices + 1
    native = (
        indices.astype(np.int64) if indices.dtype.kind == "u" and indices.dtype.itemsize == 8 else indices
    )
    return native, [
        (number, number if labels is None else int(labels[number]), box)
        for number, box in enumerate(find_objects(native), start=1)
        if box is not None
    ]


def _polygons(plane: Array, position: _Position) -> Iterator[Roi]:
    """Yield the outline of each object."""
    for label, parts in groupby(outlines(plane), key=attrgetter("label")):
        found = [(part.outer, *part.holes) for part in parts]
        values = _attributes(label, position)
        if len(found) == 1:
            yield assembled(Polygon, found[0], values)
        else:
            members = tuple(assembled(Polygon, rings, PLAIN) for rings in found)
            yield assembled(Composite, (), values, parts=members)


def _attributes(label: int, position: _Position) -> AttributeValues:
    return str(label), None, None, *position, f'{{"{LABEL}":{label}}}'


def _numbers(rois: Sequence[Roi]) -> list[int]:
    """Return the label of each region: its own, or one that no other has."""
    own = [_own_label(roi) for roi in rois]
    taken = {label for label in own if label is not None}
    free = (label for label in count(1) if label not in taken)
    return [next(free) if label is None else label for label in own]


def _own_label(roi: Roi) -> int | None:
    label = roi.properties.get(LABEL)
    return label if type(label) is int and 0 < label < 2**64 else None


def _dtype(numbers: Sequence[int], dtype: DTypeLike | None) -> np.dtype[Any]:
    highest = max(numbers, default=0)
    if dtype is None:
        return next(
            np.dtype(kind) for kind in (np.int32, np.int64, np.uint64) if highest <= np.iinfo(kind).max
        )
    chosen = np.dtype(dtype)
    if chosen.kind not in "iu" or highest > np.iinfo(chosen).max:
        raise UnsupportedData(f"labels up to {highest} need an integer type that holds them; got {chosen}")
    return chosen


def _draw(image: Array, roi: Roi, label: int, axes: Sequence[Axis]) -> Iterator[str]:
    """Draw a region; yield what the image cannot hold of it."""
    yield from _unheld(roi, label, axes)
    where = tuple(
        slice(None) if at is None else slice(at, at + 1) for at in (getattr(roi, axis) for axis in axes)
    )
    planes = image[where]
    covered = pixels(roi, (image.shape[-2], image.shape[-1])) if planes.size else None
    if covered is None:
        if has_inside(roi):
            yield "a place outside of the image"
        return
    y, x, mask = covered
    target = planes[..., y : y + mask.shape[0], x : x + mask.shape[1]]
    others = int(np.count_nonzero((target != 0) & (target != label) & mask))
    if others:
        yield f"an overlap: {others} pixels were those of earlier regions"
    np.copyto(target, label, where=mask)
    top, left, bottom, right = roi.bounds
    if top < 0 or left < 0 or bottom > image.shape[-2] or right > image.shape[-1]:
        yield "what of it lies outside of the image"


def _unheld(roi: Roi, label: int, axes: Sequence[Axis]) -> Iterator[str]:
    if not has_inside(roi):
        yield "lines, points or text, which cover no pixels"
    elif not covers_whole_pixels(roi):
        yield "an outline between pixels; those whose centres lie inside are filled"
    for axis in ("c", "z", "t"):
        if getattr(roi, axis) is not None and axis not in axes:
            yield f"its plane on {axis}, an axis that the image does not have"
    beyond = roi.stroke or roi.fill or roi.name not in ("", str(label)) or roi.properties.keys() - {LABEL}
    if beyond:
        yield "name, colours or properties"
