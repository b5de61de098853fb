"""What is in the window: layers by what they were sent as."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.paths import natural_key
from polystore_napari._channels import MOST, channels_of
from polystore_napari._colors import channel_colormaps
from polystore_napari._describe import KINDS, describe
from polystore_napari._images import ImageLayer
from polystore_napari._labels import LabelsLayer
from polystore_napari._pixels import PixelLayer
from polystore_napari._points import PointsLayer, reach
from polystore_napari._readback import Sent, regions_of, rows_of
from polystore_napari._region_groups import RegionGroup, grouped
from polystore_napari._regions import drawn
from polystore_napari._shapes import ShapesLayer
from polystore_napari._showable import check_coordinates, check_pixels, check_place, check_regions
from polystore_napari._sliders import Sliders
from polystore_napari._stored import open_lazily, title_of
from polystore_napari._vectors import VectorLayer, vector_axes
from polystore_napari._world import CHANNEL, World, sliding
from polystore_streaming.viewer import Points, read_stored, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from polystore_napari._readback import Row
    from polystore_streaming.viewer import Image, Labels, Regions, Stored

__all__ = ["Scene"]

Key = tuple[str, str, "int | str | None", str]
RANKS = {"image": 0, "labels": 1}
VECTORS = 2


class Scene:
    """The layers of a viewer, and the axes they share.

    Each layer is known by its kind, its title, its channel, and what else tells it from another one.

    Parameters
    ----------
    viewer
        The napari viewer; layers in it that did not come from here are left alone.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.world = World()
        self.sliders = Sliders(viewer, self.world)
        self._entries: dict[Key, Any] = {}
        self._stale: dict[Key, PixelLayer] = {}
        self._sent: dict[tuple[str, int | str | None], dict[str, Sent]] = {}
        self._channel_axes: dict[str, int] = {}
        viewer.layers.events.removed.connect(self._on_removed)

    def show_image(self, image: Image) -> None:
        """Show an image where it belongs; each of its channels in a layer of its own."""
        check_place(image)
        check_pixels(image)
        if self._splits(image):
            for part in channels_of(image):
                self.show_image(part)
            return
        key = ("image", image.layer, image.position.get(CHANNEL), "")
        entry = self._entries.get(key)
        with self._undone_on_failure():
            if entry is None:
                entry = ImageLayer(image, self.world)
                self._add_pixels(key, entry, image)
            else:
                self._update_pixels(key, entry, image)
                entry.adapt(image)
            self._recolor(image.layer)

    def show_labels(self, labels: Labels) -> None:
        """Show a label image where it belongs."""
        check_place(labels)
        check_pixels(labels)
        if self._splits(labels):
            for part in channels_of(labels):
                self.show_labels(part)
            return
        key = ("labels", labels.layer, labels.position.get(CHANNEL), "")
        entry = self._entries.get(key)
        with self._undone_on_failure():
            if entry is None:
                self._add_pixels(key, LabelsLayer(labels, self.world), labels)
            else:
                self._update_pixels(key, entry, labels)

    def show_points(self, points: Points) -> None:
        """Show points where they belong."""
        check_place(points)
        check_coordinates(points)
        coordinates = np.asarray(points.coordinates)
        key = ("points", points.layer, points.position.get(CHANNEL), "")
        entry = self._entries.get(key)
        fresh = entry is None
        if entry is None:
            entry = PointsLayer(points, self.world)
        entry.check(points, vector_axes(points))
        with self._undone_on_failure(), self.sliders.kept():
            entry.note(points, reach(coordinates))
            self._make_room(sliding(points.position), entry.frame_axes, reach(coordinates))
            if fresh:
                self._insert(key, entry, entry.build(_name(entry)))
            entry.put(points)
            entry.rescale(points.scale, points.unit)
        self.sliders.arrived(sliding(points.position))

    def show_rois(self, regions: Regions) -> None:
        """Show regions where they belong: shapes and points apart, by the planes they lie in."""
        from polystore_roi import rois_from_table

        check_place(regions)
        rois = rois_from_table(regions.table)
        check_regions(regions, rois)
        channel = regions.position.get(CHANNEL)
        sent = Sent(rois, *drawn(rois))
        groups = grouped(sent, sliding(regions.position))
        layers: list[Key] = [("rois", regions.layer, channel, variant) for variant in groups]
        layers += [
            key for key in self._entries if key[:3] == ("rois", regions.layer, channel) and key not in layers
        ]
        with self._undone_on_failure(), self.sliders.kept():
            for key in layers:
                group = groups.get(key[3], RegionGroup(key[3]))
                entry = self._entries.get(key)
                if entry is None:
                    entry = group.layer(regions, self.world)
                    self._make_room(sliding(regions.position), entry.frame_axes, group.reach)
                    self._insert(key, entry, entry.build(_name(entry)))
                else:
                    entry.check(regions, entry.frame_axes)
                    self._make_room(sliding(regions.position), entry.frame_axes, group.reach)
                entry.note(regions, group.reach)
                group.put(entry, regions)
                entry.rescale(regions.scale, regions.unit)
        self._sent.setdefault((regions.layer, channel), {})[regions.path] = sent
        self.sliders.arrived(sliding(regions.position))

    def open_stored(self, stored: Stored) -> None:
        """Show what a backend has stored: lazily from Zarr stores, at once from others."""
        if stored.backend != "zarr":
            show(self, read_stored(stored, title_of(stored.path)))
            return
        for variant, entry in open_lazily(stored, self.world):
            key = ("stored", entry.title, entry.channel, variant)
            if key in self._entries:
                self.viewer.layers.remove(self._entries[key].layer)
            with self.sliders.kept():
                entry.announce()
                self._relift()
                self._insert(key, entry, entry.build(_name(entry)))

    def remove(self, layer: str) -> None:
        """Remove a layer by its title, or by its name in napari; one that is not there is no error."""
        titles = {id(entry.layer): entry.title for entry in self._entries.values()}
        for found in list(self.viewer.layers):
            if layer in (found.name, titles.get(id(found))):
                self.viewer.layers.remove(found)

    def settle(self) -> bool:
        """Let the window show what has come since the last call: once, however much it was.

        Returns
        -------
        bool
            Whether anything has come.
        """
        came = self.sliders.follow()
        stale, self._stale = self._stale, {}
        for pixels in stale.values():
            pixels.layer.refresh(extent=False, highlight=False)
        self.align()
        return came

    def align(self) -> None:
        """Shift points and shapes to where the sliders stand along axes that they do not have."""
        steps = self.sliders.steps()
        for entry in self._entries.values():
            if isinstance(entry, VectorLayer):
                entry.follow(steps)

    def layers(self) -> list[dict[str, Any]]:
        """Describe every layer of the viewer."""
        entries = {id(entry.layer): entry for entry in self._entries.values()}
        position = self.sliders.position()
        unshown = {
            key: [str(loss) for sent in paths.values() for loss in sent.losses]
            for key, paths in self._sent.items()
        }
        described = []
        for layer in self.viewer.layers:
            entry = entries.get(id(layer))
            described.append(describe(layer, entry, position))
            if isinstance(entry, ShapesLayer) and (told := unshown.pop((entry.title, entry.channel), None)):
                described[-1]["unshown"] = told
        return described

    def pixels(self, layer: str, position: Mapping[str, int | str]) -> np.ndarray[Any, Any]:
        """Return what is held in an image or labels layer at a position.

        Raises
        ------
        LookupError
            If there is no such layer, or nothing at the position.
        """
        candidates = [entry for entry in self._entries.values() if isinstance(entry, PixelLayer)]
        for entry in candidates:
            if entry.title == layer and entry.channel == position.get(CHANNEL):
                return entry.pixels(sliding(position))
        group = [entry for entry in candidates if entry.title == layer and entry.channel is not None]
        channels = sorted(group, key=lambda entry: _order(entry.channel))
        if channels and layer in self._channel_axes and CHANNEL not in position:
            parts = [entry.pixels(sliding(position)) for entry in channels]
            return np.stack(parts, axis=self._channel_axes[layer])
        for entry in candidates:
            if entry.layer.name == layer:
                return entry.pixels(sliding(position))
        for found in self.viewer.layers:
            if found.name == layer and KINDS.get(type(found).__name__) in ("image", "labels"):
                return np.asarray(found.data[0] if found.multiscale else found.data)
        names = ", ".join(repr(found.name) for found in self.viewer.layers) or "none"
        raise LookupError(f"no layer {layer!r} at {dict(position)}; there are: {names}")

    def rois(self) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
        """Return all points and shapes as tables of regions, by the layer they were sent as."""
        from polystore_roi import rois_to_table

        entries = {id(entry.layer): entry for entry in self._entries.values()}
        rows: dict[str, list[Row]] = {}
        sent: dict[str, dict[str, Sent]] = {}
        for layer in self.viewer.layers:
            if KINDS.get(type(layer).__name__) not in ("points", "rois"):
                continue
            entry = entries.get(id(layer))
            name = layer.name if entry is None else _name(entry).removesuffix(entry.suffix).rstrip()
            rows.setdefault(name, []).extend(rows_of(layer, entry, self.world))
            if entry is not None:
                sent[name] = self._sent.get((entry.title, entry.channel), {})
        return {name: rois_to_table(regions_of(found, sent.get(name, {}))) for name, found in rows.items()}

    def _splits(self, frame: Image | Labels) -> bool:
        """Whether a frame holds channels that are to be layers; note at which of its axes."""
        if CHANNEL not in frame.axes or frame.pixels.shape[frame.axes.index(CHANNEL)] > MOST:
            return False
        self._channel_axes[frame.layer] = frame.axes.index(CHANNEL)
        return True

    def _add_pixels(self, key: Key, entry: PixelLayer, frame: Image | Labels) -> None:
        entry.put(frame)
        with self.sliders.kept():
            self._make_room(sliding(frame.position), entry.frame_axes, entry.planes.frame_shape)
            self._measure(frame, entry)
            self._insert(key, entry, entry.build(_name(entry)))
        self.sliders.arrived(sliding(frame.position))

    def _update_pixels(self, key: Key, entry: PixelLayer, frame: Image | Labels) -> None:
        entry.check(frame)
        fits = entry.put(frame)
        with self.sliders.kept():
            self._make_room(sliding(frame.position), entry.frame_axes, entry.planes.frame_shape)
            if not fits:
                entry.rebuild()
            self._measure(frame, entry)
            entry.rescale(frame.scale, frame.unit)
        self._stale[key] = entry
        self.sliders.arrived(sliding(frame.position))

    def _measure(self, frame: Image | Labels, entry: PixelLayer) -> None:
        """Take over the size of an image's pixels for what is drawn on it."""
        if self.world.measure(entry.frame_axes, frame.scale, frame.unit):
            for other in self._entries.values():
                other.replace()

    def _make_room(
        self, position: Mapping[str, int | str], axes: Sequence[str], shape: Sequence[int]
    ) -> None:
        if self.world.add(position, axes, shape):
            self._relift()

    def _relift(self) -> None:
        for entry in self._entries.values():
            former = entry.layer
            entry.relift()
            if entry.layer is not former:
                self._replace(former, entry.layer)

    def _replace(self, former: Any, layer: Any) -> None:
        """Put a layer in the place of another one that looks the same."""
        was_active = self.viewer.layers.selection.active is former
        active = layer if was_active else self.viewer.layers.selection.active
        self.viewer.layers.insert(self.viewer.layers.index(former), layer)
        name = former.name
        self.viewer.layers.remove(former)
        layer.name = name
        self.viewer.layers.selection.active = active

    def _insert(self, key: Key, entry: Any, layer: Any) -> None:
        """Put a layer above those of its kind, below those that lie on top; the selection stays."""
        rank = _rank(layer)
        below = [n for n, other in enumerate(self.viewer.layers) if _rank(other) <= rank]
        active = self.viewer.layers.selection.active
        self._entries[key] = entry
        self.viewer.layers.insert(below[-1] + 1 if below else 0, layer)
        if active is not None:
            self.viewer.layers.selection.active = active

    def _recolor(self, title: str) -> None:
        """Give the channels of a group their colours, by which of them there are now."""
        group = [
            entry
            for (kind, of, channel, _), entry in self._entries.items()
            if kind == "image" and of == title and channel is not None
        ]
        ordered = sorted(group, key=lambda entry: _order(entry.channel))
        colors = channel_colormaps({entry.channel: entry.channel_name for entry in ordered})
        for entry in ordered:
            if entry.colormap is None:
                entry.recolor(colors[entry.channel])

    def _on_removed(self, event: Any) -> None:
        """Forget a layer that was removed, by the user perhaps, and the axes that only it had."""
        gone = [key for key, entry in self._entries.items() if entry.layer is event.value]
        for key in gone:
            del self._entries[key]
            self._stale.pop(key, None)
            if key[0] == "rois" and not any(other[:3] == key[:3] for other in self._entries):
                self._sent.pop((key[1], key[2]), None)
        if not self._entries:
            self.sliders.forget()
        if gone:
            self._recount()

    def _recount(self) -> None:
        """Count the axes of the window anew, by the layers that there are."""
        with self.sliders.kept():
            self.world.clear()
            for entry in self._entries.values():
                entry.announce()
            self._relift()

    @contextmanager
    def _undone_on_failure(self) -> Iterator[None]:
        """Leave no layer and no axis behind of a frame that cannot be shown."""
        before = set(self._entries)
        try:
            yield
        except Exception:
            with suppress(Exception):
                for key in self._entries.keys() - before:
                    self.viewer.layers.remove(self._entries.pop(key).layer)
            with suppress(Exception):
                self._recount()
            raise


def _name(entry: Any) -> str:
    """Name of a layer in napari: its title, its channel, and what else tells it from another."""
    channel = "" if entry.channel is None else entry.channel_name or f"channel {entry.channel}"
    return " ".join(part for part in (entry.title, channel, getattr(entry, "suffix", "")) if part)


def _rank(layer: Any) -> int:
    return RANKS.get(type(layer).__name__.lower(), VECTORS)


def _order(channel: int | str | None) -> tuple[bool, Any]:
    return (True, natural_key(channel)) if isinstance(channel, str) else (False, channel)
