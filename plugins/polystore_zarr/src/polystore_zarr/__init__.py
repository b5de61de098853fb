"""PolyStore backend ``zarr``: Zarr arrays, and plates in the OME-NGFF layout."""

from polystore_zarr._backend import ZarrBackend

__all__ = ["ZarrBackend"]
