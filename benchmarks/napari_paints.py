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
    """Yield single frames, then a stream of as many as two seconds hold at 20 a second."""
    size, count = (64, 4) if quick else (2048, 40)
    with on_screens("napari_stream", "live.tif", "_napari_direct.py", size, folder) as (ours, peer):
        yield Case(
            "a frame on the screen, to layer.data = frame",
            ours.show,
            peer.show,
            None if quick else ratio(1.3),
        )
        yield Case(
            f"{count} frames seen on the screen, to a clock of {_PER_SECOND} a second",
            lambda: ours.stream(count, 1.25 * _PER_SECOND),
            lambda: time.sleep(count / _PER_SECOND),
            None if quick else ratio(1.0),
        )
