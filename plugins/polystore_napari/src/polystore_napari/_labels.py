"""Layers of label images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_napari._pixels import PixelLayer, streamed

if TYPE_CHECKING:
    from polystore_napari._world import World
    from polystore_streaming.viewer import Labels

__all__ = ["LabelsLayer"]


class LabelsLayer(PixelLayer):
    """A layer of label images."""

    def __init__(self, first: Labels, world: World) -> None:
        super().__init__(**streamed(first, world))
        if first.pixels.dtype.kind not in "biu":
            raise ValueError(f"labels are integers, not {first.pixels.dtype}")

    def build(self, name: str) -> Any:
        """Make the napari layer."""
        from napari.layers import Labels as NapariLabels

        self.layer = NapariLabels(**self.arguments(name))
        return self.layer

    def _size(self) -> tuple[tuple[float, ...], str | None]:
        return self.world.size(self.frame_axes, self._scale, self._unit)
