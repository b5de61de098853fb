"""Streaming to live viewers: what the backend of a viewer is made of."""

from polystore_streaming._backend import ViewerBackend
from polystore_streaming.sender import Policy, ViewerSink

__all__ = ["Policy", "ViewerBackend", "ViewerSink"]
