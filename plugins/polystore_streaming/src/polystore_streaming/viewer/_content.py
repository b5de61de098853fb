"""What a display is given to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

__all__ = ["Content", "Image", "Labels", "Points", "Regions", "Status", "Stored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What every frame tells about where it belongs.

    Attributes
    ----------
    path
        The path it was saved under, normalised.
    layer
        Title of the layer or window it belongs to: the path itself, what ``layer=`` said, or with a pattern
        what the paths of one group have in common. Frames of one layer differ in ``position``.
    position
        Coordinates of the frame within its layer under standard axis names, outermost first, such as
        ``{"well": "A01", "field": 2, "t": 0, "channel": 1, "z": 3}``; empty without a pattern. Frames of one
        layer have the same axes.
    axes
        Names of the axes of the array (of the columns of ``coordinates`` for points), such as
        ``("z", "y", "x")``; the last is ``"rgb"`` where red, green and blue (and alpha) run.
    scale
        Size of a pixel along each of ``axes`` except ``"rgb"``, in ``unit``.
    unit
        Unit of ``scale`` such as ``"micrometer"``; ``None`` for pixels.
    """

    path: str
    layer: str
    position: Mapping[str, int | str] = field(default_factory=dict)
    axes: tuple[str, ...] = ()
    scale: tuple[float, ...] = ()
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Content):
    """Intensities or colours.

    Attributes
    ----------
    pixels
        Array with one axis per name in ``axes``, numeric or bool, native byte order, C order. A read-only
        view of memory that the sender takes back when ``show_image`` returns: copy what is to be kept.
    channel_name
        Name of the frame's channel, if the sender gave one.
    colormap
        ``"green"``, ``"gray"`` and so on, or ``"#rrggbb"``; ``None`` leaves it to the display.
    blending
        ``"additive"``, ``"translucent"`` or ``"opaque"``; ``None`` leaves it to the display.
    contrast
        Limits (low, high) in units of the pixels, estimated from a sample of this frame or given by the
        user; ``None`` for colours.
    contrast_given
        True if the user gave ``contrast``: then it holds as it is, and is not widened by later frames.
    """

    pixels: np.ndarray[Any, Any]
    channel_name: str | None = None
    colormap: str | None = None
    blending: str | None = None
    contrast: tuple[float, float] | None = None
    contrast_given: bool = False

    @property
    def is_rgb(self) -> bool:
        """Whether the last axis runs over red, green, blue (and alpha)."""
        return bool(self.axes) and self.axes[-1] == "rgb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels(Content):
    """A label image.

    Attributes
    ----------
    pixels
        Integers, 0 for background; otherwise as :attr:`Image.pixels`.
    """

    pixels: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Points(Content):
    """Points with features.

    Attributes
    ----------
    coordinates
        Float array (N, D), one column per name in ``axes``, in pixels; y before x. Read-only, taken back like
        :attr:`Image.pixels`.
    features
        Columns of length N by name; taken back as well.
    color
        Name of a colour or ``"#rrggbb"``; ``None`` leaves it to the display.
    size
        Diameter in pixels; ``None`` leaves it to the display.
    """

    coordinates: np.ndarray[Any, Any]
    features: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    color: str | None = None
    size: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions(Content):
    """Regions of interest.

    Attributes
    ----------
    table
        The columns that ``polystore_roi.rois_to_table`` makes of a list of ROIs; read-only, taken back
        like :attr:`Image.pixels`. ``polystore_roi.rois_from_table`` checks and decodes them.
    """

    table: Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class Stored:
    """Data that the viewer process is to read by itself.

    Attributes
    ----------
    path
        Absolute path, or whatever names it in that backend.
    backend
        Name of an installed backend that can read.
    options
        Options of the load.
    """

    path: str
    backend: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """How the stream is doing, for a corner of the window.

    Attributes
    ----------
    received, shown, superseded, refused
        Frames that arrived, were shown, were replaced by a newer one of the same path before they were
        shown, and could not be shown.
    dropped
        Frames that the senders never sent because their queues were full.
    latency
        Seconds from the save to the paint, of the latest frame; ``None`` before the first.
    senders
        Number of senders connected now that have sent something.
    """

    received: int = 0
    shown: int = 0
    superseded: int = 0
    refused: int = 0
    dropped: int = 0
    latency: float | None = None
    senders: int = 0
