"""The viewer: a folder with a page that shows the newest image of each layer."""

import html
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from polystore_streaming.viewer import Image, LoopDisplay

PAGE = """<!doctype html>
<title>{title}</title>
<meta http-equiv="refresh" content="1">
<style>body {{ background: #222; color: #ddd; font: 14px sans-serif }} img {{ max-width: 30em }}</style>
{figures}
"""
FIGURE = '<figure><img src="{file}"><figcaption>{layer}</figcaption></figure>'


class GalleryDisplay(LoopDisplay):
    """One picture per layer, in a page."""

    def __init__(self, title: str, folder: str | None = None) -> None:
        super().__init__(title)
        self.folder = Path(folder or tempfile.mkdtemp(prefix="polystore-gallery-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pictures: dict[str, np.ndarray] = {}
        print(f"open {self.folder / 'index.html'}", flush=True)

    def show_image(self, image: Image) -> None:
        """Write the picture, then the page."""
        if image.pixels.ndim > 2 + image.is_rgb:
            raise ValueError("the gallery shows planes; save one plane at a time")
        self.pictures[image.layer] = picture = in_eight_bits(image)
        number = list(self.pictures).index(image.layer)
        Picture.fromarray(picture).save(self.folder / f"{number}.png")
        figures = (
            FIGURE.format(file=f"{number}.png", layer=html.escape(layer))
            for number, layer in enumerate(self.pictures)
        )
        page = PAGE.format(title=html.escape(self.title), figures="\n".join(figures))
        (self.folder / "index.html").write_text(page)

    def layers(self) -> list[dict]:
        """Describe the pictures."""
        return [
            {"name": layer, "kind": "image", "visible": True, "shape": list(picture.shape), "dtype": "uint8"}
            for layer, picture in self.pictures.items()
        ]

    def pixels(self, layer: str, position: dict) -> np.ndarray:
        """Return a picture."""
        return self.pictures[layer]


def in_eight_bits(image: Image) -> np.ndarray:
    """Stretch the contrast to 0..255."""
    if image.is_rgb:
        return image.pixels.copy()
    low, high = image.contrast
    return (np.clip((image.pixels - low) / (high - low), 0, 1) * 255).astype(np.uint8)
