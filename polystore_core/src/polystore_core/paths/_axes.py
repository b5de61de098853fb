"""Standard names of the axes that file names carry, and other words for them."""

from __future__ import annotations

__all__ = ["AXIS_ORDER", "standard_axis"]

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
    """Place of a standard axis in :data:`AXIS_ORDER`; axes without a standard come before ``t``."""
    return AXIS_ORDER.index(axis) * 2 if axis in AXIS_ORDER else AXIS_ORDER.index("t") * 2 - 1
