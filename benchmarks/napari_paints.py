"""frames of 2048 x 2048 pixels to the screen of napari, to layer.data = frame and to 20 a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks._compare import Case, ratio
from benchmarks._on_screen import on_screens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PER_SECOND = 20


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield single frames, then as many as fit into two seconds at 20 a second, each seen on the screen."""
    size, count = (64, 4) if quick else (2048, 40)
    with on_screens("napari_stream", "live.tif", "_napari_direct.py", size, folder) as (show, show_directly):
        yield Case(
            "a frame on the screen, to layer.data = frame",
            show,
            show_directly,
            None if quick else ratio(1.3),
        )
        yield Case(
            f"{count} frames on the screen in turn, to a clock of {_PER_SECOND} a second",
            show,
            lambda: time.sleep(1 / _PER_SECOND),
            None if quick else ratio(1.0),
            calls=count,
        )
