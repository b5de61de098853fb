"""PolyStore backend ``disk``: files, in the format that their suffix names."""

from polystore_disk._backend import DiskBackend

__all__ = ["DiskBackend"]
