"""For authors of viewers: the display protocol, and what a display is given to show."""

from polystore_streaming.viewer._content import Content, Image, Labels, Points, Regions, Status, Stored
from polystore_streaming.viewer._display import Display, Host
from polystore_streaming.viewer._position_grid import PositionGrid

__all__ = [
    "Content",
    "Display",
    "Host",
    "Image",
    "Labels",
    "Points",
    "PositionGrid",
    "Regions",
    "Status",
    "Stored",
]
