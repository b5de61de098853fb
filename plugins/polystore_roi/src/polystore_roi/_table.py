"""A list of regions as a table of plain numeric columns, in which they travel to viewers and stores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.errors import UnsupportedData
from polystore_roi._shapes import (
    Composite,
    Ellipse,
    Line,
    Mask,
    Points,
    Polygon,
    Polyline,
    Rectangle,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polystore_roi._roi import Roi

__all__ = ["COLUMNS", "COMPOSITE", "SHAPES", "rois_to_table"]

SHAPES: dict[int, type[Roi]] = {
    1: Polygon,
    2: Polyline,
    3: Line,
    4: Points,
    5: Rectangle,
    6: Ellipse,
    7: Text,
    8: Mask,
    9: Composite,
}
"""Code of each shape."""

COMPOSITE = 9
_CODES = {cls: code for code, cls in SHAPES.items()}

COLUMNS: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "kind": (np.uint8, ()),
    "plane": (np.int64, (3,)),
    "color": (np.int64, (2,)),
    "part_offset": (np.int64, ()),
    "part_kind": (np.uint8, ()),
    "ring_offset": (np.int64, ()),
    "vertex_offset": (np.int64, ()),
    "vertices": (np.float64, (2,)),
    "mask_bits": (np.uint8, ()),
    "text": (np.uint8, ()),
}
"""Every column: its dtype, and its shape beyond the first axis."""


def rois_to_table(rois: Iterable[Roi]) -> dict[str, np.ndarray[Any, Any]]:
    """Write a list of regions as columns of numbers.

    Parameters
    ----------
    rois
        Any regions.

    Returns
    -------
    dict of str to numpy.ndarray
        New arrays. With N regions of P parts (a composite has several, every other shape one), R rings and
        V vertices in all:

        ``kind`` uint8 (N,)
            1 polygon, 2 polyline, 3 line, 4 points, 5 rectangle, 6 ellipse, 7 text, 8 mask, 9 composite.
        ``plane`` int64 (N, 3)
            c, z, t; -1 for all.
        ``color`` int64 (N, 2)
            Stroke and fill as 0xRRGGBBAA; -1 for none.
        ``part_offset`` int64 (N + 1,), ``part_kind`` uint8 (P,)
            Region i has the parts ``part_offset[i]`` to ``part_offset[i + 1]``; their kinds.
        ``ring_offset`` int64 (P + 1,), ``vertex_offset`` int64 (R + 1,), ``vertices`` float64 (V, 2)
            The rings of each part and the vertices of each ring, y before x. The first ring of a polygon is
            its outline, the others are holes. A rectangle, ellipse or text is (y, x), (height, width),
            (angle, 0); a mask is (y, x), (height, width).
        ``mask_bits`` uint8 (B,)
            The pixels of each mask row by row, eight to a byte, the first in the highest bit; each mask
            begins a new byte.
        ``text`` uint8 (C,)
            UTF-8 JSON: an object with ``names`` (N texts), ``properties`` (N objects) and ``texts`` (one for
            each part that is a text); one that would hold nothing but empty values is left out.

    Raises
    ------
    UnsupportedData
        If something in the list is no region.

    Examples
    --------
    >>> from polystore_roi import Points, rois_from_table, rois_to_table
    >>> table = rois_to_table([Points([[1, 2], [3, 4]], z=5)])
    >>> table["kind"], table["plane"], table["vertices"].shape
    (array([4], dtype=uint8), array([[-1,  5, -1]]), (2, 2))
    >>> rois_from_table(table)
    [Points([[1, 2], [3, 4]], z=5)]
    """
    listed = list(rois)
    for roi in listed:
        if type(roi) not in _CODES:
            raise UnsupportedData(f"a list of regions holds {roi!r}, which is none")
    groups = [roi.parts if isinstance(roi, Composite) else (roi,) for roi in listed]
    parts = [part for group in groups for part in group]
    rings = [ring for part in parts for ring in part._rings]
    masks = [np.packbits(part.mask) for part in parts if isinstance(part, Mask)]
    return {
        "kind": np.array([_CODES[type(roi)] for roi in listed], np.uint8),
        "plane": _rows([[-1 if at is None else at for at in (roi.c, roi.z, roi.t)] for roi in listed], 3),
        "color": _rows([[_packed(roi.stroke), _packed(roi.fill)] for roi in listed], 2),
        "part_offset": _offsets([len(group) for group in groups]),
        "part_kind": np.array([_CODES[type(part)] for part in parts], np.uint8),
        "ring_offset": _offsets([len(part._rings) for part in parts]),
        "vertex_offset": _offsets([len(ring) for ring in rings]),
        "vertices": np.concatenate(rings) if rings else np.empty((0, 2)),
        "mask_bits": np.concatenate(masks) if masks else np.empty(0, np.uint8),
        "text": np.frombuffer(bytearray(_words(listed, parts)), np.uint8),
    }


def _words(rois: Sequence[Roi], parts: Sequence[Roi]) -> bytes:
    """Names, properties and texts as JSON; what is empty throughout is left out."""
    members = []
    if any(roi.name for roi in rois):
        members.append(f'"names":{json.dumps([roi.name for roi in rois], ensure_ascii=False)}')
    if any(roi._properties != "{}" for roi in rois):
        members.append(f'"properties":[{",".join(roi._properties for roi in rois)}]')
    texts = [part.text for part in parts if isinstance(part, Text)]
    if any(texts):
        members.append(f'"texts":{json.dumps(texts, ensure_ascii=False)}')
    return f"{{{','.join(members)}}}".encode()


def _rows(rows: list[list[int]], width: int) -> np.ndarray[Any, Any]:
    return np.array(rows, np.int64).reshape(-1, width)


def _offsets(counts: list[int]) -> np.ndarray[Any, Any]:
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def _packed(color: str | None) -> int:
    return -1 if color is None else int(color[1:].ljust(8, "f"), 16)
