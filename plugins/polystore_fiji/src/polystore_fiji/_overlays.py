"""Regions and points of the stream, on the images and in the ROI Manager."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from polystore_fiji._java import java, on_event_thread
from polystore_fiji._java_rois import encoded, from_encoded, identity
from polystore_fiji._roi_manager import MANAGER, add_to_manager, manager_rois, remove_from_manager
from polystore_roi import rois_to_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from polystore_fiji._image_window import ImageWindow
    from polystore_fiji._java_rois import Place
    from polystore_streaming.viewer import Content

__all__ = ["Overlays", "Shown"]


@dataclass(eq=False)
class Shown:
    """What was saved under one path.

    Attributes
    ----------
    layer, path, kind, position
        Where it belongs; ``"rois"`` or ``"points"``.
    count
        Number of regions, or of points.
    rois
        Each ``ij.gui.Roi``, and the place in the stack that it names itself.
    window
        The image that it lies on; ``None`` as long as there is none.
    managed
        Identities of its copies in the ROI Manager.
    unshown
        What ImageJ does not show of the regions.
    """

    layer: str
    path: str
    kind: str
    position: Mapping[str, int | str]
    count: int
    rois: list[tuple[Any, Place]]
    window: ImageWindow | None = None
    managed: set[int] = field(default_factory=set)
    unshown: tuple[str, ...] = ()


class Overlays:
    """All regions and points of the stream.

    Parameters
    ----------
    find
        Finds the image that a layer lies on, if it is there yet.
    """

    def __init__(self, find: Callable[[Shown], ImageWindow | None]) -> None:
        self._find = find
        self._shown: dict[tuple[str, str], Shown] = {}
        self._put: dict[int, set[int]] = {}
        self._stale: dict[int, ImageWindow] = {}

    def show(
        self,
        content: Content,
        kind: str,
        count: int,
        rois: Iterable[tuple[Any, Place]],
        *,
        unshown: Iterable[object] = (),
    ) -> None:
        """Take regions in place of those of the same path; :meth:`settle` makes them visible."""
        new = Shown(content.layer, content.path, kind, dict(content.position), count, list(rois))
        new.unshown = tuple(map(str, unshown))
        old = self._shown.get((kind, content.path))
        if old is not None:
            remove_from_manager(old.managed)
            new.window = old.window
        self._shown[kind, content.path] = new
        new.managed = add_to_manager([roi for roi, _ in new.rois])
        self._mark(new)

    def remove(self, layer: str) -> None:
        """Remove a layer; one that is not there is no error."""
        gone = [shown for shown in self._shown.values() if shown.layer == layer]
        remove_from_manager(set().union(*(shown.managed for shown in gone)))
        for shown in gone:
            del self._shown[shown.kind, shown.path]
            self._mark(shown)

    def forget(self, window: ImageWindow) -> None:
        """Let go of an image that is gone; what lay on it waits for the next."""
        self._put.pop(id(window), None)
        self._stale.pop(id(window), None)
        for shown in self._shown.values():
            if shown.window is window:
                shown.window = None

    def settle(self) -> list[ImageWindow]:
        """Find an image for whatever has none; return the images that have to be arranged anew."""
        for shown in self._shown.values():
            if shown.window is None:
                shown.window = self._find(shown)
                self._mark(shown)
        stale, self._stale = list(self._stale.values()), {}
        return stale

    def arrange(self, window: ImageWindow) -> None:
        """Put what belongs on an image there, beside what the user put there."""
        ours = [
            roi for shown in self._shown.values() if shown.window is window for roi in _placed(shown, window)
        ]
        before = self._put.get(id(window), set())
        self._put[id(window)] = {identity(roi) for roi in ours}
        if not ours and not before:
            return

        def run() -> None:
            overlay = window.imp.getOverlay()
            users = (
                [] if overlay is None else [roi for roi in overlay.toArray() if identity(roi) not in before]
            )
            overlay = overlay or java("ij.gui.Overlay")()
            overlay.clear()
            for roi in [*ours, *users]:
                overlay.add(roi)
            window.imp.setOverlay(overlay)

        on_event_thread(run)

    def _mark(self, shown: Shown) -> None:
        if shown.window is not None:
            self._stale[id(shown.window)] = shown.window

    def describe(self) -> Iterator[dict[str, Any]]:
        """Describe each layer as JSON values."""
        for layer, kind in dict.fromkeys((shown.layer, shown.kind) for shown in self._shown.values()):
            parts = [shown for shown in self._shown.values() if (shown.layer, shown.kind) == (layer, kind)]
            windows = [part.window for part in parts if part.window is not None]
            unshown = [what for part in parts for what in part.unshown]
            yield {
                "name": layer,
                "kind": kind,
                "visible": any(
                    not window.imp.getHideOverlay() for window in windows if window.imp is not None
                ),
                "count": sum(part.count for part in parts),
                "on": list(dict.fromkeys(window.title for window in windows)),
                **({"unshown": unshown} if unshown else {}),
            }

    def tables(self, images: Iterable[tuple[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return what lies on images, is drawn there, and is in the ROI Manager, as tables by layer.

        Parameters
        ----------
        images
            Name of the layer and ``ij.ImagePlus`` of all images.
        """
        layers = {identity(roi): shown.layer for shown in self._shown.values() for roi, _ in shown.rois}
        found: dict[str, list[bytes]] = {shown.layer: [] for shown in self._shown.values()}

        def run() -> None:
            for name, imp in images:
                overlay, selection = imp.getOverlay(), imp.getRoi()
                for roi in () if overlay is None else overlay.toArray():
                    found.setdefault(layers.get(identity(roi), name), []).append(encoded(roi))
                if selection is not None and (overlay is None or not overlay.contains(selection)):
                    found.setdefault(name, []).append(encoded(selection))
            managed = [encoded(roi) for roi in manager_rois()]
            if managed:
                found[MANAGER] = managed

        on_event_thread(run)  # while it paints, ImageJ gives regions without a colour one
        return {name: rois_to_table(map(from_encoded, rois)) for name, rois in found.items()}


def _placed(shown: Shown, window: ImageWindow) -> Iterator[Any]:
    """Yield the regions of a path that have their plane, with the place in the stack where it is now."""
    streamed = window.place_along(shown.position)
    if streamed is None:
        return
    for roi, own in shown.rois:
        c, z, t = (index or place for index, place in zip(streamed, own, strict=True))
        if (c, z, t) != (0, 0, 0):
            roi.setPosition(c, z, t)
        yield roi
