"""Zarr arrays and plates, to bare zarr-python with the same chunks and codecs.

Of a plate of 384 wells one plane is read, and as the peer the whole field that it lies in.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numpy.typing import NDArray

from benchmarks._compare import Case, ratio
from benchmarks._images import field_images
from polystore import BackendRegistry, FileManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Image = NDArray[np.uint16]

_PATTERN = "{well}_w{channel:d}_z{z:d}.tif"


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield save and load of a plane, of a stack and of shards, then a plane out of a plate."""
    side = 64 if quick else 1080
    images = np.stack(field_images(8, side))
    yield from _cases(folder / "plane", images[0], (side, side), None)
    yield from _cases(folder / "stack", images, (1, side, side), None)
    yield from _cases(folder / "shards", images, (1, side // 2, side // 2), (8, side, side))
    yield _plane_of_plate(folder, images[:, : side // 2, : side // 2], wells=4 if quick else 384)


def _cases(
    folder: Path, image: Image, chunks: tuple[int, ...], shards: tuple[int, ...] | None
) -> Iterator[Case]:
    fm = FileManager(BackendRegistry({"zarr": {"root": folder}}))
    peer = folder / "peer"

    def save() -> None:
        fm.save(image, "ours", backend="zarr", chunks=chunks, shards=shards)

    def bare() -> None:
        with zarr.config.set({"array.write_empty_chunks": True}):
            array = zarr.create_array(
                peer, shape=image.shape, dtype=image.dtype, chunks=chunks, shards=shards, fill_value=0
            )
            array[...] = image

    def remove() -> None:
        for path in (folder / "ours", peer):
            shutil.rmtree(path, ignore_errors=True)

    def same(_ours: object, _peer: object) -> bool:
        return all(np.array_equal(_bare_load(path), image) for path in (folder / "ours", peer))

    name = folder.name
    yield Case(f"{name} save", save, bare, ratio(1.05), same, remove)
    remove()
    save()
    bare()
    yield Case(f"{name} load", lambda: fm.load("ours", backend="zarr"), lambda: _bare_load(peer), ratio(1.05))


def _bare_load(path: Path) -> Any:
    return np.asarray(zarr.open_array(path, mode="r")[...])


def _plane_of_plate(folder: Path, field: Image, wells: int) -> Case:
    fm = FileManager(BackendRegistry({"zarr": {"root": folder}}))
    names = [f"{chr(ord('A') + n // 24)}{n % 24 + 1:02d}" for n in range(wells)]
    for well in names:
        paths = [f"{well}_w1_z{z}.tif" for z in range(len(field))]
        fm.save_batch(list(field), paths, backend="zarr", pattern=_PATTERN, store="plate.ome.zarr", levels=1)
    array = folder / "plate.ome.zarr" / names[-1][0] / str(int(names[-1][1:])) / "0" / "0"
    return Case(
        f"plane of {wells} wells, to its bare field",
        lambda: fm.load(f"{names[-1]}_w1_z3.tif", backend="zarr", store="plate.ome.zarr", pattern=_PATTERN),
        lambda: _bare_load(array)[0, 3],
        ratio(1.0),
    )
