"""Zarr arrays, to bare zarr-python with the same chunks and codecs."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from benchmarks._compare import Case, ratio
from benchmarks._images import field_images
from polystore import BackendRegistry, FileManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Image = NDArray[np.uint16]


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield save and load of a plane, of a stack, of tiles and of shards."""
    side = 64 if quick else 1080
    images = np.stack(field_images(8, side))
    yield from _cases(folder / "plane", images[0], (side, side), None)
    yield from _cases(folder / "stack", images, (1, side, side), None)
    yield from _cases(folder / "tiles", images, (1, side // 4, side // 4), None)
    yield from _cases(folder / "shards", images, (1, side // 2, side // 2), (8, side, side))


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
                peer,
                shape=image.shape,
                dtype=image.dtype,
                chunks=chunks,
                shards=shards,
                fill_value=0,
                compressors=ZstdCodec(level=1),
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
