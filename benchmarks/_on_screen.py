"""From a frame to the screen: what is on it is read from outside, the same way for ours and for the peer.

Each side has an X server of its own that keeps its pixels in a file. Frames are dark and bright in turn; one
is on the screen when the lowest row of pixels that follow has taken its colour.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore import BackendRegistry, FileManager
from polystore_streaming.testing import private_viewers, virtual_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Array = np.ndarray[Any, Any]
    Show = Callable[[], None]

__all__ = ["frames", "on_screens"]

_PATIENCE = 60.0
_STILL = 0.3
_WIDTH = 32
"""Pixels of a row that must follow the frames; the words of a status line are narrower."""


def frames(size: int) -> list[Array]:
    """Return noise of ``size`` x ``size`` pixels, uint16: a dark frame and a bright one.

    Examples
    --------
    >>> dark, bright = frames(8)
    >>> bool(dark.max() < bright.min())
    True
    """
    rng = np.random.default_rng(0)
    dark = rng.integers(0, 1024, (size, size), dtype=np.uint16)
    return [dark, dark + np.uint16(3072)]


@contextmanager
def on_screens(backend: str, path: str, script: str, size: int, folder: Path) -> Iterator[tuple[Show, Show]]:
    """Open a window of ours, and one of a viewer without PolyStore.

    Parameters
    ----------
    backend, path
        What frames are saved to.
    script
        Beside this module. It is given `size`, makes the same frames, says ``ready`` when its window is open,
        and updates it with the next frame for each line that it reads.
    size
        Of the frames.
    folder
        For the files of the X servers.

    Yields
    ------
    tuple of callable
        Ours and the peer: each brings the next frame to the screen, and returns when it is there.
    """
    images = frames(size)
    manager = FileManager(BackendRegistry())
    places = [folder / "ours", folder / "peer"]
    for place in places:
        place.mkdir()
    with virtual_screen(framebuffer=places[1]), _running(script, size) as update:
        peer = _Window(places[1], update)
        with virtual_screen(framebuffer=places[0]), private_viewers():
            sink: Any = manager.stream(backend=backend)
            numbers = count()

            def save() -> None:
                image = images[next(numbers) % 2]
                manager.save(image, path, backend=backend, contrast=(0, 4095))

            save()
            manager.flush(backend=backend, timeout=_PATIENCE)
            try:
                yield _Window(places[0], save).show, peer.show
            finally:
                sink.close_viewer()
                manager.close()


@contextmanager
def _running(script: str, size: int) -> Iterator[Callable[[], None]]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name(script)), str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "NAPARI_CONFIG": ""},
    )
    asked, told = process.stdin, process.stdout
    assert asked is not None
    assert told is not None
    try:
        if told.readline() != "ready\n":
            raise RuntimeError(f"{script} has not started")
        yield lambda: print(file=asked, flush=True)
    finally:
        process.kill()
        process.communicate()


class _Window:
    """A window, as an X server shows it.

    Parameters
    ----------
    folder
        Where the server keeps its pixels.
    update
        Has the window show the next frame.
    """

    def __init__(self, folder: Path, update: Callable[[], None]) -> None:
        self._screen = _screen(folder / "Xvfb_screen0")
        self._update = update
        self._next = count()
        self._still()
        pictures = []
        for _ in range(4):
            update()
            pictures.append(self._still())
        follows = (pictures[0] == pictures[2]) & (pictures[1] == pictures[3]) & (pictures[0] != pictures[1])
        rows = np.flatnonzero(follows.sum(axis=1) >= _WIDTH)
        if not rows.size:
            raise RuntimeError(f"on the screen of {folder.name} frames do not follow one another")
        self._pixel = rows[-1], np.flatnonzero(follows[rows[-1]])[_WIDTH // 2]
        self._colors = [int(picture[self._pixel]) for picture in pictures[:2]]

    def show(self) -> None:
        """Show the next frame, and return when it is on the screen."""
        color = self._colors[next(self._next) % 2]
        self._update()
        end = time.monotonic() + _PATIENCE
        while self._screen[self._pixel] != color:
            if time.monotonic() > end:
                raise RuntimeError("a frame has not come to the screen")
            time.sleep(0.0001)

    def _still(self) -> Array:
        """Return the screen when nothing has moved on it for a while."""
        end = time.monotonic() + _PATIENCE
        picture, since = self._screen.copy(), time.monotonic()
        while time.monotonic() < min(since + _STILL, end):
            time.sleep(0.05)
            if not np.array_equal(picture, self._screen):
                picture, since = self._screen.copy(), time.monotonic()
        return picture


def _screen(file: Path) -> Array:
    """Map the pixels of a screen, as rows of 32 bits each; its format is XWD version 7, of X11/XWDFile.h."""
    header = np.fromfile(file, ">u4", 25)
    size, width, height, bits, row, colors = (int(header[place]) for place in (0, 4, 5, 11, 12, 19))
    if bits != 32 or row != 4 * width:
        raise RuntimeError(f"{file} has {bits} bits per pixel and {row} bytes per row")
    return np.memmap(file, np.uint32, "r", size + 12 * colors, (height, width))
