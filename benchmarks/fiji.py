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
    """Yield single frames, then a stream of as many as two seconds hold at 30 a second."""
    size, count = (64, 4) if quick else (1024, 60)
    with on_screens("fiji_stream", "live.tif", "_imagej_direct.py", size, folder) as (ours, peer):
        yield Case(
            "a frame on the screen, to updateAndDraw",
            ours.show,
            peer.show,
            None if quick else ratio(1.5),
        )
        yield Case(
            f"{count} frames seen on the screen, to a clock of {_PER_SECOND} a second",
            lambda: ours.stream(count, 1.25 * _PER_SECOND),
            lambda: time.sleep(count / _PER_SECOND),
            None if quick else ratio(1.0),
        )
