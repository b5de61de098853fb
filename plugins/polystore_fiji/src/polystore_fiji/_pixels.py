"""Pixels as ImageJ keeps them, and the way into its arrays and back."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jpype
import numpy as np

from polystore_fiji._java import java

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]

__all__ = [
    "COLOR",
    "FLOAT",
    "SHORT",
    "PixelForm",
    "copy_in",
    "copy_out",
    "form_of",
    "form_with",
    "new_array",
    "packed",
]

_PIECE = 2**28
"""Elements that are copied at once: Java counts the bytes of a buffer with 31 bits."""


@dataclass(frozen=True, slots=True)
class PixelForm:
    """One of ImageJ's four kinds of image.

    Attributes
    ----------
    dtype
        Data type of the pixels to the outside; uint8 for colours.
    stored
        Data type of the bits in Java's array, little-endian.
    bits
        What ImageJ calls the bit depth.
    primitive
        Java's element type.
    view
        Name of the method that makes a view of this type of a ``ByteBuffer``; empty for bytes.
    """

    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    bits: int
    primitive: str
    view: str


BYTE = PixelForm(np.dtype(np.uint8), np.dtype("u1"), 8, "byte", "")
SHORT = PixelForm(np.dtype(np.uint16), np.dtype("<u2"), 16, "short", "asShortBuffer")
FLOAT = PixelForm(np.dtype(np.float32), np.dtype("<f4"), 32, "float", "asFloatBuffer")
COLOR = PixelForm(np.dtype(np.uint8), np.dtype("<u4"), 24, "int", "asIntBuffer")

_EXACT = {
    "bool": BYTE,
    "uint8": BYTE,
    "uint16": SHORT,
    "int8": FLOAT,
    "int16": FLOAT,
    "float16": FLOAT,
    "float32": FLOAT,
}
_PRIMITIVES: dict[str, Callable[[], Any]] = {
    "byte": lambda: jpype.JByte,
    "short": lambda: jpype.JShort,
    "int": lambda: jpype.JInt,
    "float": lambda: jpype.JFloat,
}


def form_of(dtype: np.dtype[Any], *, is_rgb: bool = False) -> PixelForm:
    """Return the form that holds every value of a data type exactly.

    Raises
    ------
    ValueError
        If there is none.
    """
    if is_rgb:
        if dtype != np.uint8:
            raise ValueError(
                f"ImageJ has colours of 8 bits, these are {dtype}; "
                "save red, green and blue as channels, or image.astype('uint8') after scaling"
            )
        return COLOR
    form = _EXACT.get(dtype.name)
    if form is None:
        raise ValueError(
            f"ImageJ shows uint8, uint16 and float32, which do not hold every {dtype}; say which: "
            "image.astype('float32') or image.astype('uint16')"
        )
    return form


def form_with(bits: int) -> PixelForm:
    """Return the form of an image of ImageJ by its bit depth."""
    return {form.bits: form for form in (BYTE, SHORT, FLOAT, COLOR)}[bits]


def packed(plane: Array, form: PixelForm) -> Array:
    """Return a plane with the bits that ImageJ keeps, C-contiguous; a view where nothing changes.

    Parameters
    ----------
    plane
        (Y, X), or (Y, X, 3) or (Y, X, 4) for colours, of a data type that the form holds exactly.
    """
    if form is not COLOR:
        return np.ascontiguousarray(plane, dtype=form.stored)
    height, width, samples = plane.shape
    bgra = np.empty((height, width, 4), np.uint8)
    bgra[..., 0], bgra[..., 1], bgra[..., 2] = plane[..., 2], plane[..., 1], plane[..., 0]
    bgra[..., 3] = plane[..., 3] if samples == 4 else 255
    return bgra.view(form.stored)[..., 0]


def new_array(form: PixelForm, size: int) -> Any:
    """Make a Java array of zeros."""
    return jpype.JArray(_PRIMITIVES[form.primitive]())(size)


def copy_in(target: Any, plane: Array, form: PixelForm, *, piece: int = _PIECE) -> None:
    """Copy a packed plane into a Java array, in bulk.

    Nothing keeps hold of the plane's memory afterwards.
    """
    # A buffer over the array itself would pin its memory until Java collects garbage; this one pins nothing.
    alias = (ctypes.c_char * plane.nbytes).from_address(plane.ctypes.data)
    whole = memoryview(alias).cast("B")
    for start in range(0, plane.size, piece):
        count = min(piece, plane.size - start)
        first = start * form.stored.itemsize
        part = whole[first : first + count * form.stored.itemsize]
        source = jpype.nio.convertToDirectBuffer(part).order(java("java.nio.ByteOrder").LITTLE_ENDIAN)
        view = getattr(source, form.view)() if form.view else source
        view.get(target, start, count)


def copy_out(source: Any, form: PixelForm, shape: tuple[int, int], samples: int = 3) -> Array:
    """Return a new array (Y, X), or (Y, X, samples) for colours, from a Java array."""
    bits = np.array(source).view(form.stored.newbyteorder("=")).reshape(shape)
    if form is not COLOR:
        return bits.astype(form.dtype, copy=False)
    bgra = bits.astype("<u4", copy=False).view(np.uint8).reshape(*shape, 4)
    return np.ascontiguousarray(bgra[..., [2, 1, 0, 3][:samples]])
