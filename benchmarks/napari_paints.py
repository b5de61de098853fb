"""frames of 2048 x 2048 pixels to the screen of napari, to layer.data = frame and to 20 a second."""

from __future__ import annotations

from benchmarks._compare import ratio
from benchmarks._on_screen import ViewerBenchmark

cases = ViewerBenchmark(
    backend="napari_stream",
    script="_napari_direct.py",
    update="layer.data = frame",
    size=2048,
    target=ratio(1.3),
    per_second=20,
).cases
