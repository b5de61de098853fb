"""One picture of everything: each image beside its objects, labelled, in the order of the plate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_core.paths import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from PIL.Image import Image

    from polystore.demo._source import Source

    Array = np.ndarray[Any, Any]

__all__ = ["contact_sheet"]

WIDTH = 1560
GAP = 10
LINE = 24
GROUND = (18, 20, 24)
TEXT = (236, 238, 242)
OUTLINE = (255, 200, 0)
MOST_COLUMNS = 6


class Tile(NamedTuple):
    """One image of the sheet: its group (a well starts a new row), label, plane, label image and contrast."""

    group: str
    label: str
    plane: Array
    labels: Array
    limits: tuple[float, float]


def contact_sheet(source: Source, planes: Sequence[Array], labels: Sequence[Array]) -> Array:
    """Draw the sheet.

    Parameters
    ----------
    source
        Names and coordinates of the images.
    planes
        Background-corrected ``(Y, X)`` planes; shown from their 1st to their 99.7th percentile, which is
        that of all images of a channel, so that wells can be compared.
    labels
        Label images of the same shapes, drawn as outlines over the plane.

    Returns
    -------
    array
        ``(Y, X, 3)``, uint8.
    """
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    rows, columns = _rows(_tiles(source, planes, labels))
    side = max(96, min(300, (WIDTH - GAP) // (2 * columns) - GAP))
    width = max(GAP + columns * 2 * (side + GAP), 640)
    height = 2 * LINE + 2 * GAP + len(rows) * (side + LINE + GAP)
    sheet = Image.new("RGB", (width, height), GROUND)
    draw = ImageDraw.Draw(sheet)
    title = f"PolyStore demo: {len(planes)} images of {source.title.rstrip('/').rpartition('/')[2]}"
    draw.text((GAP, GAP), title, TEXT, ImageFont.load_default(18))
    draw.text(
        (GAP, GAP + LINE),
        "left: background subtracted; right: objects found",
        (160, 166, 178),
        ImageFont.load_default(14),
    )
    font = ImageFont.load_default(max(11, min(15, side // 12)))
    for row, tiles in enumerate(rows):
        top = 2 * LINE + 2 * GAP + row * (side + LINE + GAP)
        for column, tile in enumerate(tiles):
            left = GAP + column * 2 * (side + GAP)
            draw.text((left, top + 3), tile.label, TEXT, font)
            for offset, picture in enumerate(_pictures(tile, side)):
                sheet.paste(picture, (left + offset * (picture.width + 3), top + LINE))
    return np.array(sheet)


def _tiles(source: Source, planes: Sequence[Array], labels: Sequence[Array]) -> list[Tile]:
    import numpy as np

    places = [{} if place is None else place.by_axis() for place in source.coordinates()]
    wells = ["" if place is None else place.well or "" for place in source.coordinates()]
    told = [
        axis
        for axis in dict.fromkeys(axis for place in places for axis in place)
        if axis not in ("well", "row", "column") and len({place.get(axis) for place in places}) > 1
    ]
    channels = [
        str(place.get("channel", "")) if place else name
        for place, name in zip(places, source.names, strict=True)
    ]
    samples: dict[str, list[Array]] = {}
    for channel, plane in zip(channels, planes, strict=True):
        samples.setdefault(channel, []).append(plane[::4, ::4].ravel())
    limits = {
        channel: tuple(np.percentile(np.concatenate(parts), (1, 99.7))) for channel, parts in samples.items()
    }
    tiles = []
    for index, place in enumerate(places):
        parts = [f"{axis} {place[axis]}" for axis in told if axis in place]
        name = " ".join([wells[index], *parts]).strip() or source.names[index].rpartition("/")[2]
        objects = int(labels[index].max())
        label = f"{name}   {objects} object{'s' * (objects != 1)}"
        low, high = limits[channels[index]]
        tiles.append(Tile(wells[index], label, planes[index], labels[index], (float(low), float(high))))
    return sorted(
        tiles, key=lambda tile: (natural_key(tile.group), natural_key(tile.label.partition("   ")[0]))
    )


def _rows(tiles: list[Tile]) -> tuple[list[list[Tile]], int]:
    """Arrange tiles: a well starts a new row, unless wells have one tile each."""
    groups: dict[str, list[Tile]] = {}
    for tile in tiles:
        groups.setdefault(tile.group, []).append(tile)
    most = max(map(len, groups.values()))
    if most == 1 or len(groups) == 1:
        columns = min(len(tiles), 3)
        return list(_chunks(tiles, columns)), columns
    columns = min(most, MOST_COLUMNS)
    return [row for group in groups.values() for row in _chunks(group, columns)], columns


def _chunks(tiles: list[Tile], columns: int) -> Iterator[list[Tile]]:
    return (tiles[start : start + columns] for start in range(0, len(tiles), columns))


def _pictures(tile: Tile, side: int) -> tuple[Image, Image]:
    """Draw a plane, and the plane with the outlines of its objects, in a square of ``side``."""
    import numpy as np
    from PIL import Image
    from skimage.segmentation import find_boundaries

    low, high = tile.limits
    stretched = np.clip((tile.plane - low) / max(high - low, 1e-12), 0, 1) ** 0.7
    scale = side / max(tile.plane.shape)
    height, width = (max(1, round(length * scale)) for length in tile.plane.shape)
    grey = Image.fromarray((stretched * 255).astype(np.uint8)).resize(
        (width, height), Image.Resampling.LANCZOS
    )
    over = np.array(grey.convert("RGB"))
    y = (np.arange(height) / scale).astype(int).clip(max=tile.labels.shape[0] - 1)
    x = (np.arange(width) / scale).astype(int).clip(max=tile.labels.shape[1] - 1)
    over[find_boundaries(tile.labels[np.ix_(y, x)], mode="inner")] = OUTLINE
    return grey.convert("RGB"), Image.fromarray(over)
