"""napari in a process of its own, updated directly: what a script does that holds window and pixels together.

Reads a line from standard input for each frame, sets ``layer.data``, and writes a line when it is painted
and the window is composed: when the event loop goes on.
"""

from __future__ import annotations

import sys

import napari
import numpy as np
from qtpy.QtCore import QSocketNotifier, QTimer
from qtpy.QtWidgets import QApplication

_FRAMES = 8


def main(size: int) -> None:
    """Show frames of ``size`` x ``size`` pixels, uint16, until the input ends."""
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 4096, (size, size), dtype=np.uint16) for _ in range(_FRAMES)]
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1200, 850)
    layer = viewer.add_image(frames[0].copy(), contrast_limits=(0, 4095))
    application = QApplication.instance()
    numbers: list[int] = []
    waiting: list[int] = []

    def update() -> None:
        if not sys.stdin.readline():
            application.quit()
            return
        numbers.append(len(numbers))
        waiting.append(1)
        layer.data = frames[len(numbers) % _FRAMES]

    def painted(_event: object) -> None:
        if waiting:
            waiting.clear()
            QTimer.singleShot(0, lambda: print("painted", flush=True))

    viewer.window._qt_viewer.canvas._scene_canvas.events.draw.connect(painted, position="last")
    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda *_: update())
    print("ready", flush=True)
    application.exec()


if __name__ == "__main__":
    main(int(sys.argv[1]))
