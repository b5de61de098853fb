"""one image of 8 MB through the memory backend, to numpy.copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks._compare import Case, added, ratio
from benchmarks._images import field_images
from polystore import BackendRegistry, FileManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:  # noqa: ARG001
    """Yield save and load, copying and not."""
    (image,) = field_images(1, 64 if quick else 2048)
    fm = FileManager(BackendRegistry())
    fm.save(image, "kept.npy", backend="memory")
    kept: dict[str, NDArray[np.uint16]] = {}

    def save() -> NDArray[np.uint16]:
        fm.save(image, "plate/A01.npy", backend="memory")
        return image

    def keep() -> NDArray[np.uint16]:
        kept["plate/A01.npy"] = image.copy()
        return image

    yield Case("save, to a dictionary of copies", save, keep, ratio(1.1))
    stored = fm.load("kept.npy", backend="memory", copy=False)
    yield Case("load, to a copy", lambda: fm.load("kept.npy", backend="memory"), stored.copy, ratio(1.1))
    adopted = image.copy()
    calls = 5 if quick else 1000
    yield Case(
        "save, copy=False, to a dictionary",
        lambda: fm.save(adopted, "plate/A02.npy", backend="memory", copy=False),
        lambda: kept.update({"plate/A02.npy": adopted}),
        added(20, "us"),
        calls=calls,
    )
    yield Case(
        "load, copy=False, to a view",
        lambda: fm.load("kept.npy", backend="memory", copy=False),
        image.view,
        added(20, "us"),
        calls=calls,
    )
