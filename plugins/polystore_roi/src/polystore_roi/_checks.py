"""Turning what a caller gives into the plain values that a ROI is made of, or saying what is wrong."""

from __future__ import annotations

import json
import math
import operator
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from polystore_core.data import normalize
from polystore_core.errors import UnsupportedData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

__all__ = [
    "HIGHEST_PLANE",
    "LARGEST",
    "Coordinates",
    "canonical",
    "color",
    "coordinates",
    "number",
    "plane",
    "properties_text",
    "text",
]

Coordinates: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

LARGEST = 2.0**53
"""Coordinates lie between minus and plus this: beyond it, float64 no longer tells one pixel from the next."""

_COLOR = re.compile(r"#[0-9a-f]{6}(?:[0-9a-f]{2})?")
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
HIGHEST_PLANE = 2**31 - 2
"""The highest index of a plane: ImageJ counts them from 1 in 32 bits."""


def coordinates(given: ArrayLike, what: str, *, at_least: int) -> Coordinates:
    """Return a read-only float64 array of shape (N, 2), a copy, with no negative zeros.

    Raises
    ------
    UnsupportedData
        If it has another shape, fewer than ``at_least`` rows, or values that are no finite coordinates.
    """
    try:
        array = np.array(given, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise UnsupportedData(f"{what} are numbers of shape (N, 2), y before x: {error}") from error
    if array.ndim != 2 or array.shape[1] != 2:
        raise UnsupportedData(f"{what} have the shape (N, 2), y before x; got {array.shape}")
    if len(array) < at_least:
        raise UnsupportedData(f"{what} are {at_least} or more; got {len(array)}")
    if not (np.abs(array) <= LARGEST).all():
        raise UnsupportedData(f"{what} are finite and at most 2**53 in size; one of them is not")
    array += 0.0
    array.flags.writeable = False
    return array


def number(given: float, what: str, *, least: float = -LARGEST) -> float:
    """Return a finite float that is at least ``least``."""
    try:
        value = float(given) + 0.0
    except (TypeError, ValueError, OverflowError) as error:
        raise UnsupportedData(f"{what} is a number; got {given!r}") from error
    if not math.isfinite(value) or not least <= value <= LARGEST:
        raise UnsupportedData(f"{what} is a finite number of at least {least:g}; got {given!r}")
    return value


def plane(given: int | None, axis: str) -> int | None:
    """Return the index of a plane along an axis, or ``None`` for all of them."""
    if given is None:
        return None
    try:
        index = operator.index(given)
    except TypeError:
        raise UnsupportedData(
            f"{axis} is the index of a plane from 0, or None for all; got {given!r}"
        ) from None
    if isinstance(given, bool) or not 0 <= index <= HIGHEST_PLANE:
        raise UnsupportedData(f"{axis} is the index of a plane from 0, or None for all; got {given!r}")
    return index


def color(given: str | None, what: str) -> str | None:
    """Return a colour as ``#rrggbb``, or ``#rrggbbaa`` if it is not opaque."""
    if given is None:
        return None
    value = str(given).lower()
    if not _COLOR.fullmatch(value):
        raise UnsupportedData(f"{what} is a colour such as '#ff8000' or '#ff800080'; got {given!r}")
    return value.removesuffix("ff") if len(value) == 9 else value


def text(given: str, what: str) -> str:
    """Return plain text that UTF-8 can hold."""
    if type(given) is not str:
        raise UnsupportedData(f"{what} is a str; got {given!r}")
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise UnsupportedData(f"{what} is no text that UTF-8 can hold: {given!r}") from error
    return given


def properties_text(given: Mapping[str, Any] | None) -> str:
    """Return properties as the one JSON text that stands for them: equal properties, equal text."""
    if not given:
        return "{}"
    plain = dict(given)
    try:
        normalize(plain)
    except UnsupportedData as error:
        raise UnsupportedData(f"properties are JSON values under str keys: {error}") from error
    return canonical(plain)


def canonical(plain: dict[str, Any]) -> str:
    """Return the one text of an object that is known to be JSON, or was read from JSON."""
    if not plain:
        return "{}"
    try:
        written = _encode(plain)
    except (ValueError, RecursionError) as error:
        raise UnsupportedData(f"properties are JSON values under str keys: {error}") from error
    return text(written, "the text within properties")
