"""PolyStore backend ``fiji_stream``: images and regions appear in Fiji / ImageJ."""

from polystore_fiji._backend import FijiStreamBackend
from polystore_fiji._options import DisplayOptions

__all__ = ["DisplayOptions", "FijiStreamBackend"]
