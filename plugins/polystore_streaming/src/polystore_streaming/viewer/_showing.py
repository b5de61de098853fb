"""From a frame to what a display shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_streaming.viewer._content import Content, Image, Labels, Points, Regions
from polystore_streaming.wire import arrays_in

if TYPE_CHECKING:
    import numpy as np

    from polystore_streaming.viewer._display import Shows
    from polystore_streaming.wire import Frame

__all__ = ["content_of", "show", "show_frame"]


def content_of(frame: Frame, arrays: dict[str, np.ndarray[Any, Any]]) -> Content:
    """Return a frame and its arrays as the kind of content they are.

    Raises
    ------
    ValueError
        If they are points without coordinates.
    """
    place: dict[str, Any] = {
        "path": frame.path,
        "layer": frame.layer,
        "position": frame.position,
        "axes": frame.axes,
        "scale": frame.scale or (1.0,) * len([axis for axis in frame.axes if axis != "rgb"]),
        "unit": frame.unit,
    }
    match frame.role:
        case "image":
            return Image(
                **place,
                pixels=next(iter(arrays.values())),
                channel_name=frame.channel_name,
                colormap=frame.colormap,
                blending=frame.blending,
                contrast=frame.contrast,
                contrast_given=frame.contrast_given,
            )
        case "labels":
            return Labels(**place, pixels=next(iter(arrays.values())))
        case "points":
            coordinates = arrays.pop("coordinates", None)
            if coordinates is None or coordinates.ndim != 2 or coordinates.shape[1] != len(frame.axes):
                raise ValueError("points come as an array 'coordinates' with one column per axis")
            return Points(
                **place,
                coordinates=coordinates,
                features=arrays,
                color=frame.colormap,
                size=frame.point_size,
            )
        case "rois":
            return Regions(**place, table=arrays)


def show(display: Shows, content: Content) -> None:
    """Have a display show a content."""
    match content:
        case Image():
            display.show_image(content)
        case Labels():
            display.show_labels(content)
        case Points():
            display.show_points(content)
        case Regions():
            display.show_rois(content)


def show_frame(display: Shows, frame: Frame, memory: memoryview) -> None:
    """Have a display show a frame that arrived."""
    if frame.role == "rois":
        # Offsets are checked and then followed: the sender must not be able to change them in between.
        memory = memoryview(bytes(memory))
    show(display, content_of(frame, arrays_in(memory, frame.arrays)))
