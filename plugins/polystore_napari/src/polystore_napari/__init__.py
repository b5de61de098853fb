"""PolyStore backend ``napari_stream``: a live napari window."""
