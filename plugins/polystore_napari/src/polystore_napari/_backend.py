"""Backend ``napari_stream``. Imports neither napari nor Qt: those belong to the viewer's process."""

from __future__ import annotations

from polystore_streaming import ViewerBackend

__all__ = ["NapariStreamBackend"]


class NapariStreamBackend(ViewerBackend):
    """What is saved to it appears in a napari window, which is started when the first frame is."""

    viewer = "napari"
    display_class = "polystore_napari._display:NapariDisplay"
