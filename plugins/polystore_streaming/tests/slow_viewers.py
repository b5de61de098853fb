"""Backends of viewers that show one image a second, while their network thread is as quick as ever."""

from __future__ import annotations

from polystore_streaming import ViewerBackend


class SlowRecorderBackend(ViewerBackend):
    """Shows in a slow recorder."""

    viewer = "slow_recorder"
    display_class = "slow_displays:SlowRecorder"


class SlowNapariBackend(ViewerBackend):
    """Shows in a slow napari."""

    viewer = "slow_napari"
    display_class = "slow_displays:SlowNapari"


class SlowFijiBackend(ViewerBackend):
    """Shows in a slow ImageJ."""

    viewer = "slow_fiji"
    display_class = "slow_displays:SlowFiji"
