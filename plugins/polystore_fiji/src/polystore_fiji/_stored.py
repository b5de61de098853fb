"""Reading what a backend has stored, as if it had been streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.plugins import BackendRegistry, ReadRequest
from polystore_streaming.sender import prepare
from polystore_streaming.viewer import Image, Points, Regions

if TYPE_CHECKING:
    from polystore_streaming.viewer import Stored

__all__ = ["read_stored"]


def read_stored(stored: Stored) -> Image | Points | Regions:
    """Read a value with its backend; arrays are mapped, not read, where the backend can.

    Raises
    ------
    PolyStoreError
        If it cannot be read, or is nothing that viewers show.
    """
    registry = BackendRegistry()
    request = ReadRequest((stored.path,), copy=False, options=stored.options)
    prepared = prepare(registry.open(stored.backend).read(request=request)[0], stored.path)
    frame, arrays = prepared.message, prepared.arrays
    axes = frame.axes
    place: dict[str, Any] = {
        "path": frame.path,
        "layer": frame.layer,
        "axes": axes,
        "scale": (1.0,) * len([axis for axis in axes if axis != "rgb"]),
    }
    named = dict(zip((spec.name for spec in frame.arrays), arrays, strict=True))
    match frame.role:
        case "points":
            return Points(**place, coordinates=named.pop("coordinates"), features=named)
        case "rois":
            return Regions(**place, table=named)
        case _:
            return Image(**place, pixels=arrays[0], contrast=frame.contrast)
