"""Standard names of the axes that file names carry, and other words for them."""

from __future__ import annotations

__all__ = ["AXIS_ORDER", "axis_rank", "standard_axis"]

AXIS_ORDER = ("plate", "well", "row", "column", "field", "t", "channel", "z")
"""Outermost first; the last three are in the order of OME-NGFF (t, c, z, y, x)."""

_OTHER_WORDS = {
    "site": "field",
    "position": "field",
    "fov": "field",
    "series": "field",
    "wavelength": "channel",
    "c": "channel",
    "time": "t",
    "timepoint": "t",
    "frame": "t",
    "plane": "z",
    "slice": "z",
    "col": "column",
}


def standard_axis(name: str) -> str:
    """Give the standard name of an axis; a name without a standard is its own.

    Examples
    --------
    >>> from polystore_core.paths import standard_axis
    >>> standard_axis("site"), standard_axis("channel"), standard_axis("dose")
    ('field', 'channel', 'dose')
    """
    return _OTHER_WORDS.get(name, name)


def axis_rank(axis: str) -> int:
    """Tell the place of an axis in :data:`AXIS_ORDER`, to sort by; axes without a standard come before ``t``.

    Examples
    --------
    >>> from polystore_core.paths import axis_rank
    >>> sorted(["z", "well", "dose", "channel"], key=axis_rank)
    ['well', 'dose', 'channel', 'z']
    """
    return AXIS_ORDER.index(axis) * 2 if axis in AXIS_ORDER else AXIS_ORDER.index("t") * 2 - 1
