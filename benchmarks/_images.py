"""Images like those of a microscope: structure, and the noise of a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["field_images"]


def field_images(count: int, side: int) -> list[NDArray[np.uint16]]:
    """Return `count` images of shape ``(side, side)``, uint16, all different.

    A photograph that ships with scikit-image stands for the specimen, with a 12-bit range, shot noise
    and a camera offset of 100 counts.
    """
    from skimage.data import camera

    photograph = camera()
    repeats = -(-side // photograph.shape[0])
    specimen = np.tile(photograph, (repeats, repeats))[:side, :side] * 8.0
    random = np.random.default_rng(0)
    return [(random.poisson(np.roll(specimen, 7 * index)) + 100).astype(np.uint16) for index in range(count)]
