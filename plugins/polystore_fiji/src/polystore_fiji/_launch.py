"""Starting Java and ImageJ, or saying what is missing."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import jpype

from polystore_core.errors import BackendUnavailable, ViewerUnreachable
from polystore_fiji._java import java, message

if TYPE_CHECKING:
    from polystore_fiji._options import DisplayOptions

__all__ = ["launch"]

JAVA = "apt-get install openjdk-17-jre, or set JAVA_HOME"
SIGNALS_STAY_WITH_PYTHON = "-Xrs"


def launch(options: DisplayOptions) -> None:
    """Start Java and show ImageJ's main window; once in a process.

    Raises
    ------
    BackendUnavailable
        If Java, ImageJ or pyimagej are missing.
    ViewerUnreachable
        If there is no screen to show it on.
    """
    _require_screen()
    if options.launcher == "jar":
        _launch_jar(options)
    else:
        _launch_pyimagej(options)
    atexit.register(_end_at_once)


def _launch_jar(options: DisplayOptions) -> None:
    jar = Path(options.jar).expanduser()
    if not jar.is_file():
        raise BackendUnavailable(
            f"no ImageJ at {str(jar)!r}: apt-get install libij-java, or say where it is with the display "
            "option jar= or POLYSTORE_FIJI_JAR"
        )
    _require_java()
    jpype.startJVM(*_arguments(options), classpath=[str(jar)], convertStrings=False)
    if not jpype.java.lang.ClassLoader.getSystemClassLoader().getResource("ij/ImageJ.class"):
        raise BackendUnavailable(f"{str(jar)!r} is no ImageJ: it has no class ij.ImageJ")
    _require_windows()
    try:
        java("ij.ImageJ")(java("ij.ImageJ").EMBEDDED)
    except jpype.JException as error:
        _cannot_open(error)


def _launch_pyimagej(options: DisplayOptions) -> None:
    try:
        import imagej
        import scyjava
    except ImportError as error:
        raise BackendUnavailable(
            'the launcher pyimagej needs pyimagej: pip install "polystore[fiji]"'
        ) from error
    _require_java()  # with one there, "auto" fetches none; "never" is broken until Java runs
    scyjava.config.set_java_constraints(fetch="auto")
    for argument in _arguments(options):
        scyjava.config.add_option(argument)
    try:
        gateway = imagej.init(options.fiji, mode=imagej.Mode.INTERACTIVE, add_legacy=True)
        _require_windows()
        gateway.ui().showUI()
    except (ViewerUnreachable, BackendUnavailable):
        raise
    except jpype.JException as error:
        _cannot_open(error)
    except Exception as error:
        raise BackendUnavailable(
            f"pyimagej cannot start {options.fiji or 'the newest ImageJ2'}: {error}. Name a Fiji folder with "
            "the display option fiji= or POLYSTORE_FIJI, or use launcher='jar' (apt-get install libij-java)"
        ) from error
    if java("ij.IJ").getInstance() is None:
        raise BackendUnavailable(
            f"{options.fiji or 'the newest ImageJ2'} opens another window than ImageJ's own; name a Fiji "
            "folder with the display option fiji="
        )


def _arguments(options: DisplayOptions) -> list[str]:
    heap = [f"-Xmx{options.memory}"] if options.memory else []
    return [SIGNALS_STAY_WITH_PYTHON, *heap]


def _end_at_once() -> None:
    """End the process at its exit, without waiting for Java.

    Java would wait for a thread that the user has left running, and its threads may call Python while that is
    being taken down, which aborts.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(1 if hasattr(sys, "last_value") else 0)


def _require_screen() -> None:
    if sys.platform == "darwin":
        raise BackendUnavailable(
            "no Fiji display on macOS: there the main thread belongs to the system; send to one on another "
            "machine with viewers='tcp://...'"
        )
    if sys.platform != "win32" and not os.environ.get("DISPLAY"):
        raise ViewerUnreachable(
            "ImageJ has no screen: DISPLAY is not set. For a virtual one, apt-get install xvfb xauth and "
            "start the viewer with xvfb-run"
        )


def _require_java() -> None:
    try:
        jpype.getDefaultJVMPath()
    except (jpype.JVMNotFoundException, jpype.JVMNotSupportedException) as error:
        raise BackendUnavailable(f"no Java: {JAVA} ({error})") from error


def _require_windows() -> None:
    try:
        headless = bool(java("java.awt.GraphicsEnvironment").isHeadless())
    except jpype.JException as error:
        _cannot_open(error)
    if headless:
        raise BackendUnavailable(
            "this Java opens no windows; a JRE whose name ends in -headless does not: "
            f"{JAVA}. JAVA_TOOL_OPTIONS must not set java.awt.headless either"
        )


def _cannot_open(error: jpype.JException) -> NoReturn:
    raise ViewerUnreachable(
        f"ImageJ cannot open its window on DISPLAY {os.environ.get('DISPLAY', '')!r}: {message(error)}"
    ) from error
