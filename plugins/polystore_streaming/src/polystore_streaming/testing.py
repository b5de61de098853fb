"""For tests of viewers: a screen without a monitor, and viewers that nobody else finds."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from polystore_core.errors import BackendUnavailable
from polystore_streaming.processes import running_viewers

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["private_viewers", "virtual_screen"]


@contextmanager
def virtual_screen(size: str = "1600x1200x24", *, framebuffer: Path | None = None) -> Iterator[str]:
    """Run an X server in memory, Xvfb, and point ``DISPLAY`` of this process to it.

    Parameters
    ----------
    size
        Width, height and bits per pixel.
    framebuffer
        A folder in which the server keeps its pixels, as the file ``Xvfb_screen0`` in XWD format: whoever
        maps it sees what is on the screen.

    Yields
    ------
    str
        The ``DISPLAY``, on a number that was free.

    Raises
    ------
    BackendUnavailable
        If there is no Xvfb; the message says what to type.

    Examples
    --------
    >>> import os
    >>> from polystore_streaming.testing import virtual_screen
    >>> with virtual_screen() as display:
    ...     os.environ["DISPLAY"] == display
    True
    """
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
    if framebuffer is not None:
        command += ["-fbdir", str(framebuffer)]
    try:
        server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    except FileNotFoundError as error:
        os.close(reading)
        raise BackendUnavailable("a virtual screen needs Xvfb; apt-get install xvfb xauth") from error
    finally:
        os.close(writing)
    try:
        with os.fdopen(reading) as numbers:
            number = numbers.readline().strip()
        if not number:
            raise BackendUnavailable(f"Xvfb ended with exit code {server.wait()}")
        with _environment(DISPLAY=f":{number}"):
            yield f":{number}"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def private_viewers() -> Iterator[Path]:
    """Let this process and its children start and find viewers in a directory of their own.

    Yields
    ------
    pathlib.Path
        The runtime directory. Viewers that still run at the end are ended.
    """
    folder = Path(tempfile.mkdtemp(prefix="polystore-"))
    with _environment(POLYSTORE_RUNTIME_DIR=str(folder)):
        try:
            yield folder
        finally:
            for record in running_viewers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(record.pid, signal.SIGKILL)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
