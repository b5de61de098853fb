"""What a frame should look like, as far as its sender knows: axes, position in its layer, contrast."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.errors import InvalidOption
from polystore_core.paths import PathPattern, axis_rank, standard_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_streaming.wire import Frame

__all__ = ["axes_of", "contrast_of", "lacks_contrast", "place_in_layer"]

_SAMPLE = 4096
"""Pixels that contrast is estimated from: sorting them takes a few hundredths of a millisecond."""

_DEFAULT_AXES = ("t", "channel", "z", "y", "x")


def place_in_layer(
    path: str, pattern: str | PathPattern | None, layer: str | None
) -> tuple[str, dict[str, int | str]]:
    """Return the layer of a path and its position there.

    Raises
    ------
    InvalidPath
        If the path does not fit the pattern.

    Examples
    --------
    >>> from polystore_streaming.sender import place_in_layer
    >>> place_in_layer("plate/A01_s2_w1.tif", "{well}_s{site:d}_w{channel:d}.tif", None)
    ('plate', {'well': 'A01', 'field': 2, 'channel': 1})
    >>> place_in_layer("result.npy", None, None)
    ('result.npy', {})
    """
    if pattern is None:
        return layer or path, {}
    pattern = PathPattern.of(pattern)
    position = pattern.parse(path).by_axis()
    parts = path.split("/")
    folder = "/".join(parts[: -1 - pattern.text.count("/")])
    return layer or folder or "images", {axis: position[axis] for axis in sorted(position, key=axis_rank)}


def axes_of(array: np.ndarray[Any, Any], axes: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of an image's axes under their standard names.

    Without ``axes`` they are the last ones of t, channel, z, y, x, and an array of ``uint8`` that ends in
    3 or 4 holds colours.

    Raises
    ------
    InvalidOption
        If there is not one name per axis.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_streaming.sender import axes_of
    >>> axes_of(np.zeros((5, 64, 64)), None), axes_of(np.zeros((5, 2, 64, 64)), "zcyx")
    (('z', 'y', 'x'), ('z', 'channel', 'y', 'x'))
    >>> axes_of(np.zeros((64, 64, 3), np.uint8), None)
    ('y', 'x', 'rgb')
    """
    if axes is not None:
        named = tuple("rgb" if axis in {"s", "S", "rgb"} else standard_axis(axis) for axis in axes)
        if len(named) != array.ndim or len(set(named)) != array.ndim:
            raise InvalidOption(f"axes= names each of the {array.ndim} axes of the array once; got {axes!r}")
        return named
    if array.ndim > 2 and array.dtype == np.uint8 and array.shape[-1] in (3, 4):
        return (*_spatial(array.ndim - 1), "rgb")
    return _spatial(array.ndim)


def _spatial(count: int) -> tuple[str, ...]:
    further = tuple(f"axis{number}" for number in range(count - len(_DEFAULT_AXES)))
    if count == 4:
        return ("t", "z", "y", "x")
    return further + _DEFAULT_AXES[-min(count, len(_DEFAULT_AXES)) :]


def lacks_contrast(frame: Frame) -> bool:
    """Whether a frame shows intensities and nobody has said their limits of contrast."""
    return frame.role == "image" and frame.contrast is None and frame.axes[-1] != "rgb"


def contrast_of(array: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Estimate the limits of contrast from a sample of a few thousand pixels.

    They leave out a thousandth of the sample at either end; of a complex array its absolute value counts.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_streaming.sender import contrast_of
    >>> contrast_of(np.arange(1000, dtype=np.uint16).reshape(20, 50))
    (1.0, 998.0)
    """
    step = max(1, ceil((array.size / _SAMPLE) ** (1 / max(array.ndim, 1))))
    sample = array[(slice(None, None, step),) * array.ndim].ravel()
    if sample.dtype.kind == "b":
        return 0.0, 1.0
    if sample.dtype.kind == "c":
        sample = np.abs(sample)
    if sample.dtype.kind == "f":
        sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    sample = np.sort(sample)
    skipped = sample.size // 1000
    low, high = float(sample[skipped]), float(sample[-1 - skipped])
    return low, high if high > low else low + max(1.0, abs(low) * 1e-9)
