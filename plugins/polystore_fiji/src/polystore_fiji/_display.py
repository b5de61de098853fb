"""ImageJ as the display of a stream."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import jpype

from polystore_fiji._foreign import describe_image, read_image
from polystore_fiji._image_layer import ImageLayer
from polystore_fiji._java import java, message
from polystore_fiji._java_rois import points_to_java, to_java
from polystore_fiji._launch import launch
from polystore_fiji._main_window import MainWindow
from polystore_fiji._options import read_options
from polystore_fiji._overlays import Overlays
from polystore_fiji._painting import paint
from polystore_fiji._screen import screenshot
from polystore_roi import rois_from_table
from polystore_streaming.viewer import Points, Regions, read_stored, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from polystore_fiji._image_window import ImageWindow
    from polystore_fiji._overlays import Shown
    from polystore_streaming.viewer import Host, Image, Labels, Status, Stored

    Array = np.ndarray[Any, Any]

__all__ = ["FijiDisplay"]


class FijiDisplay:
    """ImageJ and its windows.

    Parameters
    ----------
    title
        Title of ImageJ's main window.
    **options
        How it is started: see :class:`polystore_fiji.DisplayOptions`.

    Raises
    ------
    BackendUnavailable
        If Java, ImageJ or pyimagej are missing; the message says what to install.
    ViewerUnreachable
        If there is no screen.
    InvalidOption
        If an option is unknown or wrong.
    """

    def __init__(self, title: str, **options: Any) -> None:
        self._options = read_options(options)
        launch(self._options)
        self._layers: dict[str, ImageLayer] = {}
        self._touched: dict[int, ImageWindow] = {}
        self._last: ImageLayer | None = None
        self._overlays = Overlays(self._find_window)
        self._calls: SimpleQueue[bool] = SimpleQueue()
        self._closing = False
        self._main_window = MainWindow(title, self.close)

    def run(self, host: Host) -> None:
        """Serve until ImageJ's main window is closed, :meth:`close` is called or a signal says so."""
        with self._signals():
            while not self._closing and self._calls.get():
                more = True
                while more and not self._closing:
                    more = host.deliver()
                    self._refresh()
                    host.painted()
        self._layers.clear()
        self._main_window.dispose()

    def wake(self) -> None:
        """Have ``host.deliver()`` called soon; from any thread."""
        self._calls.put(True)

    def close(self) -> None:
        """Make :meth:`run` close all windows, without asking, and return; from any thread."""
        self._closing = True
        self._calls.put(False)

    def show_image(self, image: Image) -> None:
        """Show an image in its window, growing it where the position is new."""
        self._show(image, "image")

    def show_labels(self, labels: Labels) -> None:
        """Show a label image in a window of its own, in colours that differ from label to label."""
        self._show(labels, "labels")

    def show_points(self, points: Points) -> None:
        """Show points on an image and in the ROI Manager, one point selection for each plane."""
        self._overlays.show(points, "points", len(points.coordinates), points_to_java(points))

    def show_rois(self, rois: Regions) -> None:
        """Show regions on an image and in the ROI Manager."""
        regions = rois_from_table(rois.table)
        made, losses = to_java(regions)
        self._overlays.show(rois, "rois", len(regions), made, unshown=losses)

    def open_stored(self, stored: Stored) -> None:
        """Show what a backend has stored; ImageJ takes all of it into its memory."""
        show(self, read_stored(stored))

    def remove(self, layer: str) -> None:
        """Close the windows of a layer; take its regions off images and ROI Manager."""
        self._overlays.remove(layer)
        found = self._layers.pop(layer, None)
        if found is not None:
            for window in found.windows.values():
                self._forget(window)
            found.remove()

    def layers(self) -> list[dict[str, Any]]:
        """Describe every window of the stream, and every other image that is open in ImageJ."""
        self._refresh()
        described = [entry for layer in self._layers.values() for entry in layer.describe()]
        return [*described, *self._overlays.describe(), *(describe_image(imp) for imp in self._foreign())]

    def pixels(self, layer: str, position: Mapping[str, int | str]) -> Array:
        """Return the pixels that ImageJ holds; of an image that the user opened, all planes."""
        self._refresh()
        if layer in self._layers:
            return self._layers[layer].read(position)
        for imp in self._foreign():
            if str(imp.getTitle()) == layer:
                return read_image(imp)
        names = [*self._layers, *(str(imp.getTitle()) for imp in self._foreign())]
        raise LookupError(f"no image {layer!r}; there are: {', '.join(names) or 'none'}")

    def rois(self) -> dict[str, dict[str, Array]]:
        """Return regions and points as tables: by layer what the stream put on images and is still there.

        What the user drew on an image, in its overlay or as its selection, is under the name of the image's
        layer; everything in the ROI Manager is under ``"ROI Manager"``.
        """
        self._refresh()
        ours = [
            (layer.name, window.imp)
            for layer in self._layers.values()
            for window in layer.windows.values()
            if window.imp is not None
        ]
        return self._overlays.tables([*ours, *((str(imp.getTitle()), imp) for imp in self._foreign())])

    def screenshot(self) -> Array:
        """Paint, and return ImageJ's windows as they are on the screen."""
        self._refresh()
        paint(window.imp for layer in self._layers.values() for window in layer.windows.values())
        return screenshot()

    def show_status(self, status: Status) -> None:
        """Show latency and losses in ImageJ's status bar."""
        java("ij.IJ").showStatus(_status_text(status))

    def _show(self, content: Image | Labels, kind: str) -> None:
        self._forget_closed()
        layer = self._layers.get(content.layer)
        if layer is None:
            axes = tuple(axis for axis in self._options.windows if axis in content.position)
            layer = ImageLayer(content.layer, kind, axes)
        elif layer.kind != kind:
            raise ValueError(f"the layer {content.layer!r} shows {layer.kind}; show this with another layer=")
        window = layer.show(content)
        self._layers[content.layer] = self._last = layer
        self._touched[id(window)] = window

    def _refresh(self) -> None:
        """Bring everything that changed to the screen."""
        self._forget_closed()
        touched, self._touched = list(self._touched.values()), {}
        try:
            grown = [window for window in touched if window.refresh()]
            stale = self._overlays.settle()
            for window in dict.fromkeys([*grown, *stale]):
                self._overlays.arrange(window)
            paint(window.imp for window in dict.fromkeys([*touched, *stale]))
        except jpype.JException as error:  # the user may close a window at any moment
            print(f"polystore: ImageJ could not show something: {message(error)}", file=sys.stderr)
        except Exception:  # what is wrong with one image ends no others
            traceback.print_exc()

    def _find_window(self, shown: Shown) -> ImageWindow | None:
        """Find the image for regions: that of their layer, of their name, or else the last that was shown."""
        stem = _stem(shown.path)
        named = [layer for layer in self._layers.values() if stem in map(_stem, layer.paths)]
        last = [self._last] if self._last in self._layers.values() else []
        for layer in [*filter(None, [self._layers.get(shown.layer)]), *named, *last]:
            assert layer is not None
            window = layer.window_at(shown.position)
            if window is not None:
                return window
        return None

    def _forget_closed(self) -> None:
        for name, layer in list(self._layers.items()):
            for window in layer.forget_closed():
                self._forget(window)
            if not layer.windows:
                del self._layers[name]

    def _forget(self, window: ImageWindow) -> None:
        self._touched.pop(id(window), None)
        self._overlays.forget(window)

    def _foreign(self) -> list[Any]:
        ours = {
            window.imp.getID()
            for layer in self._layers.values()
            for window in layer.windows.values()
            if window.imp
        }
        manager = java("ij.WindowManager")
        imps = [manager.getImage(number) for number in manager.getIDList() or ()]
        return [imp for imp in imps if imp is not None and imp.getID() not in ours]

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Close on SIGINT and SIGTERM, unless the process has handlers of its own."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        plain = (signal.SIG_DFL, signal.default_int_handler)
        numbers = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) in plain]
        before = {number: signal.signal(number, lambda *_: self.close()) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _stem(path: str) -> str:
    """Name of a path without folder and suffixes."""
    return path.rpartition("/")[2].partition(".")[0]


def _status_text(status: Status) -> str:
    words = [f"{status.shown} shown"]
    if status.latency is not None:
        words.append(f"{status.latency * 1000:.0f} ms")
    for count, what in (
        (status.dropped, "dropped"),
        (status.superseded, "skipped"),
        (status.refused, "refused"),
    ):
        if count:
            words.append(f"{count} {what}")
    words.append(f"{status.senders} sender{'' if status.senders == 1 else 's'}")
    return ", ".join(words)
