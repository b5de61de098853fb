"""A display without an event loop of its own."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from polystore_streaming.viewer._content import Image, Labels, Points, Regions, Status, Stored
    from polystore_streaming.viewer._display import Host

__all__ = ["LoopDisplay"]


class LoopDisplay:
    """To subclass for a viewer that has no event loop: it brings one, and refuses what is not overridden.

    Parameters
    ----------
    title
        Title of the window.

    Examples
    --------
    A viewer that prints:

    >>> from polystore_streaming.viewer import Image, LoopDisplay
    >>> class Printer(LoopDisplay):
    ...     def show_image(self, image: Image) -> None:
    ...         print(image.layer, image.pixels.shape)
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._calls: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def run(self, host: Host) -> None:
        """Show what arrives until :meth:`close` is called."""
        while self._calls.get():
            more = True
            while more:
                more = host.deliver()
                host.painted()

    def wake(self) -> None:
        """Have what arrived shown soon; from any thread."""
        self._calls.put(True)

    def close(self) -> None:
        """End :meth:`run`; from any thread."""
        self._calls.put(False)

    def show_image(self, image: Image) -> None:
        """Refuse images."""
        self._refuse("show images")

    def show_labels(self, labels: Labels) -> None:
        """Refuse label images."""
        self._refuse("show label images")

    def show_points(self, points: Points) -> None:
        """Refuse points."""
        self._refuse("show points")

    def show_rois(self, rois: Regions) -> None:
        """Refuse regions of interest."""
        self._refuse("show regions of interest")

    def open_stored(self, stored: Stored) -> None:
        """Refuse stored data."""
        self._refuse("open stored data")

    def remove(self, layer: str) -> None:
        """Refuse to remove layers."""
        self._refuse("remove layers")

    def layers(self) -> Sequence[Mapping[str, Any]]:
        """Describe no layers."""
        return []

    def pixels(self, layer: str, position: Mapping[str, int | str]) -> np.ndarray[Any, Any]:
        """Find no pixels."""
        raise LookupError(f"no layer {layer!r}")

    def rois(self) -> Mapping[str, Mapping[str, np.ndarray[Any, Any]]]:
        """Return no regions."""
        return {}

    def screenshot(self) -> np.ndarray[Any, Any]:
        """Refuse screenshots."""
        self._refuse("make screenshots")

    def show_status(self, status: Status) -> None:
        """Show no status."""

    def _refuse(self, what: str) -> NoReturn:
        raise ValueError(f"{self.title} cannot {what}")
