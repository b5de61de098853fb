"""Smaller versions of an image, for viewers that show the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from polystore_core import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = np.ndarray[Any, Any]

__all__ = ["Downsampling", "count_levels", "halved", "pyramid"]

Downsampling = Literal["mean", "nearest"]

_SMALL = 256


def count_levels(shape: tuple[int, ...], levels: int | None) -> int:
    """Return the number of levels: by default until an image is at most 256 pixels high and wide.

    Raises
    ------
    InvalidOption
        If more levels are wanted than the image can be halved.

    Examples
    --------
    >>> count_levels((1080, 1080), None), count_levels((100, 100), None), count_levels((100, 100), 3)
    (4, 1, 3)
    """
    size = max(shape[-2:])
    if levels is None:
        return 1 + max(0, (max(size, 1) - 1).bit_length() - _SMALL.bit_length() + 1)
    most = 1 + max(0, (max(size, 1) - 1).bit_length())
    if not 1 <= levels <= most:
        raise InvalidOption(
            f"levels takes 1 to {most} for an image of {shape[-2]} x {shape[-1]}; got {levels}"
        )
    return levels


def pyramid(image: Array, levels: int, method: Downsampling) -> Iterator[Array]:
    """Yield an image and its smaller versions.

    Parameters
    ----------
    image
        Shape (..., Y, X); the first level, as it is.
    levels
        How many, each half as high and wide (rounded up) as the one before.
    method
        As in :func:`halved`.
    """
    for level in range(levels):
        yield image
        if level + 1 < levels:
            image = halved(image, method)


def halved(image: Array, method: Downsampling) -> Array:
    """Return an image half as high and wide, of the same dtype.

    Parameters
    ----------
    image
        Shape (..., Y, X). An odd last row or column counts twice.
    method
        ``"mean"`` of 2 x 2 pixels, rounded for integers; ``"nearest"`` takes every second pixel, as labels
        need. Truth values are always taken so.

    Examples
    --------
    >>> import numpy as np
    >>> halved(np.array([[0, 1], [1, 1]], np.uint8), "mean")
    array([[1]], dtype=uint8)
    """
    if method == "nearest" or image.dtype == bool:
        return image[..., ::2, ::2]
    odd = [(0, 0)] * (image.ndim - 2) + [(0, size % 2) for size in image.shape[-2:]]
    if any(after for _, after in odd):
        image = np.pad(image, odd, mode="edge")
    wide = _wide(image.dtype)
    total = image[..., ::2, ::2].astype(wide)
    for y, x in ((0, 1), (1, 0), (1, 1)):
        total += image[..., y::2, x::2]
    if image.dtype.kind in "iu":
        total += 2
        total //= 4
    else:
        total /= 4
    return total.astype(image.dtype)


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a dtype that holds the sum of four pixels."""
    if dtype.kind in "iu":
        return np.dtype(f"{dtype.kind}{min(8, 2 * dtype.itemsize)}")
    return np.promote_types(dtype, np.float32)
