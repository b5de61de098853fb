"""ImageJ's ROI Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jpype

from polystore_fiji._java import java, on_event_thread
from polystore_fiji._java_rois import identity

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MANAGER", "add_to_manager", "manager_rois", "remove_from_manager"]

MANAGER = "ROI Manager"
"""Layer under which everything in the manager is returned."""


def add_to_manager(rois: Sequence[Any]) -> set[int]:
    """Add copies of regions, and return the identities of the copies."""
    if not rois:
        return set()
    copies: set[int] = set()

    def run() -> None:
        manager = java("ij.plugin.frame.RoiManager").getRoiManager()
        first = manager.getCount()
        for roi in rois:
            manager.addRoi(roi.clone())  # the manager names what has no name
        copies.update(identity(manager.getRoi(index)) for index in range(first, manager.getCount()))

    on_event_thread(run)
    return copies


def remove_from_manager(copies: set[int]) -> None:
    """Remove what :func:`add_to_manager` added, as far as the user has left it there."""
    if not copies:
        return

    def run() -> None:
        manager = java("ij.plugin.frame.RoiManager").getInstance()
        if manager is None:
            return
        rois = manager.getRoisAsArray()
        ours = [index for index, roi in enumerate(rois) if identity(roi) in copies]
        if len(ours) == len(rois):
            manager.reset()
        elif ours:
            # Selecting in the manager selects on the image in front: what the user has selected there stays.
            imp = java("ij.WindowManager").getCurrentImage()
            selection = None if imp is None else imp.getRoi()
            manager.setSelectedIndexes(jpype.JArray(jpype.JInt)(ours))
            manager.runCommand("Delete")
            if selection is not None:
                imp.setRoi(selection)
            elif imp is not None:
                imp.deleteRoi()

    on_event_thread(run)


def manager_rois() -> list[Any]:
    """Return everything in the manager."""
    manager = java("ij.plugin.frame.RoiManager").getInstance()
    return [] if manager is None else list(manager.getRoisAsArray())
