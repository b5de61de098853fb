"""A stack of planes that tests write by regions, and the grids they lay it out in."""

from __future__ import annotations

from typing import Any

import numpy as np

from polystore_core import FileManager

STACK = np.arange(10 * 30 * 20, dtype=np.uint16).reshape(10, 30, 20)
GRIDS: list[dict[str, Any]] = [
    {"chunks": (4, 16, 16)},
    {"chunks": (2, 8, 8), "shards": (4, 16, 16)},
    {"chunks": (4, 16, 16), "compression": "blosc"},
]


def declare(fm: FileManager, path: str) -> None:
    """Make an array of which the first chunk of planes is written."""
    fm.save(STACK[:4], path, backend="zarr", region=np.s_[:4], shape=STACK.shape, chunks=(4, 30, 20))
