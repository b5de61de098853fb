"""The displays of the suite, each of which takes a second for every image."""

from __future__ import annotations

import time

from recorder import RecorderDisplay

from polystore_fiji._display import FijiDisplay
from polystore_napari._display import NapariDisplay

SECONDS_PER_IMAGE = 1.0


class SlowRecorder(RecorderDisplay):
    """Keeps an image a second."""

    def show_image(self, image):
        time.sleep(SECONDS_PER_IMAGE)
        super().show_image(image)


class SlowNapari(NapariDisplay):
    """Shows an image a second in napari."""

    def show_image(self, image):
        time.sleep(SECONDS_PER_IMAGE)
        super().show_image(image)


class SlowFiji(FijiDisplay):
    """Shows an image a second in ImageJ."""

    def show_image(self, image):
        time.sleep(SECONDS_PER_IMAGE)
        super().show_image(image)
