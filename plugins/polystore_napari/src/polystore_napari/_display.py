"""The display that shows frames in napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_napari._scene import Scene
from polystore_napari._status import StatusPanel
from polystore_napari._window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from polystore_streaming.viewer import Host, Image, Labels, Points, Regions, Status, Stored

__all__ = ["NapariDisplay"]


class NapariDisplay:
    """A napari window as a :class:`polystore_streaming.viewer.Display`.

    Parameters
    ----------
    title
        Of the window.

    Raises
    ------
    ViewerUnreachable
        If there is no screen.
    BackendUnavailable
        If Qt, or a system library that it needs, is missing.
    """

    def __init__(self, title: str) -> None:
        self._window = Window(title)
        self._scene = Scene(self._window.viewer)
        self._status = StatusPanel(self._window.viewer)
        self._window.viewer.dims.events.current_step.connect(self._on_step)

    def run(self, host: Host) -> None:
        """Run Qt's event loop until the window is closed."""

        def deliver() -> bool:
            more = host.deliver()
            if self._window.open:
                self._settle()
            return more and self._window.open

        self._window.run(deliver, host.painted)

    def wake(self) -> None:
        """Have ``host.deliver()`` called soon; from any thread."""
        self._window.ring()

    def show_image(self, image: Image) -> None:
        """Show an image, in the layer and at the position it names."""
        self._scene.show_image(image)

    def show_labels(self, labels: Labels) -> None:
        """Show a label image."""
        self._scene.show_labels(labels)

    def show_points(self, points: Points) -> None:
        """Show points, in place of those of the same path."""
        self._scene.show_points(points)

    def show_rois(self, rois: Regions) -> None:
        """Show regions of interest, in place of those of the same path."""
        self._scene.show_rois(rois)

    def open_stored(self, stored: Stored) -> None:
        """Show what a backend has stored; only what is looked at is read."""
        self._scene.open_stored(stored)

    def remove(self, layer: str) -> None:
        """Remove a layer, and all channels of it; one that is not there is no error."""
        self._scene.remove(layer)

    def layers(self) -> Sequence[Mapping[str, Any]]:
        """Describe every layer, those made by the user included."""
        self._settle()
        return self._scene.layers()

    def pixels(self, layer: str, position: Mapping[str, int | str]) -> np.ndarray[Any, Any]:
        """Return the pixels held in an image or labels layer at one position."""
        return self._scene.pixels(layer, position)

    def rois(self) -> Mapping[str, Mapping[str, np.ndarray[Any, Any]]]:
        """Return all regions and points as ROI tables by layer."""
        return self._scene.rois()

    def screenshot(self) -> np.ndarray[Any, Any]:
        """Paint, and return the whole window as uint8 (Y, X, 3)."""
        self._settle()
        return self._window.screenshot()

    def show_status(self, status: Status) -> None:
        """Show how the stream is doing in a dock widget."""
        self._status.show_status(status)

    def close(self) -> None:
        """Close the window without asking."""
        self._window.close()

    def _settle(self) -> None:
        if self._scene.settle():
            self._window.repaint()
        self._show_position()

    def _on_step(self) -> None:
        if not self._scene.sliders.steering:
            self._scene.align()
            self._show_position()

    def _show_position(self) -> None:
        self._status.show_position(self._scene.sliders.position())
