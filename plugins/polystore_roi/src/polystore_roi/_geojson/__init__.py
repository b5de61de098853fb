"""Regions as GeoJSON objects, and back."""

from polystore_roi._geojson._features import rois_from_geojson, rois_to_geojson

__all__ = ["rois_from_geojson", "rois_to_geojson"]
