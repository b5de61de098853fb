"""Chunks of the common form encoded and decoded here: bytes, then at most one compression, perhaps in shards.

zarr-python hands every chunk through several coroutines, which for small chunks costs more than their
compression. Here threads go straight from array to file and back, with the same compression libraries and so
with the same bytes. What is of another form is left to zarr-python.

Sources: Zarr v3, and its codecs ``bytes``, ``zstd``, ``blosc``, ``gzip``, ``sharding_indexed``:
https://zarr-specs.readthedocs.io. The chunks of a shard are in Morton order, as zarr-python writes them.
"""

from polystore_zarr._direct._form import Form, form_of
from polystore_zarr._direct._loading import load
from polystore_zarr._direct._saving import save

__all__ = ["Form", "form_of", "load", "save"]
