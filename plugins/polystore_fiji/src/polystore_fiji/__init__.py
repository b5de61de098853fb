"""PolyStore backend ``fiji_stream``: images and regions appear in Fiji / ImageJ."""

from polystore_fiji._options import DisplayOptions, read_options

__all__ = ["DisplayOptions", "read_options"]
