"""Bringing changed pixels to the screen, once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import jpype

from polystore_fiji._java import java, on_event_thread

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["mark_updated", "paint"]

_UPDATED = 2
"""``ImagePlus.UPDATED``."""


def mark_updated(imp: Any) -> None:
    """Tell an image, and whoever listens to it, that its pixels have changed; :func:`paint` shows it.

    ``ImagePlus.updateAndDraw`` does the same and asks for a paint of its own, at some later time: every frame
    would be painted twice.
    """
    canvas = imp.getCanvas()
    if canvas is None:
        imp.updateAndDraw()
        return
    canvas.setImageUpdated()
    _notify().invoke(imp, _arguments())


def paint(imps: Iterable[Any]) -> None:
    """Paint the canvases of some images, and return when they are on the screen."""
    canvases = [canvas for imp in imps if (canvas := imp.getCanvas()) is not None and canvas.isShowing()]

    def run() -> None:
        for canvas in canvases:
            graphics = canvas.getGraphics()
            if graphics is not None:
                canvas.paint(graphics)
                graphics.dispose()
        java("java.awt.Toolkit").getDefaultToolkit().sync()

    if canvases:
        on_event_thread(run)


@cache
def _notify() -> Any:
    """How listeners are told, which ``ImagePlus`` keeps for itself and its subclasses."""
    found = java("ij.ImagePlus").class_.getDeclaredMethod("notifyListeners", java("java.lang.Integer").TYPE)
    found.setAccessible(True)
    return found


@cache
def _arguments() -> Any:
    return jpype.JArray(jpype.JObject)([java("java.lang.Integer").valueOf(_UPDATED)])
