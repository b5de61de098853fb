"""Regions of interest: label images to outlines, beside a loop of scikit-image over the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks._compare import Case, ratio
from polystore_roi import labels_from_rois, rois_from_labels, rois_from_table, rois_to_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Array = np.ndarray[Any, Any]


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield the extraction of touching objects, as masks and as outlines, and a way through the table."""
    from skimage.measure import find_contours, regionprops

    side = 4 if quick else 32
    labels = np.kron(np.arange(1, side**2 + 1).reshape(side, side), np.ones((32, 32), np.int32))

    def masks() -> int:
        return len(rois_from_labels(labels))

    def polygons() -> int:
        return len(rois_from_labels(labels, kind="polygon"))

    def loop() -> int:
        found = [find_contours(np.pad(region.image, 1), 0.5) for region in regionprops(labels)]
        return len(found)

    yield Case(f"{side**2} objects to masks", masks, loop, ratio(0.2))
    yield Case(f"{side**2} objects to outlines", polygons, loop, ratio(0.2))

    rois = rois_from_labels(labels, kind="polygon")
    table = rois_to_table(rois)

    def there_and_back() -> Array:
        return labels_from_rois(rois_from_table(table), labels.shape, dtype=labels.dtype)[0]

    def directly() -> Array:
        return labels_from_rois(rois, labels.shape, dtype=labels.dtype)[0]

    yield Case("outlines out of a table, to those at hand", there_and_back, directly, None)
