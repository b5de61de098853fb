"""The shapes a region can have."""

from polystore_roi._shapes._boxed import Ellipse, Rectangle, Text
from polystore_roi._shapes._composite import Composite
from polystore_roi._shapes._mask import Mask
from polystore_roi._shapes._vertices import Line, Points, Polygon, Polyline

__all__ = ["Composite", "Ellipse", "Line", "Mask", "Points", "Polygon", "Polyline", "Rectangle", "Text"]
