"""Reasons why no window can open, found before Qt finds them: Qt ends the process without an exception."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from polystore_core.errors import BackendUnavailable, ViewerUnreachable

__all__ = ["check_display"]

SYSTEM_PACKAGES = (
    "libegl1 libdbus-1-3 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0"
    " libfontconfig1 libglib2.0-0"
)
OTHER_PLATFORMS = ("wayland", "offscreen", "minimal", "vnc", "eglfs", "linuxfb")


def check_display() -> None:
    """Make sure that Qt will find a screen and the libraries that it needs.

    Raises
    ------
    ViewerUnreachable
        If there is no screen, or the X server that ``DISPLAY`` names does not answer.
    BackendUnavailable
        If no Qt binding, or no system library that Qt needs, is installed.
    """
    bindings = [name for name in ("PySide6", "PyQt6", "PyQt5", "PySide2") if find_spec(name)]
    if not bindings:
        raise BackendUnavailable(
            'napari needs a Qt binding and none is installed; pip install "polystore[napari]"',
            backend="napari_stream",
        )
    _check_binding()
    if not sys.platform.startswith("linux"):
        return
    if os.environ.get("QT_QPA_PLATFORM", "").startswith(OTHER_PLATFORMS):
        return
    if not os.environ.get("DISPLAY"):
        if os.environ.get("WAYLAND_DISPLAY"):
            return
        raise ViewerUnreachable(
            "napari needs a screen, and neither DISPLAY nor WAYLAND_DISPLAY is set; log in to a"
            " desktop, or give it a virtual one: xvfb-run -s '-screen 0 1600x1200x24' COMMAND",
            backend="napari_stream",
        )
    _load_x11_plugin(bindings[0])
    _connect(os.environ["DISPLAY"])


def _check_binding() -> None:
    """Refuse the release of PySide6 that drops references to ``None``, where that ends the process."""
    if sys.version_info < (3, 12) and find_spec("PySide6") and version("PySide6_Essentials") == "6.12.0":
        raise BackendUnavailable(
            'PySide6 6.12.0 crashes after a few thousand frames; pip install "PySide6_Essentials<6.12"',
            backend="napari_stream",
        )


def _load_x11_plugin(binding: str) -> None:
    package = find_spec(binding)
    folders = [Path(place) for place in (package.submodule_search_locations or ())] if package else []
    for plugin in (found for folder in folders for found in folder.glob("Qt*/plugins/platforms/libqxcb.so")):
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            raise BackendUnavailable(
                f"Qt cannot open a window, a system library is missing: {error}; on Debian and Ubuntu:"
                f" apt-get install {SYSTEM_PACKAGES}",
                backend="napari_stream",
            ) from error


def _connect(display: str) -> None:
    name = ctypes.util.find_library("xcb") or "libxcb.so.1"
    try:
        xcb = ctypes.CDLL(name)
    except OSError:
        return
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    refused = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if refused:
        raise ViewerUnreachable(
            f"napari cannot open the screen DISPLAY={display!r}: no X server answers there, or it"
            " does not let this user in; set DISPLAY to a running one, or start a virtual one:"
            " xvfb-run -s '-screen 0 1600x1200x24' COMMAND",
            backend="napari_stream",
        )
