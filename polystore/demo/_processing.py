"""From an image to its background-corrected plane and its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core import UnsupportedData

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["correct_background", "label_objects", "plane_of"]

SMALLEST = 20
"""Pixels; what is smaller counts as noise."""


def plane_of(image: Array, path: str) -> Array:
    """Reduce an image to one plane.

    Colours become luminance (ITU-R BT.709); further axes are projected by their maximum.

    Parameters
    ----------
    image
        ``(Y, X)``, ``(Y, X, 3)``, ``(Y, X, 4)`` or ``(..., Y, X)``, real numbers.
    path
        For the message.

    Returns
    -------
    array
        ``(Y, X)``, float32.

    Raises
    ------
    UnsupportedData
        If it is no image.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore.demo._processing import plane_of
    >>> plane_of(np.ones((5, 20, 30), np.uint8), "stack.tif").shape
    (20, 30)
    """
    import numpy as np

    if not hasattr(image, "dtype") or image.ndim < 2 or image.dtype.kind not in "buif" or not image.size:
        raise UnsupportedData(
            f"{path!r} holds no image; leave it out, or name the images by --pattern", path=path
        )
    if image.ndim == 3 and image.shape[-1] in (3, 4) and image.dtype.kind == "u":
        weights = np.array([0.2126, 0.7152, 0.0722], np.float32)
        image = image[..., :3].astype(np.float32) @ weights
    while image.ndim > 2:
        image = image.max(axis=0)
    return np.nan_to_num(image.astype(np.float32))


def correct_background(plane: Array) -> Array:
    """Subtract what varies slowly: a morphological opening over a quarter of the image, smoothed.

    Parameters
    ----------
    plane
        ``(Y, X)``, float32.

    Returns
    -------
    array
        ``(Y, X)``, float32, nowhere negative.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore.demo._processing import correct_background
    >>> float(correct_background(np.full((64, 64), 7, np.float32)).max())
    0.0
    """
    import numpy as np
    from scipy import ndimage

    window = max(15, min(plane.shape) // 4)
    ground = ndimage.grey_opening(ndimage.gaussian_filter(plane, 1), size=window)
    corrected: Array = np.clip(plane - ndimage.uniform_filter(ground, window), 0, None)
    return corrected


def label_objects(corrected: Array) -> Array:
    """Label bright objects: Otsu's threshold, touching ones parted by a watershed on the distance transform.

    The threshold is found on square roots, in which the noise of counted photons is even, so that a few
    overexposed spots do not raise it for everything else.

    Parameters
    ----------
    corrected
        ``(Y, X)``, without background.

    Returns
    -------
    array
        ``(Y, X)``, uint16 or, beyond 65535 objects, uint32; 0 is background.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore.demo._processing import label_objects
    >>> plane = np.zeros((64, 64), np.float32)
    >>> plane[8:20, 8:20] = plane[40:52, 30:42] = 100
    >>> int(label_objects(plane).max())
    2
    """
    import numpy as np
    from scipy import ndimage
    from skimage.feature import peak_local_max
    from skimage.filters import threshold_otsu
    from skimage.segmentation import watershed

    if corrected.max() <= corrected.min():
        return np.zeros(corrected.shape, np.uint16)
    smooth = np.sqrt(ndimage.gaussian_filter(corrected, 1))
    mask = ndimage.binary_opening(ndimage.binary_fill_holes(smooth > threshold_otsu(smooth)))
    pieces, _ = ndimage.label(mask)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    mask = (areas >= SMALLEST)[pieces]
    if not mask.any():
        return np.zeros(corrected.shape, np.uint16)
    radius = np.sqrt(np.median(areas[areas >= SMALLEST]) / np.pi)
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), max(1, radius / 4))
    peaks = peak_local_max(
        depth, min_distance=max(2, int(radius)), labels=pieces * mask, exclude_border=False
    )
    seeds = np.zeros(corrected.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels: Array = watershed(-depth, seeds, mask=mask)
    return labels.astype(np.uint16 if len(peaks) <= np.iinfo(np.uint16).max else np.uint32)
