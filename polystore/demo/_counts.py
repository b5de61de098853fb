"""How many objects were found where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polystore_core.paths import natural_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from polystore.demo._source import Source

__all__ = ["Count", "as_table", "count_objects"]


@dataclass(frozen=True, slots=True)
class Count:
    """Objects of one well and channel, or of one image where names carry no wells.

    Attributes
    ----------
    place
        Well, or name of the image.
    channel
        Channel; empty where names carry none.
    images
        How many images (fields, planes) were counted.
    objects
        How many objects they hold together.
    """

    place: str
    channel: str
    images: int
    objects: int


def count_objects(source: Source, objects: Sequence[int]) -> list[Count]:
    """Add up the objects of each image by well and channel, in natural order."""
    sums: dict[tuple[str, str], list[int]] = {}
    for name, coordinates, number in zip(source.names, source.coordinates(), objects, strict=True):
        well = coordinates.well if coordinates is not None else None
        channel = "" if coordinates is None else str(coordinates.by_axis().get("channel", ""))
        sums.setdefault((well or name, channel), []).append(number)
    ordered = sorted(sums.items(), key=lambda item: (natural_key(item[0][0]), natural_key(item[0][1])))
    return [Count(place, channel, len(numbers), sum(numbers)) for (place, channel), numbers in ordered]


def as_table(counts: Sequence[Count]) -> dict[str, np.ndarray[Any, Any]]:
    """Give the counts as named columns."""
    import numpy as np

    return {
        column: np.array([getattr(count, column) for count in counts])
        for column in ("place", "channel", "images", "objects")
    }
