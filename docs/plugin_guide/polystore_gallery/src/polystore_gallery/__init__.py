"""Backend `gallery_stream`: what is saved appears in a web page."""

from polystore_streaming import ViewerBackend

__all__ = ["GalleryBackend"]


class GalleryBackend(ViewerBackend):
    """Shows images in a page that renews itself."""

    viewer = "gallery"
    display_class = "polystore_gallery.display:GalleryDisplay"
