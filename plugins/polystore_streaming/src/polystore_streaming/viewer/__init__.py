"""For authors of viewers: the display protocol, and what a display is given to show."""

from polystore_streaming.viewer._content import Content, Image, Labels, Points, Regions, Status, Stored
from polystore_streaming.viewer._display import Display, Host
from polystore_streaming.viewer._keys import read_or_make_key
from polystore_streaming.viewer._loop_display import LoopDisplay
from polystore_streaming.viewer._mailbox import Mailbox
from polystore_streaming.viewer._network import Listener
from polystore_streaming.viewer._position_grid import PositionGrid
from polystore_streaming.viewer._process import run_viewer
from polystore_streaming.viewer._receiver import Receiver

__all__ = [
    "Content",
    "Display",
    "Host",
    "Image",
    "Labels",
    "Listener",
    "LoopDisplay",
    "Mailbox",
    "Points",
    "PositionGrid",
    "Receiver",
    "Regions",
    "Status",
    "Stored",
    "read_or_make_key",
    "run_viewer",
]
