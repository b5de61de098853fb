"""A viewer without a window: it keeps what it is given, so that tests can ask for it."""

from __future__ import annotations

import os
import queue
import threading
import time

import numpy as np

from polystore_streaming import ViewerBackend


class RecorderDisplay:
    """Keeps the last state of every layer.

    Parameters
    ----------
    title
        Not shown anywhere.
    seconds_per_frame
        How long each frame takes, for a viewer that does not keep up.
    keep
        False looks at the frames without keeping a copy.
    fail
        Raised by the constructor.
    """

    def __init__(self, title, *, seconds_per_frame=0.0, keep=True, fail=""):
        if fail:
            raise RuntimeError(fail)
        self.seconds_per_frame = seconds_per_frame
        self.keep = keep
        self.contents = {}
        self.status = None
        self._wakes = queue.SimpleQueue()

    def run(self, host):
        while self._wakes.get() == "deliver":
            while host.deliver():
                host.painted()
            host.painted()

    def wake(self):
        self._wakes.put("deliver")

    def close(self):
        self._wakes.put("close")

    def show_image(self, image):
        assert threading.current_thread() is threading.main_thread()
        assert not image.pixels.flags.writeable
        if image.pixels.dtype == np.float16:
            raise ValueError("float16 is not for this viewer")
        self._keep(image, image.pixels)

    def show_labels(self, labels):
        self._keep(labels, labels.pixels)

    def show_points(self, points):
        self._keep(points, points.coordinates)

    def show_rois(self, rois):
        self._keep(rois, np.zeros(0))

    def _keep(self, content, values):
        if self.seconds_per_frame:
            time.sleep(self.seconds_per_frame)
        key = content.layer, tuple(content.position.items())
        self.contents[key] = content, values.copy() if self.keep else values[:0].copy()

    def open_stored(self, stored):
        self.contents[stored.path, ()] = stored, np.zeros(0)

    def remove(self, layer):
        self.contents = {key: value for key, value in self.contents.items() if key[0] != layer}

    def layers(self):
        return [
            {
                "name": layer,
                "kind": type(content).__name__.lower(),
                "visible": True,
                "position": dict(position),
                "path": content.path,
                "pid": os.getpid(),
                **{
                    name: getattr(content, name)
                    for name in ("axes", "scale", "unit", "contrast", "colormap", "channel_name")
                    if hasattr(content, name)
                },
            }
            for (layer, position), (content, _) in self.contents.items()
        ]

    def pixels(self, layer, position):
        return self.contents[layer, tuple(position.items())][1]

    def rois(self):
        return {}

    def screenshot(self):
        return np.full((4, 6, 3), 7, np.uint8)

    def show_status(self, status):
        self.status = status


class RecorderBackend(ViewerBackend):
    """Shows in a recorder."""

    viewer = "recorder"
    display_class = "recorder:RecorderDisplay"
