"""frames of 1024 x 1024 pixels to the screen of ImageJ, to updating it directly and to 30 a second."""

from __future__ import annotations

from benchmarks._compare import ratio
from benchmarks._on_screen import ViewerBenchmark

cases = ViewerBenchmark(
    backend="fiji_stream",
    script="_imagej_direct.py",
    update="updateAndDraw",
    size=1024,
    target=ratio(1.5),
    per_second=30,
).cases
