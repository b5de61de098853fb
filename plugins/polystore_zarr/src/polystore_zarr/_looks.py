"""How the channels of an image shall look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_zarr._plate_metadata import ChannelLook

__all__ = ["channel_looks"]

_COLORS = ("0000FF", "00FF00", "FF0000", "FF00FF", "00FFFF", "FFFF00", "FFFFFF")
_color = re.compile("#?([0-9a-fA-F]{6})").fullmatch


def channel_looks(
    image: np.ndarray[Any, Any],
    axes: Sequence[str],
    values: Sequence[int | str],
    names: Sequence[str] | None,
    colors: Sequence[str] | None,
) -> list[ChannelLook]:
    """Return name, colour and limits of contrast of each channel.

    Parameters
    ----------
    image
        A small version of the image; the limits are its 0.1 and 99.9 percentiles.
    axes
        Of the image; one of them may be ``"c"``.
    values
        Of the channels, in the pattern: their names if ``names`` is ``None``.
    names, colors
        One for each channel.

    Raises
    ------
    InvalidOption
        If there are not as many as channels, or a colour is not ``RRGGBB``.
    """
    from polystore_zarr._plate_metadata import ChannelLook

    place = list(axes).index("c") if "c" in axes else None
    count = 1 if place is None else image.shape[place]
    labels = [str(value) for value in values] or ["0"]
    for option, given in (("channel_names", names), ("channel_colors", colors)):
        if given is not None and len(given) != count:
            raise InvalidOption(f"{option} takes one for each of {count} channels; got {list(given)!r}")
    looks = []
    for number in range(count):
        channel = image if place is None else np.take(image, number, axis=place)
        lowest, highest, start, end = _limits(channel)
        default = "FFFFFF" if count == 1 else _COLORS[number % len(_COLORS)]
        color = _hexadecimal(default if colors is None else colors[number])
        label = labels[number] if names is None else names[number]
        looks.append(ChannelLook(label, color, lowest, highest, start, end))
    return looks


def _limits(channel: np.ndarray[Any, Any]) -> tuple[float, float, float, float]:
    if channel.dtype.kind in "iu":
        info = np.iinfo(channel.dtype)
        lowest, highest = float(info.min), float(info.max)
    else:
        lowest, highest = 0.0, 1.0
    real = np.abs(channel) if channel.dtype.kind == "c" else channel
    finite = real[np.isfinite(real)] if real.dtype.kind == "f" else real
    if finite.size == 0 or finite.dtype.kind not in "iuf":
        return lowest, highest, lowest, highest
    start, end = (float(limit) for limit in np.percentile(finite.astype(np.float64), (0.1, 99.9)))
    return min(lowest, start), max(highest, end), start, end


def _hexadecimal(color: str) -> str:
    match = _color(color)
    if match is None:
        raise InvalidOption(
            f"channel_colors takes colours such as 'FF8000' (red, green, blue); got {color!r}"
        )
    return match[1].upper()
