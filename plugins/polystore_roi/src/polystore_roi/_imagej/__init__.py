"""Regions as the bytes of ImageJ's ``.roi`` files, and back."""

from polystore_roi._imagej._bytes import Positions, roi_from_imagej, roi_to_imagej

__all__ = ["Positions", "roi_from_imagej", "roi_to_imagej"]
