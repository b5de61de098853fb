"""Stored data as layers that read what is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from polystore_napari._colors import channel_colormaps
from polystore_napari._ngff import Channel, StoredImage, image_of, images_in, label_names
from polystore_napari._pixels import PixelLayer
from polystore_napari._stored_planes import StoredPlanes
from polystore_napari._world import CHANNEL
from polystore_streaming.sender import contrast_of
from polystore_streaming.viewer import StoredReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from polystore_napari._planes import Key
    from polystore_napari._world import World
    from polystore_streaming.viewer import Stored

__all__ = ["StoredLayer", "open_lazily", "title_of"]


class _Where(NamedTuple):
    """What all layers of one opened path have in common."""

    world: World
    title: str
    grid_axes: tuple[str, ...]


class StoredLayer(PixelLayer):
    """A layer over stored arrays.

    Parameters
    ----------
    labels
        Whether it is a label image.
    look
        Colour and contrast of an image.
    **where
        As for :class:`~polystore_napari._pixels.PixelLayer`.
    """

    def __init__(self, *, labels: bool, look: Channel, suffix: str = "", **where: Any) -> None:
        super().__init__(**where)
        self.suffix = suffix
        self.channel_name = look.name
        self._labels = labels
        self._look = look

    def build(self, name: str) -> Any:
        """Make the napari layer."""
        from napari.layers import Image as NapariImage
        from napari.layers import Labels as NapariLabels

        if self._labels:
            self.layer = NapariLabels(**self.arguments(name))
            self.layer.editable = False
        else:
            self.layer = NapariImage(
                **self.arguments(name),
                rgb=False,
                colormap=self._look.color or "gray",
                contrast_limits=self._look.contrast or self._estimate(),
                blending="translucent_no_depth" if self.channel is None else "additive",
            )
        return self.layer

    def _size(self) -> tuple[tuple[float, ...], str | None]:
        return self.world.size(self.frame_axes, self._scale, self._unit) if self._labels else super()._size()

    def _estimate(self) -> tuple[float, float]:
        """Estimate the contrast from the middle plane of the first frame, in its coarsest level."""
        planes = self._levels[-1][0]
        frame = planes.padded(tuple(planes.positions()[0].values()))
        middle = tuple(length // 2 for length in frame.shape[:-2])
        return contrast_of(np.asarray(frame[middle]))


def open_lazily(stored: Stored, world: World) -> Iterator[tuple[str, StoredLayer]]:
    """Yield the layers that show an array, an OME-NGFF image, or all images of a well or plate as sliders.

    Parameters
    ----------
    stored
        What the zarr backend can read.
    world
        Axes of the window.

    Yields
    ------
    variant : str
        What tells the layer from others of its title and channel.
    layer : StoredLayer
        Not built yet.
    """
    reader = StoredReader(stored)

    def load(path: str) -> Any:
        return reader.read(path, lazy=True)

    places = images_in(stored.path)
    grid_axes = ("well", "field")[-len(next(iter(places))) :] if places else ()
    where = _Where(world, title_of(stored.path), grid_axes)
    groups: Mapping[Key, str] = places or {(): stored.path}
    image = image_of(next(iter(groups.values())))
    if image is None:
        array = load(stored.path)
        yield from _layers(where, {(): stored.path}, _plain(array), lambda path, _level: load(path))
        return

    def load_level(group: str, level: str) -> Any:
        return load(f"{group}/{level}")

    yield from _layers(where, groups, image, load_level)
    labelled: dict[str, dict[Key, str]] = {}
    for key, group in groups.items():
        for name in label_names(group):
            labelled.setdefault(name, {})[key] = f"{group}/labels/{name}"
    for name, found in labelled.items():
        labels = image_of(next(iter(found.values())))
        if labels is not None:
            yield from _layers(where, found, labels, load_level, labels=name)


def _layers(
    where: _Where,
    groups: Mapping[Key, str],
    image: StoredImage,
    load_level: Callable[[str, str], Any],
    *,
    labels: str = "",
) -> Iterator[tuple[str, StoredLayer]]:
    """Yield one layer for each channel of the images of some groups, all laid out like the first."""
    frame_axes = tuple(axis for axis in image.axes if axis != CHANNEL)
    scale = tuple(step for axis, step in zip(image.axes, image.scale, strict=True) if axis != CHANNEL)
    at = image.axes.index(CHANNEL) if CHANNEL in image.axes else None
    first = load_level(next(iter(groups.values())), image.levels[0])
    count = 1 if at is None else first.shape[at]
    looks = [*image.channels, *[Channel()] * count][:count]
    colors = channel_colormaps({number: look.name for number, look in enumerate(looks)})

    def planes(level: str, number: int) -> StoredPlanes:
        def open_frame(key: Key) -> Any:
            whole = load_level(groups[key], level)
            return whole if at is None else whole[(slice(None),) * at + (number,)]

        return StoredPlanes(where.grid_axes, frame_axes, groups, open_frame)

    for number, look in enumerate(looks):
        yield (
            labels,
            StoredLayer(
                labels=bool(labels),
                look=replace(look, color=look.color or colors[number], name=look.name if count > 1 else None),
                suffix=labels,
                world=where.world,
                title=where.title,
                channel=None if count == 1 else number,
                levels=[(planes(level, number), 1) for level in image.levels],
                scale=scale,
                unit=image.unit,
            ),
        )


def _plain(array: Any) -> StoredImage:
    """Return the layout of an array without metadata: its last axes are t, channel, z, y, x."""
    named = ("t", "z", "y", "x") if array.ndim == 4 else ("t", CHANNEL, "z", "y", "x")
    spare = tuple(f"axis{number}" for number in range(array.ndim - len(named)))
    axes = spare + named[-array.ndim :]
    return StoredImage(levels=("",), axes=axes, scale=(1.0,) * array.ndim, unit=None, channels=())


def title_of(path: str) -> str:
    """Return the part of a path that names what is shown: from the store on, or the last part.

    Examples
    --------
    >>> title_of("/data/plate.ome.zarr/A/1"), title_of("/data/stack.npy")
    ('plate.ome.zarr/A/1', 'stack.npy')
    """
    parts = path.rstrip("/").split("/")
    store = next((n for n, part in enumerate(parts) if part.endswith(".zarr")), len(parts) - 1)
    return "/".join(parts[store:])
