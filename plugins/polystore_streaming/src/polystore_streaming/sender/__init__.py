"""The sending side: frames, their bounds, and the thread that brings them to viewers."""

from polystore_streaming.sender._appearance import axes_of, contrast_of, place_in_layer
from polystore_streaming.sender._counters import Counters
from polystore_streaming.sender._frames import Frames, Outgoing, Policy
from polystore_streaming.sender._prepare import Blending, Kind, Prepared, prepare
from polystore_streaming.sender._sink import ViewerSink
from polystore_streaming.sender._stream import Stream
from polystore_streaming.sender._target import Target, ViewerAddress, targets

__all__ = [
    "Blending",
    "Counters",
    "Frames",
    "Kind",
    "Outgoing",
    "Policy",
    "Prepared",
    "Stream",
    "Target",
    "ViewerAddress",
    "ViewerSink",
    "axes_of",
    "contrast_of",
    "place_in_layer",
    "prepare",
    "targets",
]
