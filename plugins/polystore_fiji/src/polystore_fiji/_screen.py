"""What is on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_fiji._java import java, on_event_thread

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

__all__ = ["screenshot", "showing_windows"]


def showing_windows() -> list[Any]:
    """Return all windows of this process that are on the screen."""
    return [window for window in java("java.awt.Window").getWindows() if window.isShowing()]


def screenshot() -> Array:
    """Return the part of the screen that the windows of this process cover, uint8 (Y, X, 3).

    What lies between the windows is black: it belongs to others.
    """
    on_event_thread(lambda: None)
    size = java("java.awt.Toolkit").getDefaultToolkit().getScreenSize()
    width, height = int(size.width), int(size.height)
    boxes = []
    for window in showing_windows():
        corner = window.getLocationOnScreen()
        top, left = max(0, int(corner.y)), max(0, int(corner.x))
        bottom, right = int(corner.y) + window.getHeight(), int(corner.x) + window.getWidth()
        boxes.append((top, left, min(height, bottom), min(width, right)))
    boxes = [box for box in boxes if box[0] < box[2] and box[1] < box[3]]
    if not boxes:
        return np.zeros((1, 1, 3), np.uint8)
    top, left = min(box[0] for box in boxes), min(box[1] for box in boxes)
    bottom, right = max(box[2] for box in boxes), max(box[3] for box in boxes)
    area = java("java.awt.Rectangle")(left, top, right - left, bottom - top)
    shown = _rgb(java("java.awt.Robot")().createScreenCapture(area))
    covered = np.zeros(shown.shape[:2], bool)
    for box in boxes:
        covered[box[0] - top : box[2] - top, box[1] - left : box[3] - left] = True
    return np.where(covered[..., None], shown, 0).astype(np.uint8)


def _rgb(image: Any) -> Array:
    width, height = image.getWidth(), image.getHeight()
    bits = np.array(image.getRGB(0, 0, width, height, None, 0, width)).astype("<u4")
    return bits.view(np.uint8).reshape(height, width, 4)[..., 2::-1]
