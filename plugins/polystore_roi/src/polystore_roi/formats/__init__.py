"""The file formats of regions, each a :class:`~polystore_core.formats.Format`."""

from polystore_roi.formats._imagej_roi import ImageJRoi
from polystore_roi.formats._imagej_roi_set import ImageJRoiSet

__all__ = ["ImageJRoi", "ImageJRoiSet"]
