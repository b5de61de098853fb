"""frames of 1024 x 1024 pixels to the screen of ImageJ, to updating it directly and to 30 a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks._compare import Case, ratio
from benchmarks._on_screen import on_screens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PER_SECOND = 30


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield single frames, then as many as fit into two seconds at 30 a second, each seen on the screen."""
    size, count = (64, 4) if quick else (1024, 60)
    with on_screens("fiji_stream", "live.tif", "_imagej_direct.py", size, folder) as (show, show_directly):
        yield Case(
            "a frame on the screen, to updateAndDraw",
            show,
            show_directly,
            None if quick else ratio(1.5),
        )
        yield Case(
            f"{count} frames on the screen in turn, to a clock of {_PER_SECOND} a second",
            show,
            lambda: time.sleep(1 / _PER_SECOND),
            None if quick else ratio(1.0),
            calls=count,
        )
