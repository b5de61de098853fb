"""One region as the bytes of one ``.roi`` file, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from polystore_core.errors import CorruptData, PolyStoreError, UnsupportedData
from polystore_roi._exact import differences, restored
from polystore_roi._imagej._attributes import read_attributes, write_attributes
from polystore_roi._imagej._native import Native
from polystore_roi._imagej._properties import EXACT, joined, split
from polystore_roi._imagej._reading import read_shape
from polystore_roi._imagej._writing import is_fragile, unshown, write_shape

if TYPE_CHECKING:
    from polystore_roi._roi import Roi

__all__ = ["Positions", "roi_from_imagej", "roi_to_imagej"]

Positions: TypeAlias = Literal["hyperstack", "stack"]


def roi_to_imagej(
    roi: Roi, *, positions: Positions = "hyperstack", unnamed: str = ""
) -> tuple[bytes, list[str]]:
    """Return a region as the bytes that ImageJ's ``RoiDecoder`` reads, and what ImageJ does not show of it.

    ImageJ shows shape (rounded to float32), name, colours and place; whatever it would not give back
    exactly is written beside it among the properties that ImageJ keeps with the region.

    Parameters
    ----------
    roi
        The region.
    positions
        ``"hyperstack"`` writes c, z and t; ``"stack"`` writes z as the position in a plain stack, which has
        no other axis.
    unnamed
        What the reader will call a region without a name, as ImageJ does by the name of the file.

    Returns
    -------
    content : bytes
        The content of a ``.roi`` file.
    unshown : list of str
        What ImageJ does not show; :func:`roi_from_imagej` restores it nevertheless.

    Raises
    ------
    UnsupportedData
        If the coordinates lie beyond what ImageJ can address.

    Examples
    --------
    >>> from polystore_roi import Rectangle, roi_from_imagej, roi_to_imagej
    >>> content, unshown = roi_to_imagej(Rectangle(10, 20, 5, 6, name="cell", z=2))
    >>> content[:4], unshown
    (b'Iout', [])
    >>> roi_from_imagej(content)
    (Rectangle(10, 20, 5, 6, name='cell', z=2), [])
    """
    native, words = _to_native(roi, positions)
    back, _ = _from_native(Native.from_bytes(native.to_bytes()), unnamed)
    exact = differences(roi, back, fragile=is_fragile(roi))
    if exact:
        written = json.dumps(exact, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        native.properties = joined({**words, EXACT: written})
    missing = unshown(roi)
    if positions == "stack" and (roi.c is not None or roi.t is not None):
        missing.append("c and t, because a plain stack has no such axes")
    return native.to_bytes(), missing


def roi_from_imagej(content: bytes, *, unnamed: str = "") -> tuple[Roi, list[str]]:
    """Read the bytes of a ``.roi`` file, which may come from anywhere.

    Parameters
    ----------
    content
        The file.
    unnamed
        Name for a region that has none of its own, as ImageJ takes it from the file's name.

    Returns
    -------
    roi : Roi
        The region. What ImageJ knows beyond the model (stroke width, group, kind of selection and so on) is
        in its property ``"imagej"``.
    lost : list of str
        What of it was not understood.

    Raises
    ------
    CorruptData
        If it is no such file.
    """
    try:
        native = Native.from_bytes(content)
        _, exact = _split_exact(native.properties)
        back, lost = _from_native(native, unnamed)
        if exact is None:
            return back, lost

        def through(roi: Roi) -> Roi:
            again, _ = _to_native(roi, "hyperstack" if native.in_hyperstack else "stack")
            return _from_native(Native.from_bytes(again.to_bytes()), unnamed)[0]

        return restored(back, exact, through, "the region"), lost
    except (CorruptData, MemoryError):
        raise
    except UnsupportedData as error:
        raise CorruptData(f"not a region that can be read: {error}") from error
    except PolyStoreError:
        raise
    except Exception as error:  # a damaged file can make the reader raise nearly anything
        raise CorruptData(f"not an ImageJ region that can be read: {error}") from error


def _to_native(roi: Roi, positions: Positions) -> tuple[Native, dict[str, str]]:
    native = write_shape(roi)
    words = write_attributes(roi, native, positions)
    native.properties = joined(words)
    return native, words


def _from_native(native: Native, unnamed: str = "") -> tuple[Roi, list[str]]:
    words, _ = _split_exact(native.properties)
    shape, lost = read_shape(native)
    attributes, further = read_attributes(native, words, unnamed)
    return shape.replace(**attributes), lost + further


def _split_exact(properties: str) -> tuple[dict[str, str], Any]:
    """Return ImageJ's own properties, and the exact record if there is one."""
    words = split(properties)
    written = words.pop(EXACT, None)
    if written is None:
        return words, None
    try:
        return words, json.loads(written)
    except (ValueError, RecursionError) as error:
        raise CorruptData(f"its property {EXACT!r} is no JSON: {error}") from error
