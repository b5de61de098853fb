"""PolyStore backend ``shelf``: everything in one SQLite file."""

from polystore_shelf._backend import Shelf

__all__ = ["Shelf"]
