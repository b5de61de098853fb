"""A viewer without a window, for benchmarks: frames are acknowledged as soon as they have been looked at.

It is a module of its own, outside the package, in the process that receives.
"""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_streaming import ViewerBackend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_streaming.viewer import Host, Image, Labels, Points, Regions, Status, Stored

__all__ = ["KEPT", "FrameReceiver", "ReceiverBackend"]

KEPT = "kept.tif"
"""The layer whose pixels are kept, so that they can be compared."""


class FrameReceiver:
    """Looks at one pixel of each frame, where it lies."""

    def __init__(self, title: str) -> None:
        self.last: Any = None
        self._kept = np.zeros((0, 0))
        self._wakes: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def run(self, host: Host) -> None:
        while self._wakes.get():
            while host.deliver():
                host.painted()
            host.painted()

    def wake(self) -> None:
        self._wakes.put(True)

    def close(self) -> None:
        self._wakes.put(False)

    def show_image(self, image: Image) -> None:
        self.last = image.pixels[-1, -1]
        if image.layer == KEPT:
            self._kept = image.pixels.copy()

    def show_labels(self, labels: Labels) -> None:
        raise NotImplementedError

    def show_points(self, points: Points) -> None:
        raise NotImplementedError

    def show_rois(self, rois: Regions) -> None:
        raise NotImplementedError

    def open_stored(self, stored: Stored) -> None:
        raise NotImplementedError

    def remove(self, layer: str) -> None:
        raise NotImplementedError

    def layers(self) -> Sequence[Mapping[str, Any]]:
        return []

    def pixels(self, layer: str, position: Mapping[str, int | str]) -> Any:
        return self._kept

    def rois(self) -> Mapping[str, Mapping[str, Any]]:
        return {}

    def screenshot(self) -> Any:
        raise NotImplementedError

    def show_status(self, status: Status) -> None:
        pass


class ReceiverBackend(ViewerBackend):
    """Shows in a :class:`FrameReceiver`."""

    viewer = "receiver"
    display_class = "_frame_receiver:FrameReceiver"
