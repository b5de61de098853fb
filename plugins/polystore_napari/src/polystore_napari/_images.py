"""Layers of images: pixels with colours and contrast."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_napari._pixels import PixelLayer, streamed
from polystore_streaming.viewer import Image

if TYPE_CHECKING:
    from polystore_napari._world import World
    from polystore_streaming.viewer import Labels

__all__ = ["ImageLayer"]

_FARTHEST = 1e38
"""The graphics card compares pixels with the limits of contrast in 32 bits."""


class ImageLayer(PixelLayer):
    """A layer of intensities or colours: contrast widens with what comes, until it is set."""

    def __init__(self, first: Image, world: World) -> None:
        super().__init__(**streamed(first, world))
        if first.pixels.dtype.kind not in "biuf":
            raise ValueError(f"napari shows real numbers, not {first.pixels.dtype}")
        _check_colormap(first)
        self.channel_name = first.channel_name
        self.colormap = first.colormap
        self._blending = first.blending
        self._contrast = _increasing(first.contrast)
        self._contrast_fixed = first.contrast_given
        self._colormap_fixed = False
        self._given_colormap = "gray"
        self._setting = False

    def check(self, frame: Image | Labels) -> None:
        """Refuse a frame that does not fit.

        Raises
        ------
        ValueError
            If it has another data type or other axes, or a colormap that napari does not have.
        """
        super().check(frame)
        if isinstance(frame, Image):
            _check_colormap(frame)

    def build(self, name: str) -> Any:
        """Make the napari layer."""
        from napari.layers import Image as NapariImage

        colors: dict[str, Any] = {"rgb": bool(self.planes.samples)}
        if not self.planes.samples:
            colors |= {"colormap": self.colormap or "gray", "contrast_limits": self._contrast}
        blending = self._blending
        if blending is None:
            blending = "translucent_no_depth" if self.channel is None else "additive"
        self.layer = NapariImage(**self.arguments(name), **colors, blending=blending)
        if not self.planes.samples:
            self._given_colormap = self.layer.colormap.name
        self._watch()
        return self.layer

    def adapt(self, frame: Image) -> None:
        """Take over what a further frame says about contrast and colour."""
        self.channel_name = frame.channel_name or self.channel_name
        if frame.colormap is not None and frame.colormap != self.colormap:
            self.colormap = frame.colormap
            self.recolor(frame.colormap)
        if frame.contrast_given:
            given = _increasing(frame.contrast)
            if not self._contrast_fixed or given != self._contrast:
                self._contrast_fixed = True
                self._set_contrast(given)
        elif not self._contrast_fixed and frame.contrast is not None:
            low, high = _increasing(frame.contrast)
            self._set_contrast((min(low, self._contrast[0]), max(high, self._contrast[1])))

    def recolor(self, colormap: str) -> None:
        """Give the layer a colour, unless the user chose one."""
        from napari.utils.colormaps.colormap_utils import ensure_colormap

        if self.planes.samples or self._colormap_fixed or self._given_colormap == colormap:
            return
        self._given_colormap = ensure_colormap(colormap).name
        self.layer.colormap = colormap

    def _set_contrast(self, limits: tuple[float, float]) -> None:
        if self.planes.samples or limits == self._contrast:
            return
        self._contrast, self._setting = limits, True
        try:
            self.layer.contrast_limits = limits
        finally:
            self._setting = False

    def _watch(self) -> None:
        self.layer.events.contrast_limits.connect(self._on_contrast)
        self.layer.events.colormap.connect(self._on_colormap)

    def _on_contrast(self) -> None:
        if not self._setting and not np.allclose(self.layer.contrast_limits, self._contrast):
            self._contrast_fixed = True

    def _on_colormap(self) -> None:
        if self.layer.colormap.name != self._given_colormap:
            self._colormap_fixed = True


def _check_colormap(frame: Image) -> None:
    from napari.utils.colormaps.colormap_utils import ensure_colormap

    if frame.colormap is not None:
        try:
            ensure_colormap(frame.colormap)
        except KeyError as error:
            raise ValueError(f"napari has no colormap {frame.colormap!r}") from error


def _increasing(limits: tuple[float, float] | None) -> tuple[float, float]:
    """Return limits that napari accepts.

    Examples
    --------
    >>> _increasing((7.0, 7.0)), _increasing(None), _increasing((float("nan"), 1.0))
    ((7.0, 8.0), (0.0, 1.0), (0.0, 1.0))
    """
    low, high = limits if limits is not None else (0.0, 1.0)
    if not (isfinite(low) and isfinite(high)):
        return (0.0, 1.0)
    low, high = (min(max(limit, -_FARTHEST), _FARTHEST) for limit in (low, high))
    return (
        (low, high)
        if high > low
        else (low, float(np.nextafter(low, np.inf)) if abs(low) > 2**52 else low + 1.0)
    )
