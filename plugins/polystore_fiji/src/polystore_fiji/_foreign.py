"""Images that the user opened in ImageJ."""

from __future__ import annotations

from typing import Any

import numpy as np

from polystore_fiji._pixels import copy_out, form_with

__all__ = ["describe_image", "read_image"]


def describe_image(imp: Any) -> dict[str, Any]:
    """Describe an ``ij.ImagePlus`` as JSON values."""
    form = form_with(int(imp.getBitDepth()))
    planes, colored = int(imp.getStackSize()), form.bits == 24
    lead, samples = ([planes], ["plane"]) if planes > 1 else ([], []), ([3], ["rgb"]) if colored else ([], [])
    return {
        "name": str(imp.getTitle()),
        "kind": "image",
        "visible": bool(imp.isVisible()),
        "shape": [*lead[0], int(imp.getHeight()), int(imp.getWidth()), *samples[0]],
        "dtype": str(form.dtype),
        "axes": [*lead[1], "y", "x", *samples[1]],
        "contrast": [float(imp.getDisplayRangeMin()), float(imp.getDisplayRangeMax())],
        "window": str(imp.getTitle()),
    }


def read_image(imp: Any) -> np.ndarray[Any, Any]:
    """Return the pixels of an ``ij.ImagePlus``, with the planes of a stack along the first axis."""
    form, stack = form_with(int(imp.getBitDepth())), imp.getStack()
    size = int(imp.getHeight()), int(imp.getWidth())
    planes = [copy_out(stack.getPixels(index + 1), form, size) for index in range(imp.getStackSize())]
    return planes[0] if len(planes) == 1 else np.stack(planes)
