"""The napari window and its event loop."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_napari._preflight import check_display
from polystore_napari._settings import adopt_settings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Window"]

SIZE = (1200, 850)
UNPAINTED_MS = 50


class Window:
    """A napari viewer that calls back from its event loop.

    Parameters
    ----------
    title
        Of the window.

    Attributes
    ----------
    viewer
        The napari viewer.
    open
        False once the window was closed, by the user perhaps.
    """

    def __init__(self, title: str) -> None:
        check_display()
        adopt_settings()
        np.seterr(all="ignore")  # napari computes with pixels that are NaN, infinite or beyond 32 bits
        import napari
        from qtpy.QtCore import QObject, Qt, QTimer
        from qtpy.QtCore import Signal as QtSignal
        from qtpy.QtWidgets import QApplication

        class Bell(QObject):  # type: ignore[misc]
            rung = QtSignal()

        self.viewer: Any = napari.Viewer(title=title, show=False, show_welcome_screen=False)
        self._application: Any = QApplication.instance()
        self.canvas = self.viewer.window._qt_viewer.canvas._scene_canvas
        # Freeing the buffers of a shapes layer in the context of another widget crashes the GL driver.
        self.viewer.layers.events.removing.connect(lambda _event: self.canvas.set_current())
        self.canvas.events.draw.connect(self._on_draw, position="last")
        self._deliver: Callable[[], bool] = lambda: False
        self._painted: Callable[[], None] = lambda: None
        self._delivering = False
        self._again = False
        self._bell = Bell()
        self._bell.rung.connect(self._on_bell, Qt.ConnectionType.QueuedConnection)
        self._unpainted = QTimer()
        self._unpainted.setSingleShot(True)
        self._unpainted.setInterval(UNPAINTED_MS)
        self._unpainted.timeout.connect(self._on_bell)
        self.viewer.window.show()
        self.viewer.window.resize(*SIZE)
        self.open = True
        self.viewer.window._qt_window.destroyed.connect(self._on_destroyed)

    def run(self, deliver: Callable[[], bool], painted: Callable[[], None]) -> None:
        """Run the event loop until the window is closed.

        Parameters
        ----------
        deliver
            Called after each :meth:`ring`, and again after the next paint as long as it returns True.
        painted
            Called after each paint.
        """
        self._deliver, self._painted = deliver, painted
        with _Signals(self.close):
            self._bell.rung.emit()
            self._application.exec()
        self._deliver, self._painted = (lambda: False), (lambda: None)

    def ring(self) -> None:
        """Have ``deliver`` called from the event loop soon; from any thread."""
        self._bell.rung.emit()

    def repaint(self) -> None:
        """Have the canvas painted soon, also if nothing on it has changed."""
        self.canvas.update()

    def screenshot(self) -> np.ndarray[Any, Any]:
        """Lay out, paint, and return the window as uint8 (Y, X, 3)."""
        from qtpy.QtCore import QEventLoop
        from qtpy.QtWidgets import QApplication

        QApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        picture = self.viewer.window.screenshot(flash=False, canvas_only=False)
        return np.ascontiguousarray(picture[..., :3])

    def close(self) -> None:
        """Close the window without asking; the event loop ends."""
        if self.open:
            self.viewer.window._qt_window.close()
        self._application.quit()

    def _on_bell(self) -> None:
        if self._delivering:
            self._again = True
            return
        self._unpainted.stop()
        self._delivering, self._again = True, False
        try:
            self._again = self._deliver() or self._again
        finally:
            self._delivering = False
            if self.open and self._again:
                self._unpainted.start()

    def _on_destroyed(self) -> None:
        self.open = False

    def _on_draw(self, _event: Any) -> None:
        self._painted()
        if self._again and not self._delivering:
            self._bell.rung.emit()


class _Signals:
    """Interrupts and requests to end, taken from the event loop, which Python cannot interrupt by itself."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close

    def __enter__(self) -> None:
        from qtpy.QtCore import QSocketNotifier

        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._former_fd = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._former = {
            number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)
        }
        self._notifier = QSocketNotifier(self._woken.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._on_signal)

    def __exit__(self, *exception: object) -> None:
        self._notifier.setEnabled(False)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._former_fd)
        self._waker.close()
        self._woken.close()

    def _on_signal(self, *_: object) -> None:
        if set(self._woken.recv(64)) & {signal.SIGINT, signal.SIGTERM}:
            self._close()
