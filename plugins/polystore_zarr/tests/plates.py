"""Small plates for the tests."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from ome_zarr_models import v04, v05

PATTERN = "{well}_s{site:d}_w{channel:d}_z{z:d}.tif"
STORE = "plate.ome.zarr"

Plane = np.ndarray[Any, Any]


def paths_of(
    wells: Iterable[str],
    sites: Iterable[int] = (1,),
    channels: Iterable[int] = (1, 2),
    zs: Iterable[int] = (5, 10),
) -> list[str]:
    """Return the paths of all planes of some fields."""
    return [f"{w}_s{s}_w{c}_z{z}.tif" for w in wells for s in sites for c in channels for z in zs]


def plane_of(path: str, height: int = 20, width: int = 30) -> Plane:
    """Return pixels that tell which path they belong to."""
    rng = np.random.default_rng(zlib.crc32(path.encode()))
    return rng.integers(0, 4000, (height, width), dtype=np.uint16)


def validated(store: Path) -> list[str]:
    """Validate a plate in a directory; see :func:`listed_fields`."""
    return listed_fields(zarr.open_group(store, mode="r"))


def listed_fields(group: Any) -> list[str]:
    """Validate a plate with ome-zarr-models and return the paths of all fields that it lists."""
    plate = plate_model(group)
    wells = attributes_of(plate).plate.wells
    groups = list(plate.well_groups)
    assert len(groups) == len(wells), "a well is listed and not there"
    return [
        f"{well.path}/{image.path}"
        for well, group in zip(wells, groups, strict=True)
        for image in attributes_of(group).well.images
    ]


def plate_model(group: Any) -> Any:
    """Validate a plate of OME-NGFF 0.5, or 0.4 if it is of Zarr v2."""
    return (v05 if group.metadata.zarr_format == 3 else v04).HCS.from_zarr(group)


def attributes_of(model: Any) -> Any:
    """Return what a model of either version says."""
    return model.ome_attributes if hasattr(model, "ome_attributes") else model.attributes
