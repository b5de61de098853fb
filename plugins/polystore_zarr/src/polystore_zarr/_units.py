"""Units of length, as OME-NGFF names them."""

from __future__ import annotations

from polystore_core import InvalidOption
from polystore_core.plugins import did_you_mean

__all__ = ["check_length"]

_SMALL = ("", "deci", "centi", "milli", "micro", "nano", "pico", "femto", "atto", "zepto", "yocto")
_LARGE = ("hecto", "kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta")
_LENGTHS = frozenset(
    ["angstrom", "foot", "inch", "mile", "parsec", "yard"] + [f"{prefix}meter" for prefix in _SMALL + _LARGE]
)
"""Those of an axis of type ``space``: https://ngff.openmicroscopy.org/0.5/#axes-md"""

_SYMBOLS = {"nm": "nanometer", "um": "micrometer", "µm": "micrometer", "μm": "micrometer", "mm": "millimeter"}


def check_length(unit: str) -> None:
    """Refuse a unit that viewers do not know.

    Raises
    ------
    InvalidOption
    """
    if unit not in _LENGTHS:
        meant = did_you_mean(_SYMBOLS.get(unit, unit), _LENGTHS)
        raise InvalidOption(f"unit takes a unit of length, such as 'micrometer'; got {unit!r}.{meant}")
