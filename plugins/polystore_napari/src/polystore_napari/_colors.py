"""Colours of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["channel_colormaps"]

PALETTE = ("cyan", "magenta", "yellow", "green", "red", "blue")
BY_NAME = {
    "blue": ("dapi", "hoechst", "dna", "nuclei", "bfp"),
    "green": ("gfp", "fitc", "egfp", "alexa488", "af488", "yfp"),
    "red": ("rfp", "tritc", "mcherry", "tdtomato", "texasred", "cy3", "alexa568", "alexa594", "af568"),
    "magenta": ("cy5", "farred", "alexa647", "af647"),
    "gray": ("brightfield", "bf", "transmitted", "phase", "dic"),
}


def channel_colormaps(channels: Mapping[int | str, str | None]) -> dict[int | str, str]:
    """Choose a colormap for each channel of a group.

    Stains of well-known names get their usual colours, the others what is left of a palette in the order
    given, and a channel that is alone is gray.

    Parameters
    ----------
    channels
        Channels in their order, each with its name if it has one.

    Examples
    --------
    >>> channel_colormaps({1: "DAPI", 2: None, 3: None})
    {1: 'blue', 2: 'cyan', 3: 'magenta'}
    >>> channel_colormaps({1: None})
    {1: 'gray'}
    """
    chosen = {channel: _by_name(name if name else str(channel)) for channel, name in channels.items()}
    if len(channels) == 1:
        return {channel: color or "gray" for channel, color in chosen.items()}
    free = [color for color in PALETTE if color not in chosen.values()]
    unnamed = [channel for channel, color in chosen.items() if color is None]
    palette = {
        channel: (free or list(PALETTE))[n % len(free or PALETTE)] for n, channel in enumerate(unnamed)
    }
    return {channel: color or palette[channel] for channel, color in chosen.items()}


def _by_name(name: str) -> str | None:
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return next((color for color, stains in BY_NAME.items() if plain in stains), None)
