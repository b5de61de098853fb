"""ImageJ's main window: when it is to end, and ending it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jpype

from polystore_fiji._java import java, on_event_thread

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MainWindow"]


class MainWindow:
    """The window with menus and tools.

    ImageJ's own way to quit asks about every image that the user changed, and holds a lock while it waits
    for the answer: nothing else could be shown, or closed, until somebody comes. So quitting by the
    window's button or by the menu is taken over.

    Parameters
    ----------
    title
        Title of the window.
    quit_asked
        Called, from any thread, when the user wants to quit.
    """

    def __init__(self, title: str, quit_asked: Callable[[], None]) -> None:
        self._frame = java("ij.IJ").getInstance()
        self._frame.setTitle(title)

        def ignore(_event: object) -> None:
            pass

        def leave(_event: object) -> None:
            quit_asked()

        def command(name: object) -> object:
            if str(name) != "Quit":
                return name
            quit_asked()
            return None

        self._windows = jpype.JProxy(
            "java.awt.event.WindowListener",
            dict={
                "windowClosing": leave,
                "windowClosed": leave,
                "windowOpened": ignore,
                "windowIconified": ignore,
                "windowDeiconified": ignore,
                "windowActivated": self._frame.windowActivated,
                "windowDeactivated": ignore,
            },
        )
        self._commands = jpype.JProxy("ij.CommandListener", dict={"commandExecuting": command})
        self._frame.removeWindowListener(self._frame)
        self._frame.addWindowListener(self._windows)
        java("ij.Executer").addCommandListener(self._commands)

    def dispose(self) -> None:
        """Close all windows and dialogs of this process, without asking."""
        java("ij.Executer").removeCommandListener(self._commands)
        self._frame.removeWindowListener(self._windows)
        for window in java("java.awt.Window").getWindows():
            window.dispose()
        # What the event thread still has to do calls Python, which is about to end.
        on_event_thread(lambda: None)
