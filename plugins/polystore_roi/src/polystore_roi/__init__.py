"""Regions of interest: a model of their own, files, and the way to and from viewers and label images."""

from polystore_roi._geojson import rois_from_geojson, rois_to_geojson
from polystore_roi._imagej import roi_from_imagej, roi_to_imagej
from polystore_roi._labels import labels_from_rois, rois_from_labels
from polystore_roi._loss import Loss, LossReport, RoiLossWarning
from polystore_roi._napari import NapariLayers, rois_from_napari, rois_to_napari
from polystore_roi._roi import Roi
from polystore_roi._shapes import (
    Composite,
    Ellipse,
    Line,
    Mask,
    Points,
    Polygon,
    Polyline,
    Rectangle,
    Text,
)
from polystore_roi._table import rois_to_table
from polystore_roi._table_reading import rois_from_table

__all__ = [
    "Composite",
    "Ellipse",
    "Line",
    "Loss",
    "LossReport",
    "Mask",
    "NapariLayers",
    "Points",
    "Polygon",
    "Polyline",
    "Rectangle",
    "Roi",
    "RoiLossWarning",
    "Text",
    "labels_from_rois",
    "roi_from_imagej",
    "roi_to_imagej",
    "rois_from_geojson",
    "rois_from_labels",
    "rois_from_napari",
    "rois_from_table",
    "rois_to_geojson",
    "rois_to_napari",
    "rois_to_table",
]
