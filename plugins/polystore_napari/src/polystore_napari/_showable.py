"""What napari can be given: it takes more than it survives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_roi import Roi
    from polystore_streaming.viewer import Content, Image, Labels, Points, Regions

__all__ = ["check_coordinates", "check_pixels", "check_place", "check_regions", "is_length"]

SIZES = 1e-12, 1e12
"""Sizes of a pixel; the graphics card multiplies them in 32 bits."""

FARTHEST = 2**24
"""Shapes have coordinates of 32 bits, which tell no planes from their neighbours beyond this one."""

LARGEST = 1e6
"""Diameter of a point."""


def check_place(content: Content) -> None:
    """Refuse a frame whose pixels have a size or a unit that napari cannot draw in.

    Raises
    ------
    ValueError
        If it is so.
    """
    least, most = SIZES
    if not all(least <= step <= most for step in content.scale):
        raise ValueError(
            f"napari draws pixels of {least} to {most}, not {content.scale}; choose another unit= for scale="
        )
    if content.unit and not is_length(content.unit):
        raise ValueError(
            f"no unit of length {content.unit!r}; name one such as 'micrometer', or leave out unit="
        )


def check_pixels(frame: Image | Labels) -> None:
    """Refuse what has no pixels.

    Raises
    ------
    ValueError
        If it is so.
    """
    if 0 in frame.pixels.shape:
        raise ValueError(f"an array of shape {frame.pixels.shape} has no pixels to show")


def check_coordinates(points: Points) -> None:
    """Refuse points that lie nowhere, or are as large as everything.

    Raises
    ------
    ValueError
        If it is so.
    """
    coordinates = points.coordinates
    if coordinates.ndim != 2 or coordinates.dtype.kind not in "iuf":
        raise ValueError(f"points are rows of numbers, not {coordinates.dtype} of shape {coordinates.shape}")
    if not (np.abs(coordinates.astype(np.float64)) < FARTHEST).all():
        raise ValueError(
            f"points have finite coordinates in pixels, less than {FARTHEST} from the first one; drop those "
            "that are NaN or infinite, or lie farther"
        )
    if points.size is not None and points.size > LARGEST:
        raise ValueError(f"points are at most {LARGEST:.0f} pixels wide, not {points.size}")


def check_regions(regions: Regions, rois: Sequence[Roi]) -> None:
    """Refuse regions that lie where napari counts no pixels, or on planes that it cannot tell from others.

    Raises
    ------
    ValueError
        If there are some.
    """
    farthest = float(np.abs(regions.table["vertices"]).max(initial=0.0))
    if farthest >= FARTHEST:
        raise ValueError(f"regions reach to pixel {farthest:g}; napari counts less than {FARTHEST}")
    for roi in rois:
        if max(roi.z or 0, roi.t or 0) >= FARTHEST:
            raise ValueError(f"a region at z={roi.z}, t={roi.t}; napari tells planes apart up to {FARTHEST}")


def is_length(unit: str) -> bool:
    """Whether it is the name of a unit of length, or of pixels.

    napari has pint read it, as a formula: of one such as ``"9**9**9"`` it would compute the value.

    Examples
    --------
    >>> is_length("micrometer"), is_length("µm"), is_length("second"), is_length("9**9**9")
    (True, True, False, False)
    """
    import pint

    if not re.fullmatch(r"[^\W\d_]\w*", unit):
        return False
    registry: Any = pint.application_registry
    try:
        found = registry.parse_units(unit)
    except (pint.PintError, ValueError, AttributeError):
        return False
    return bool(found.is_compatible_with("meter") or found == registry.pixel)
