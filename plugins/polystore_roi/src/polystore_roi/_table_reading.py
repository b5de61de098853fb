"""Reading regions from a table that may come from anywhere: everything in it is checked first."""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from polystore_core.errors import CorruptData, UnsupportedData
from polystore_roi._assembling import PLAIN, assembled
from polystore_roi._checks import HIGHEST_PLANE, LARGEST, canonical
from polystore_roi._checks import text as checked_text
from polystore_roi._shapes import Mask
from polystore_roi._table import COLUMNS, COMPOSITE, SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from polystore_roi._assembling import AttributeValues
    from polystore_roi._roi import Roi

__all__ = ["rois_from_table"]

_Array = np.ndarray[Any, Any]

_POLYGON, _BOXES, _TEXT, _MASK = 1, (5, 6, 7), 7, 8
_FEWEST = np.array([0, 3, 2, 2, 1, 3, 3, 3, 2], np.int64)
_MOST = np.array([0, 2**62, 2**62, 2, 2**62, 3, 3, 3, 2], np.int64)
"""Vertices that a ring of each kind may have."""


def rois_from_table(table: Mapping[str, np.ndarray[Any, Any]]) -> list[Roi]:
    """Read the regions that :func:`rois_to_table` wrote.

    Parameters
    ----------
    table
        The columns; they may come from anywhere. Every offset, length, count and code is checked before it is
        used, and memory stays in proportion to the table.

    Returns
    -------
    list of Roi
        They share nothing with the table.

    Raises
    ------
    CorruptData
        If the table is none that :func:`rois_to_table` could have written.
    """
    columns = {name: _column(table, name) for name in COLUMNS}
    unknown = set(table) - set(COLUMNS)
    if unknown:
        _refuse(f"it has the unknown column {min(map(str, unknown))!r}")
    kinds, part_kinds = columns["kind"], columns["part_kind"]
    if len(kinds) and not (kinds.min() >= 1 and kinds.max() <= COMPOSITE):
        _refuse("the column 'kind' holds an unknown code")
    if len(part_kinds) and not (part_kinds.min() >= 1 and part_kinds.max() < COMPOSITE):
        _refuse("the column 'part_kind' holds an unknown code")
    part_offsets = _offsets(columns, "part_offset", len(kinds), len(part_kinds))
    ring_count = len(columns["vertex_offset"]) - 1
    ring_offsets = _offsets(columns, "ring_offset", len(part_kinds), ring_count)
    vertices = np.array(columns["vertices"], order="C")
    vertex_offsets = _offsets(columns, "vertex_offset", ring_count, len(vertices))
    _check_parts(kinds, part_kinds, np.diff(part_offsets), part_offsets)
    _check_rings(part_kinds, np.diff(ring_offsets), np.diff(vertex_offsets))
    if not (np.abs(vertices) <= LARGEST).all():
        _refuse("a coordinate is not finite, or beyond 2**53")
    vertices += 0.0
    vertices.flags.writeable = False

    words = _words(columns["text"])
    texts = _texts(words, int(np.count_nonzero(part_kinds == _TEXT)))
    first_rows = vertex_offsets[:-1][ring_offsets[:-1]] if len(part_kinds) else np.empty(0, np.int64)
    _check_boxes(vertices, first_rows[np.isin(part_kinds, _BOXES)])
    masks = _masks(vertices, first_rows[part_kinds == _MASK], columns["mask_bits"])

    ends = vertex_offsets.tolist()
    rings = [vertices[start:stop] for start, stop in pairwise(ends)]
    shapes = list(_shapes(part_kinds.tolist(), ring_offsets.tolist(), rings, texts, masks))
    attributes = _attributes(columns, words, len(kinds))
    return _regions(kinds.tolist(), part_offsets.tolist(), shapes, attributes)


def _refuse(problem: str) -> NoReturn:
    raise CorruptData(f"this is no table of regions: {problem}")


def _column(table: Mapping[str, _Array], name: str) -> _Array:
    if name not in table:
        _refuse(f"the column {name!r} is missing")
    column: Any = table[name]
    dtype, rest = COLUMNS[name]
    if not isinstance(column, np.ndarray) or column.dtype != dtype:
        found = getattr(column, "dtype", type(column).__name__)
        _refuse(f"the column {name!r} is {found}, not {np.dtype(dtype)}")
    if column.ndim != 1 + len(rest) or column.shape[1:] != rest:
        _refuse(f"the column {name!r} has the shape {column.shape}")
    return column


def _offsets(columns: Mapping[str, _Array], name: str, owners: int, owned: int) -> _Array:
    """Return offsets after checking that they divide ``owned`` items among ``owners``."""
    offsets = columns[name]
    if len(offsets) != owners + 1:
        _refuse(f"the column {name!r} has {len(offsets)} rows, not {owners + 1}")
    if offsets[0] != 0 or offsets[-1] != owned or (offsets[1:] < offsets[:-1]).any():
        _refuse(f"the column {name!r} does not lead from 0 to {owned} in steps forward")
    return offsets


def _check_parts(kinds: _Array, part_kinds: _Array, counts: _Array, offsets: _Array) -> None:
    if (counts < 1).any():
        _refuse("a region has no part")
    single = kinds != COMPOSITE
    if (counts[single] != 1).any():
        _refuse("a region that is no composite has several parts")
    if (part_kinds[offsets[:-1][single]] != kinds[single]).any():
        _refuse("a region and its only part are of different kinds")


def _check_rings(part_kinds: _Array, ring_counts: _Array, vertex_counts: _Array) -> None:
    if (ring_counts < 1).any() or (ring_counts[part_kinds != _POLYGON] > 1).any():
        _refuse("a part has the wrong number of rings for its kind")
    ring_kinds = np.repeat(part_kinds, ring_counts)
    if (vertex_counts < _FEWEST[ring_kinds]).any() or (vertex_counts > _MOST[ring_kinds]).any():
        _refuse("a ring has the wrong number of vertices for its kind")


def _check_boxes(vertices: _Array, rows: _Array) -> None:
    if (vertices[rows + 1] < 0).any() or (vertices[rows + 2, 1] != 0).any():
        _refuse("the numbers of a rectangle, ellipse or text are none of a box")


def _masks(vertices: _Array, rows: _Array, bits: _Array) -> Iterator[_Array]:
    """Return the pixels of each mask, after checking that their sizes fit the bits there are."""
    origins, sizes = vertices[rows], vertices[rows + 1]
    if (origins != np.floor(origins)).any() or (sizes != np.floor(sizes)).any() or (sizes < 1).any():
        _refuse("the place or size of a mask is not whole")
    areas = sizes[:, 0] * sizes[:, 1]
    if (areas > 8.0 * len(bits)).any() or np.ceil(areas / 8).sum() != len(bits):
        _refuse("the column 'mask_bits' does not have the bits of the masks")
    return _unpacked(sizes.astype(np.int64).tolist(), np.array(bits))


def _unpacked(sizes: list[list[int]], bits: _Array) -> Iterator[_Array]:
    start = 0
    for height, width in sizes:
        stop = start + (height * width + 7) // 8
        mask = np.unpackbits(bits[start:stop], count=height * width).view(np.bool_).reshape(height, width)
        if not (mask[0].any() and mask[-1].any() and mask[:, 0].any() and mask[:, -1].any()):
            _refuse("a mask is not cropped to its pixels")
        mask.flags.writeable = False
        yield mask
        start = stop


def _words(column: _Array) -> dict[str, Any]:
    """Decode the names, properties and texts."""
    try:
        words = json.loads(column.tobytes(), parse_constant=_refuse)
    except CorruptData:
        raise
    except (ValueError, RecursionError) as error:
        raise CorruptData(f"this is no table of regions: its texts are no JSON: {error}") from error
    if type(words) is not dict or not words.keys() <= {"names", "properties", "texts"}:
        _refuse("its texts are no object of names, properties and texts")
    return words


def _listed(words: dict[str, Any], member: str, count: int, kind: type) -> list[Any] | None:
    listed = words.get(member)
    if member not in words:
        return None
    if type(listed) is not list or len(listed) != count or any(type(item) is not kind for item in listed):
        _refuse(f"its {member} are not {count} values of type {kind.__name__}")
    return listed


def _texts(words: dict[str, Any], count: int) -> Iterator[str]:
    try:
        texts = [checked_text(text, "a text") for text in _listed(words, "texts", count, str) or [""] * count]
    except UnsupportedData as error:
        raise CorruptData(f"this is no table of regions: {error}") from error
    return iter(texts)


def _shapes(
    kinds: list[int],
    ring_offsets: list[int],
    rings: list[_Array],
    texts: Iterator[str],
    masks: Iterator[_Array],
) -> Iterator[tuple[type[Roi], tuple[_Array, ...], dict[str, Any]]]:
    """Yield class, rings and the rest of each part."""
    for kind, (start, stop) in zip(kinds, pairwise(ring_offsets), strict=True):
        extra: dict[str, Any] = {}
        if kind == _TEXT:
            extra = {"text": next(texts)}
        elif SHAPES[kind] is Mask:
            extra = {"mask": next(masks)}
        yield SHAPES[kind], tuple(rings[start:stop]), extra


def _attributes(columns: Mapping[str, _Array], words: dict[str, Any], count: int) -> list[AttributeValues]:
    planes, colors = columns["plane"], columns["color"]
    if len(planes) != count or len(colors) != count:
        _refuse("the columns 'plane' and 'color' do not have a row for each region")
    if count and (planes.min() < -1 or planes.max() > HIGHEST_PLANE):
        _refuse("the column 'plane' holds a number that is no plane")
    if count and (colors.min() < -1 or colors.max() >= 2**32):
        _refuse("the column 'color' holds a number that is no colour")
    names = _listed(words, "names", count, str) or [""] * count
    properties = _listed(words, "properties", count, dict) or [{}] * count
    try:
        return [
            (
                checked_text(name, "name") if name else "",
                _color(stroke),
                _color(fill),
                None if c < 0 else c,
                None if z < 0 else z,
                None if t < 0 else t,
                canonical(free),
            )
            for name, (stroke, fill), (c, z, t), free in zip(
                names, colors.tolist(), planes.tolist(), properties, strict=True
            )
        ]
    except UnsupportedData as error:
        raise CorruptData(f"this is no table of regions: {error}") from error


@lru_cache(maxsize=4096)
def _color(packed: int) -> str | None:
    if packed < 0:
        return None
    return f"#{packed >> 8:06x}" if packed & 0xFF == 0xFF else f"#{packed:08x}"


def _regions(
    kinds: list[int],
    part_offsets: list[int],
    shapes: list[tuple[type[Roi], tuple[_Array, ...], dict[str, Any]]],
    attributes: list[AttributeValues],
) -> list[Roi]:
    rois = []
    for kind, (start, stop), values in zip(kinds, pairwise(part_offsets), attributes, strict=True):
        if kind == COMPOSITE:
            parts = tuple(assembled(cls, rings, PLAIN, **extra) for cls, rings, extra in shapes[start:stop])
            rois.append(assembled(SHAPES[kind], (), values, parts=parts))
        else:
            cls, rings, extra = shapes[start]
            rois.append(assembled(cls, rings, values, **extra))
    return rois
