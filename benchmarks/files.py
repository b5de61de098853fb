"""one image of 8 MB, to the bare numpy and tifffile: no fsync, same file system, warm cache.

A save over an existing file is compared with the bare library that writes beside it and calls ``os.replace``,
which leaves the old or the new file like ours, and for information with one that writes in place.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from benchmarks._compare import Case, ratio
from benchmarks._images import field_images
from polystore import BackendRegistry, FileManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Image = NDArray[np.uint16]


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield load, save under a new name and save over an existing file, for both formats."""
    (image,) = field_images(1, 64 if quick else 2048)
    yield from _cases(folder, image, ".npy", np.save, np.load)
    yield from _cases(folder, image, ".tif", tifffile.imwrite, tifffile.imread)
    kept = str(folder / "ours.npy")
    fm = FileManager(BackendRegistry())
    yield Case(
        ".npy load, copy=False, to mmap_mode='r'",
        lambda: fm.load(kept, backend="disk", copy=False),
        lambda: np.load(kept, mmap_mode="r"),
        ratio(1.1),
    )


def _cases(
    folder: Path,
    image: Image,
    suffix: str,
    write: Callable[[str, Image], object],
    read: Callable[[str], Any],
) -> Iterator[Case]:
    fm = FileManager(BackendRegistry())
    ours, peer = str(folder / f"ours{suffix}"), str(folder / f"peer{suffix}")

    def save() -> str:
        fm.save(image, ours, backend="disk")
        return ours

    def bare() -> str:
        write(peer, image)
        return peer

    def bare_beside() -> str:
        write(f"{peer}.part{suffix}", image)
        os.replace(f"{peer}.part{suffix}", peer)
        return peer

    def remove() -> None:
        for path in (ours, peer):
            Path(path).unlink(missing_ok=True)

    def same(one: str, other: str) -> bool:
        return np.array_equal(read(one), image) and np.array_equal(read(other), image)

    yield Case(f"{suffix} save, new name", save, bare, ratio(1.1), same, remove)
    save()
    bare()
    yield Case(f"{suffix} save, over a file, to os.replace", save, bare_beside, ratio(1.1), same)
    yield Case(f"{suffix} save, over a file, to in place", save, bare, None, same)
    yield Case(f"{suffix} load", lambda: fm.load(ours, backend="disk"), lambda: read(ours), ratio(1.1))
