"""frames of 1024 x 1024 pixels to the screen of ImageJ, to updating it directly and to 30 a second.

A frame counts when ImageJ has painted it: the viewer answers a question about its layers after it has painted
what came before. The peer is one process that holds Java and pixels together and waits for the paint as well;
the same question, asked after it, takes what the answer takes out of the comparison.
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
_PER_SECOND = 30


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield single frames, then as many as fit into two seconds at 30 a second."""
    size, count = (64, 4) if quick else (1024, 60)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 4096, (size, size), dtype=np.uint16) for _ in range(_FRAMES)]
    with ExitStack() as stack:
        stack.enter_context(virtual_screen())
        stack.enter_context(private_viewers())
        manager = stack.enter_context(streaming("fiji_stream"))
        sink: Any = manager.stream(backend="fiji_stream", contrast=(0, 4095))
        update = stack.enter_context(direct("_imagej_direct.py", size, HOME=str(folder)))

        def show(number: int) -> None:
            sink.append(images[number % _FRAMES], _PATH)
            sink.layers()

        def show_directly() -> None:
            update()
            sink.layers()

        def series(frames: int) -> None:
            for number in range(frames):
                show(number)

        def holds() -> bool:
            show(3)
            return bool(np.array_equal(sink.pixels(_PATH), images[3]))

        show(0)
        yield Case(
            "a frame on the screen, to a direct update",
            lambda: show(1),
            show_directly,
            None if quick else ratio(1.5),
            same=lambda *_: holds(),
        )
        yield Case(
            f"{count} frames on the screen, to a clock of {_PER_SECOND} a second",
            lambda: series(count),
            lambda: time.sleep(count / _PER_SECOND),
            None if quick else ratio(1.0),
            same=lambda *_: holds(),
        )
