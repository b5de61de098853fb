"""An image or label image of the stream, in one window or in several."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_fiji._image_window import MOST_PLANES, ImageWindow
from polystore_fiji._lookup_tables import label_table, lookup_table, stain_color
from polystore_fiji._pixels import COLOR, FLOAT, SHORT, form_of, packed
from polystore_fiji._sliders import share_out
from polystore_streaming.viewer import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from polystore_fiji._pixels import PixelForm
    from polystore_streaming.viewer import Labels

    Array = np.ndarray[Any, Any]
    Key = tuple[int | str, ...]
    Position = Mapping[str, int | str]

__all__ = ["ImageLayer"]

_EXACT_FLOAT = 2**24
"""Up to here float32 holds every integer."""

_CALIBRATED = {"x": "pixelWidth", "y": "pixelHeight", "z": "pixelDepth", "t": "frameInterval"}
_UNITS = {"micrometer": "micron", "nanometer": "nm", "millimeter": "mm", "centimeter": "cm", "meter": "m"}


@dataclass(frozen=True)
class _Kind:
    """What all frames of a layer have in common."""

    axes: tuple[str, ...]
    position_axes: tuple[str, ...]
    shape: tuple[int, ...]
    form: PixelForm
    dtype: np.dtype[Any]


@dataclass
class ImageLayer:
    """The frames of one layer.

    Attributes
    ----------
    name
        Of the layer.
    kind
        ``"image"`` or ``"labels"``.
    window_axes
        Axes whose values get a window each.
    windows
        By the values of those axes.
    paths
        Everything that was saved into it.
    """

    name: str
    kind: str
    window_axes: tuple[str, ...] = ()
    windows: dict[Key, ImageWindow] = field(default_factory=dict)
    paths: set[str] = field(default_factory=set)
    _frame: _Kind | None = None
    _positions: set[tuple[tuple[str, int | str], ...]] = field(default_factory=set)

    def show(self, content: Image | Labels) -> ImageWindow:
        """Copy a frame to its place, and return the window that is to be refreshed.

        Raises
        ------
        ValueError
            If ImageJ cannot hold it exactly, or it does not fit the other frames of the layer.
        """
        self._fit(content)
        assert self._frame is not None
        window = self._window(content.position)
        names, form = self._slider_axes(content), self._frame.form
        inner = content.axes[: len(names)]
        rest = {axis: value for axis, value in content.position.items() if axis not in self.window_axes}
        for index in np.ndindex(content.pixels.shape[: len(inner)]):
            position = {**rest, **dict(zip(inner, index, strict=True))}
            window.put(position, packed(content.pixels[index], form))
            self._want(window, position, content)
        self.paths.add(content.path)
        return window

    def read(self, position: Position) -> Array:
        """Return the pixels of the frame at a position, as ImageJ holds them.

        Raises
        ------
        LookupError
            If there is no such frame.
        """
        frame = self._frame
        window = self.windows.get(tuple(position.get(axis, "") for axis in self.window_axes))
        if frame is None or window is None or position.keys() != set(frame.position_axes):
            raise LookupError(f"no position {dict(position)} in layer {self.name!r}")
        inner = frame.axes[: len(frame.shape) - (3 if frame.form is COLOR else 2)]
        lead = frame.shape[: len(inner)]
        rest = {axis: value for axis, value in position.items() if axis not in self.window_axes}
        samples = frame.shape[-1]
        planes = [
            window.read({**rest, **dict(zip(inner, index, strict=True))}, samples)
            for index in np.ndindex(lead)
        ]
        return np.stack(planes).reshape(frame.shape)

    def describe(self) -> Iterator[dict[str, Any]]:
        """Describe each window as JSON values."""
        for values, window in self.windows.items():
            imp = window.imp
            if imp is None:
                continue
            axes = (*window.grid.axes, "y", "x")
            colored = window.form is COLOR
            yield {
                "name": self.name,
                "kind": self.kind,
                "visible": bool(imp.isVisible()),
                "shape": [*window.shape, *([3] if colored else [])],
                "dtype": str(window.form.dtype),
                "axes": [*axes, *(["rgb"] if colored else [])],
                "window": str(imp.getTitle()),
                "position": dict(zip(self.window_axes, values, strict=True)),
                "values": {axis: list(found) for axis, found in window.grid.values.items()},
                **_contrast(window),
            }

    def remove(self) -> None:
        """Close all windows."""
        for window in self.windows.values():
            window.close()
        self.windows.clear()

    def window_at(self, position: Position) -> ImageWindow | None:
        """Return the window for a position; the last one if the position does not tell which."""
        if all(axis in position for axis in self.window_axes):
            return self.windows.get(tuple(position[axis] for axis in self.window_axes))
        return next(reversed(self.windows.values()), None)

    def forget_closed(self) -> list[ImageWindow]:
        """Forget the windows that the user closed, and return them."""
        closed = [values for values, window in self.windows.items() if window.is_closed]
        return [self.windows.pop(values) for values in closed]

    def _slider_axes(self, content: Image | Labels) -> tuple[str, ...]:
        return content.axes[: content.pixels.ndim - (3 if _is_rgb(content) else 2)]

    def _fit(self, content: Image | Labels) -> None:
        """Check a frame against the others; one that is alone may become anything."""
        frame = _kind_of(content)
        position = tuple(sorted(content.position.items()))
        old = self._frame
        if old is not None and old != frame:
            wider = self.kind == "labels" and {old.form, frame.form} == {SHORT, FLOAT} and _alike(old, frame)
            if wider:
                frame = _Kind(frame.axes, frame.position_axes, frame.shape, FLOAT, FLOAT.dtype)
                if old.form is not FLOAT:
                    for window in self.windows.values():
                        window.widen(FLOAT)
            elif self._positions - {position}:
                raise ValueError(
                    f"the layer {self.name!r} holds {_words(old)}; this frame has {_words(frame)}: save it "
                    "with another layer="
                )
            else:
                self._start_over(frame)
        self._frame = frame
        self._positions.add(position)

    def _start_over(self, frame: _Kind) -> None:
        """Give the only frame of the layer another form, in the window it has."""
        self._positions.clear()
        sliders = self._sliders(frame)
        for window in self.windows.values():
            window.reset(sliders, frame.form, _size(frame))

    def _sliders(self, frame: _Kind) -> Any:
        inner = frame.axes[: len(frame.shape) - (3 if frame.form is COLOR else 2)]
        axes = [axis for axis in frame.position_axes if axis not in self.window_axes]
        return share_out([*axes, *inner])

    def _window(self, position: Position) -> ImageWindow:
        frame = self._frame
        assert frame is not None
        values = tuple(position[axis] for axis in self.window_axes)
        window = self.windows.get(values)
        if window is None:
            title = " ".join([self.name, *map(str, values)])
            window = self.windows[values] = ImageWindow(title, self._sliders(frame), frame.form, _size(frame))
        return window

    def _want(self, window: ImageWindow, position: Position, content: Image | Labels) -> None:
        window.calibration, window.unit = _calibration(content)
        if not isinstance(content, Image):
            limits = 0.0, max(255.0, float(content.pixels.max(initial=0)))
            window.want(position, label_table, limits, given=False)
            return
        color = content.colormap or stain_color(content.channel_name or "")
        table = None if color is None else partial(lookup_table, color)
        window.want(position, table, content.contrast, given=content.contrast_given, color=color)
        if content.channel_name is not None:
            window.name_channel(position, content.channel_name)


def _contrast(window: ImageWindow) -> dict[str, Any]:
    ranges = window.contrast()
    return {"contrast": ranges[0], **({"contrasts": ranges} if len(ranges) > 1 else {})} if ranges else {}


def _is_rgb(content: Image | Labels) -> bool:
    return isinstance(content, Image) and content.is_rgb


def _kind_of(content: Image | Labels) -> _Kind:
    pixels = content.pixels
    is_rgb = _is_rgb(content)
    if pixels.ndim < (3 if is_rgb else 2) or len(content.axes) != pixels.ndim or 0 in pixels.shape:
        raise ValueError(
            f"an array of shape {pixels.shape} with the axes {content.axes} has no planes to show; ImageJ "
            "shows at least one pixel along y and x"
        )
    inner = content.axes[:-1] if is_rgb else content.axes
    planes = prod(pixels.shape[: len(inner) - 2])
    if planes > MOST_PLANES:
        raise ValueError(
            f"an array of {planes} planes; ImageJ is given {MOST_PLANES} at most: show parts of it"
        )
    if inner[-2:] != ("y", "x"):
        raise ValueError(
            f"the axes {content.axes} do not end in y and x, as planes do; np.moveaxis brings them there"
        )
    twice = set(content.axes) & set(content.position)
    if twice:
        raise ValueError(f"both the path and the array have the axis {', '.join(sorted(twice))}")
    if is_rgb and pixels.shape[-1] not in (3, 4):
        raise ValueError(f"colours have 3 or 4 samples, these have {pixels.shape[-1]}")
    if isinstance(content, Image):
        form = form_of(pixels.dtype, is_rgb=is_rgb)
        if content.colormap is not None:
            lookup_table(content.colormap)
    else:
        form = _label_form(pixels)
    return _Kind(content.axes, tuple(content.position), pixels.shape, form, form.dtype)


def _label_form(pixels: Array) -> PixelForm:
    """Labels are whole numbers: 16 bits hold most, float32 all up to 2**24."""
    low, high = int(pixels.min()), int(pixels.max())
    if low >= 0 and high < 2**16:
        return SHORT
    if low >= -_EXACT_FLOAT and high <= _EXACT_FLOAT:
        return FLOAT
    raise ValueError(
        f"labels from {low} to {high}; ImageJ holds whole numbers up to {_EXACT_FLOAT} exactly: relabel them "
        "first, with skimage.segmentation.relabel_sequential(labels)[0]"
    )


def _alike(one: _Kind, other: _Kind) -> bool:
    return (one.axes, one.position_axes, one.shape) == (other.axes, other.position_axes, other.shape)


def _size(frame: _Kind) -> tuple[int, int]:
    height, width = frame.shape[-3:-1] if frame.form is COLOR else frame.shape[-2:]
    return height, width


def _words(frame: _Kind) -> str:
    sizes = ", ".join(f"{axis} {size}" for axis, size in zip(frame.axes, frame.shape, strict=True))
    along = f" along {', '.join(frame.position_axes)}" if frame.position_axes else ""
    return f"{frame.dtype} ({sizes}){along}"


def _calibration(content: Image | Labels) -> tuple[dict[str, float], str | None]:
    axes = [axis for axis in content.axes if axis != "rgb"]
    if content.unit is None or len(content.scale) != len(axes):
        return {}, None
    sizes = dict(zip(axes, content.scale, strict=True))
    fields = {_CALIBRATED[axis]: size for axis, size in sizes.items() if axis in _CALIBRATED}
    return fields, _UNITS.get(content.unit, content.unit)
