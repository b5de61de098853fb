"""frames of 2048 x 2048 pixels to the screen of napari, to layer.data = frame and to 20 a second.

A frame counts when napari has painted it and its event loop goes on: the viewer is asked until it knows how
long the paint took. The peer is one process that holds window and pixels together and waits as long.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks._compare import Case, ratio
from benchmarks._on_screen import direct, streaming
from polystore_streaming.testing import private_viewers, virtual_screen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATH = "live.tif"
_FRAMES = 8
_PER_SECOND = 20


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield single frames, then as many as fit into two seconds at 20 a second."""
    del folder
    size, count = (64, 4) if quick else (2048, 40)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 4096, (size, size), dtype=np.uint16) for _ in range(_FRAMES)]
    with ExitStack() as stack:
        stack.enter_context(virtual_screen())
        stack.enter_context(private_viewers())
        manager = stack.enter_context(streaming("napari_stream"))
        sink: Any = manager.stream(backend="napari_stream", contrast=(0, 4095))
        update = stack.enter_context(direct("_napari_direct.py", size, NAPARI_CONFIG=""))

        def paints() -> int:
            return int(sink.status()["paints"])

        painted: list[float | None] = [None]

        def show(number: int) -> None:
            sink.append(images[number % _FRAMES], _PATH)
            sink.flush(60)
            while (latency := sink.status()["latency"]) == painted[0]:
                time.sleep(0.001)
            painted[0] = latency

        def series(frames: int) -> None:
            end = paints() + frames
            while paints() < end:
                for number in range(_FRAMES):
                    sink.append(images[number], _PATH)
                    time.sleep(1 / 60)

        def holds() -> bool:
            sink.append(images[3], _PATH)
            return bool(np.array_equal(sink.pixels(_PATH), images[3]))

        show(0)
        yield Case(
            "a frame on the screen, to layer.data = frame",
            lambda: show(1),
            update,
            None if quick else ratio(1.3),
            same=lambda *_: holds(),
        )
        yield Case(
            f"{count} paints of new frames, to a clock of {_PER_SECOND} a second",
            lambda: series(count),
            lambda: time.sleep(count / _PER_SECOND),
            None if quick else ratio(1.0),
            same=lambda *_: holds(),
        )
