"""Read a store with napari's reader of OME-Zarr, in a process of its own; run by the tests.

Writes the pixels of every level to an ``.npz`` file and prints what the layers are as JSON, in the last line.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np


def main(store: str, pixels: str) -> None:
    """Read a store."""
    from napari_ome_zarr import napari_get_reader

    read: Any = napari_get_reader(store)
    assert read is not None, "the reader refuses the path"
    arrays: dict[str, Any] = {}
    layers = []
    for number, (levels, metadata, kind) in enumerate(read(store)):
        arrays |= {f"{number}/{level}": np.asarray(data) for level, data in enumerate(levels)}
        colors = [np.asarray(colormap.colors).tolist() for colormap in metadata.pop("colormap", [])]
        shown = {name: value for name, value in metadata.items() if name != "affine"}
        layers.append({"kind": kind, "colors": colors, **shown})
    np.savez(pixels, **arrays)
    print(json.dumps(layers))


if __name__ == "__main__":
    main(*sys.argv[1:])
