"""PolyStore backend ``zarr``: Zarr arrays, and plates in the OME-NGFF layout."""

from polystore_zarr._backend import ZarrBackend
from polystore_zarr._regions import plan_regions

__all__ = ["ZarrBackend", "plan_regions"]
