"""napari in a process of its own, updated directly: as a script does that holds window and pixels."""

from __future__ import annotations

import sys

import napari
from qtpy.QtCore import QSocketNotifier
from qtpy.QtWidgets import QApplication

from benchmarks._on_screen import frames


def main(size: int) -> None:
    """Set ``layer.data`` to the next frame for each line of standard input, until it ends."""
    images = frames(size)
    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1200, 850)
    layer = viewer.add_image(images[0].copy(), contrast_limits=(0, 4095))
    application = QApplication.instance()
    numbers: list[int] = []

    def update() -> None:
        if not sys.stdin.readline():
            application.quit()
            return
        numbers.append(len(numbers))
        layer.data = images[len(numbers) % len(images)]

    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda *_: update())
    print("ready", flush=True)
    application.exec()


if __name__ == "__main__":
    main(int(sys.argv[1]))
