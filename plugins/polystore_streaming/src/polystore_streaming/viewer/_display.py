"""What a viewer has to do to be a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from polystore_streaming.viewer._content import Image, Labels, Points, Regions, Status, Stored

__all__ = ["Display", "Host"]


class Host(Protocol):
    """The server behind a display, as the display sees it. Both methods belong to the GUI thread."""

    def deliver(self) -> bool:
        """Show what has arrived, for a few hundredths of a second at most; True if more is waiting.

        Calls the ``show_...`` methods and the others of the display. After True, let the window paint and
        call again.
        """

    def painted(self) -> None:
        """Tell that everything shown so far is on the screen: call it after each paint."""


class Display(Protocol):
    """One viewer window, or the windows of one program.

    A class that is called with the title, once, in the main thread of a process of its own. All methods
    but :meth:`wake` are called in that thread, which is the GUI thread. An existing layer is updated in
    place; what the user changed in it (contrast, colours, visibility) stays. What is raised by a
    ``show_...`` method refuses that frame and reaches its sender; nothing else is harmed.
    """

    def run(self, host: Host) -> None:
        """Run the event loop until the last window is closed or :meth:`close` is called.

        After each :meth:`wake`, and as long as it returns True, ``host.deliver()`` is called from the loop.
        """

    def wake(self) -> None:
        """Have ``host.deliver()`` called soon; may be called from any thread, at any time after construction.

        The server calls it once and not again before ``deliver`` has been called.
        """

    def show_image(self, image: Image) -> None:
        """Show an image, in the layer and at the position it names.

        Raises
        ------
        ValueError
            If it does not fit the layer: another data type, another number of axes.
        """

    def show_labels(self, labels: Labels) -> None:
        """Show a label image."""

    def show_points(self, points: Points) -> None:
        """Show points, in place of those of the same path."""

    def show_rois(self, rois: Regions) -> None:
        """Show regions of interest, in place of those of the same path."""

    def open_stored(self, stored: Stored) -> None:
        """Show what a backend has stored, reading no more than what is looked at where the viewer can.

        Raises
        ------
        PolyStoreError
            If it cannot be read, or the viewer cannot show it.
        """

    def remove(self, layer: str) -> None:
        """Remove a layer; one that is not there is no error."""

    def layers(self) -> Sequence[Mapping[str, Any]]:
        """Describe every layer as JSON values, those made by the user included.

        Each has ``"name"``, ``"kind"`` (``"image"``, ``"labels"``, ``"points"``, ``"rois"``), ``"visible"``;
        images and labels ``"shape"``, ``"dtype"``, ``"axes"``; images ``"contrast"``; points and ROIs
        ``"count"``. A display may add more.
        """

    def pixels(self, layer: str, position: Mapping[str, int | str]) -> np.ndarray[Any, Any]:
        """Return the pixels that the viewer holds in an image or labels layer, at one position.

        Raises
        ------
        LookupError
            If there is no such layer or no such position.
        """

    def rois(self) -> Mapping[str, Mapping[str, np.ndarray[Any, Any]]]:
        """Return all regions and points as ROI tables by layer, those drawn by the user included."""

    def screenshot(self) -> np.ndarray[Any, Any]:
        """Paint, and return what the user sees as uint8 (Y, X, 3)."""

    def show_status(self, status: Status) -> None:
        """Show how the stream is doing; called a few times a second at most."""

    def close(self) -> None:
        """Close the window without asking; makes :meth:`run` return."""
