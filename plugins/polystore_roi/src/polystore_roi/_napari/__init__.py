"""Regions as the data of napari's layers, and back, without napari."""

from polystore_roi._napari._from_layers import rois_from_napari
from polystore_roi._napari._to_layers import NapariLayers, rois_to_napari

__all__ = ["NapariLayers", "rois_from_napari", "rois_to_napari"]
