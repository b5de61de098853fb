"""The file formats of regions, each a :class:`~polystore_core.formats.Format`."""

from polystore_roi.formats._geojson import GeoJson
from polystore_roi.formats._imagej_roi import ImageJRoi
from polystore_roi.formats._imagej_roi_set import ImageJRoiSet
from polystore_roi.formats._roi_json import RoiJson

__all__ = ["GeoJson", "ImageJRoi", "ImageJRoiSet", "RoiJson"]
