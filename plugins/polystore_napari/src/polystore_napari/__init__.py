"""PolyStore backend ``napari_stream``: a live napari window."""

from polystore_napari._backend import NapariStreamBackend

__all__ = ["NapariStreamBackend"]
