"""Channels along an axis of an array: each is a layer of its own, like channels that come one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from polystore_napari._world import CHANNEL
from polystore_streaming.sender import contrast_of
from polystore_streaming.viewer import Image, Labels

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST", "channels_of"]

MOST = 16
"""Channels that are layers; more are steps of a slider."""

Frame = TypeVar("Frame", Image, Labels)


def channels_of(frame: Frame) -> Iterator[Frame]:
    """Yield each channel of a frame whose axes have one, as a view.

    Examples
    --------
    >>> import numpy as np
    >>> pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    >>> image = Image(path="a", layer="a", axes=("channel", "y", "x"), scale=(1, 0.5, 0.5), pixels=pixels)
    >>> [(part.position, part.axes, part.scale, part.contrast) for part in channels_of(image)][1]
    ({'channel': 1}, ('y', 'x'), (0.5, 0.5), (12.0, 23.0))
    """
    at = frame.axes.index(CHANNEL)
    for number in range(frame.pixels.shape[at]):
        pixels = frame.pixels[(slice(None),) * at + (number,)]
        look: dict[str, Any] = {}
        if getattr(frame, "contrast_given", None) is False and frame.axes[-1] != "rgb":
            look["contrast"] = contrast_of(pixels)
        yield replace(
            frame,
            pixels=pixels,
            position={**frame.position, CHANNEL: number},
            axes=frame.axes[:at] + frame.axes[at + 1 :],
            scale=frame.scale[:at] + frame.scale[at + 1 :],
            **look,
        )
