"""PolyStore backend ``memory``: values kept by this process."""

from polystore_memory._backend import MemoryBackend

__all__ = ["MemoryBackend"]
