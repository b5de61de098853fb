"""Colours and lookup tables by name."""

from __future__ import annotations

import colorsys
import re
from typing import TYPE_CHECKING, Any

import jpype
import numpy as np

from polystore_fiji._java import java

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

__all__ = ["CHANNEL_COLORS", "color_of", "label_table", "lookup_table", "same_colors", "stain_color"]

COLORS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "gray": (255, 255, 255),
    "grey": (255, 255, 255),
    "grays": (255, 255, 255),
    "white": (255, 255, 255),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
    "yellow": (255, 255, 0),
    "orange": (255, 165, 0),
}
TABLES = ("fire", "ice", "spectrum", "3-3-2 rgb", "redgreen")
CHANNEL_COLORS = ("red", "green", "blue", "gray", "cyan", "magenta", "yellow")
"""What ImageJ gives the channels of a composite, in order."""

_STAINS = {
    "blue": {"dapi", "hoechst", "dna", "nuclei", "bfp"},
    "green": {"gfp", "egfp", "fitc", "yfp", "alexa488"},
    "red": {"rfp", "mcherry", "tdtomato", "tritc", "cy3", "alexa568", "alexa594"},
    "magenta": {"cy5", "farred", "alexa647"},
    "gray": {"brightfield", "bf", "transmitted", "phase", "dic"},
}


def color_of(text: str) -> tuple[int, int, int]:
    """Return red, green and blue of a colour's name, or of ``"#rrggbb"``.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if text.lower() in COLORS:
        return COLORS[text.lower()]
    if re.fullmatch(r"#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?", text):
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
    raise ValueError(f"no colour {text!r}; there are {', '.join(COLORS)} and '#rrggbb'")


def lookup_table(colormap: str) -> Any:
    """Return a new ``ij.process.LUT`` from black to a colour, or one of ImageJ's own.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if colormap.lower() in TABLES:
        model = java("ij.plugin.LutLoader").getLut(colormap.lower())
        return java("ij.process.LUT")(model, 0.0, 255.0)
    try:
        color = color_of(colormap)
    except ValueError:
        known = ", ".join([*COLORS, *TABLES])
        raise ValueError(f"no colormap {colormap!r}; there are {known} and '#rrggbb'") from None
    ramp = np.arange(256)[:, None] * np.array(color) // 255
    return _table(ramp)


def stain_color(channel: str) -> str | None:
    """Return the usual colour of a stain by its name, ``None`` for one that is not well known.

    Examples
    --------
    >>> stain_color("Alexa 488"), stain_color("actin")
    ('green', None)
    """
    name = "".join(letter for letter in channel.lower() if letter.isalnum())
    return next((color for color, stains in _STAINS.items() if name in stains), None)


def label_table() -> Any:
    """Return a new ``ij.process.LUT`` for label images: black, then 255 colours unlike their neighbours."""
    colors = [(0.0, 0.0, 0.0)]
    for label in range(1, 256):
        hue = label * 0.618033988749895 % 1.0
        colors.append(colorsys.hsv_to_rgb(hue, (0.95, 0.6, 0.8)[label % 3], (1.0, 0.9, 0.7)[label // 3 % 3]))
    return _table(np.rint(np.array(colors) * 255))


def same_colors(first: Any, second: Any) -> bool:
    """Tell whether two tables have the same colours, whatever their display ranges."""
    return bool(java("java.util.Arrays").equals(first.getBytes(), second.getBytes()))


def _table(rgb: Array) -> Any:
    columns = (
        jpype.JArray(jpype.JByte)(np.ascontiguousarray(rgb[:, i]).astype(np.uint8).view(np.int8))
        for i in range(3)
    )
    return java("ij.process.LUT")(*columns)
