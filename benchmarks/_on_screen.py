"""From a frame to the screen: what is on it is read from outside, the same way for ours and for the peer.

Each side has an X server of its own that keeps its pixels in a file. Frames differ in brightness; one is on
the screen when the lowest row of pixels that follow has taken its colour.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks._compare import Case, Target, ratio
from polystore import BackendRegistry, FileManager
from polystore_streaming.testing import private_viewers, virtual_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Array = np.ndarray[Any, Any]

__all__ = ["ViewerBenchmark", "frames"]

_PATIENCE = 60.0
_STILL = 0.3, 1.0, 3.0
"""Seconds; a busy machine takes longer to paint."""

_LEVELS = 4
_WIDTH = 32
"""Pixels of a row that must follow the frames; the words of a status line are narrower."""


def frames(size: int) -> list[Array]:
    """Return noise of ``size`` x ``size`` pixels, uint16, each frame brighter than the one before.

    Examples
    --------
    >>> dark, bright, *_ = frames(8)
    >>> bool(dark.max() < bright.min())
    True
    """
    noise = np.random.default_rng(0).integers(0, 512, (size, size), dtype=np.uint16)
    return [noise + np.uint16(1024 * level) for level in range(_LEVELS)]


class ViewerBenchmark(NamedTuple):
    """Frames to the window of a viewer, beside one that a script updates without PolyStore.

    Attributes
    ----------
    backend
        What frames are saved to.
    script
        Beside this module. It is given the size of the frames, makes the same, says ``ready`` when its window
        is open, and updates it with the next frame for each line that it reads.
    update
        How the script does that, in a word.
    size
        Height and width of a frame.
    target
        What is promised for one frame.
    per_second
        How many frames are promised of a stream.
    """

    backend: str
    script: str
    update: str
    size: int
    target: Target
    per_second: int

    def cases(self, folder: Path, *, quick: bool) -> Iterator[Case]:
        """Yield single frames, then a stream of as many as two seconds hold."""
        size, many = (64, 4) if quick else (self.size, 2 * self.per_second)
        with self._on_screens(size, folder) as (ours, peer):
            yield Case(
                f"a frame on the screen, to {self.update}",
                ours.show,
                peer.show,
                None if quick else self.target,
            )
            yield Case(
                f"{many} frames seen on the screen, to a clock of {self.per_second} a second",
                lambda: ours.stream(many, 1.25 * self.per_second),
                lambda: time.sleep(many / self.per_second),
                None if quick else ratio(1.0),
            )

    @contextmanager
    def _on_screens(self, size: int, folder: Path) -> Iterator[tuple[_Window, _Window]]:
        images = frames(size)
        manager = FileManager(BackendRegistry())
        places = [folder / "ours", folder / "peer"]
        for place in places:
            place.mkdir()
        with virtual_screen(framebuffer=places[1]), _running(self.script, size) as update:
            peer = _Window(places[1], update)
            with virtual_screen(framebuffer=places[0]), private_viewers():
                sink: Any = manager.stream(backend=self.backend)
                numbers = count()

                def save() -> None:
                    image = images[next(numbers) % len(images)]
                    manager.save(image, "live.tif", backend=self.backend, contrast=(0, 4095))

                save()
                manager.flush(backend=self.backend, timeout=_PATIENCE)
                try:
                    yield _Window(places[0], save), peer
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
        for still in _STILL:
            shown = self._pictures(still)
            follows = (shown[:_LEVELS] == shown[_LEVELS:]).all(axis=0)
            follows &= (shown[:_LEVELS] != np.roll(shown[:_LEVELS], 1, axis=0)).all(axis=0)
            rows = np.flatnonzero(follows.sum(axis=1) >= _WIDTH)
            if rows.size:
                break
        else:
            raise RuntimeError(f"on the screen of {folder.name} frames do not follow one another")
        self._pixel = rows[-1], np.flatnonzero(follows[rows[-1]])[_WIDTH // 2]
        self._colors = [int(picture[self._pixel]) for picture in shown[:_LEVELS]]

    def show(self) -> None:
        """Show the next frame, and return when it is on the screen."""
        color = self._send()
        end = time.monotonic() + _PATIENCE
        while self._screen[self._pixel] != color:
            _wait(end)

    def stream(self, count: int, per_second: float) -> None:
        """Show frames at a pace until so many of them were on the screen, whichever were left out."""
        begin = time.monotonic()
        sent = seen = 0
        before = self._screen[self._pixel]
        while seen < count:
            if time.monotonic() >= begin + sent / per_second:
                self._send()
                sent += 1
            color = self._screen[self._pixel]
            seen += color != before and color in self._colors
            before = color
            _wait(begin + _PATIENCE)
        self.show()

    def _send(self) -> int:
        """Have the next frame shown, and return its colour."""
        self._update()
        return self._colors[next(self._next) % _LEVELS]

    def _pictures(self, still: float) -> Array:
        """Return the screen after each frame, twice in turn, when nothing has moved on it for a while."""
        self._settle(still)
        pictures = []
        for _ in range(2 * _LEVELS):
            self._update()
            pictures.append(self._settle(still))
        return np.stack(pictures)

    def _settle(self, still: float) -> Array:
        end = time.monotonic() + _PATIENCE
        picture, since = self._screen.copy(), time.monotonic()
        while time.monotonic() < min(since + still, end):
            time.sleep(0.05)
            if not np.array_equal(picture, self._screen):
                picture, since = self._screen.copy(), time.monotonic()
        return picture


def _wait(end: float) -> None:
    if time.monotonic() > end:
        raise RuntimeError("a frame has not come to the screen")
    time.sleep(0.0001)


def _screen(file: Path) -> Array:
    """Map the pixels of a screen, as rows of 32 bits each; its format is XWD version 7, of X11/XWDFile.h."""
    header = np.fromfile(file, ">u4", 25)
    size, width, height, bits, row, colors = (int(header[place]) for place in (0, 4, 5, 11, 12, 19))
    if bits != 32 or row != 4 * width:
        raise RuntimeError(f"{file} has {bits} bits per pixel and {row} bytes per row")
    return np.memmap(file, np.uint32, "r", size + 12 * colors, (height, width))
