"""Paths: one algebra, natural order, and the coordinates that file names carry."""

from polystore_core.paths._algebra import is_url, lies_in, normalize_path, store_path
from polystore_core.paths._axes import AXIS_ORDER, axis_rank, standard_axis
from polystore_core.paths._coordinates import Coordinates
from polystore_core.paths._grouping import PathGrid
from polystore_core.paths._natural import natural_key, natural_sorted
from polystore_core.paths._pattern import PathPattern
from polystore_core.paths._presets import PRESETS
from polystore_core.paths._select import select_paths
from polystore_core.paths._wells import well_indices, well_name

__all__ = [
    "AXIS_ORDER",
    "PRESETS",
    "Coordinates",
    "PathGrid",
    "PathPattern",
    "axis_rank",
    "is_url",
    "lies_in",
    "natural_key",
    "natural_sorted",
    "normalize_path",
    "select_paths",
    "standard_axis",
    "store_path",
    "well_indices",
    "well_name",
]
