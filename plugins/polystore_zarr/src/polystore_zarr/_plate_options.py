"""The options of a save into a plate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - options are checked against annotations
from dataclasses import dataclass
from typing import Any

from polystore_core.files import Durability  # noqa: TC001
from polystore_core.paths import PathPattern  # noqa: TC001
from polystore_zarr._codecs import Compression  # noqa: TC001
from polystore_zarr._engine import Engine  # noqa: TC001
from polystore_zarr._ngff import Ngff  # noqa: TC001
from polystore_zarr._pyramid import Downsampling  # noqa: TC001

__all__ = ["PlateOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateOptions:
    """How a batch of planes becomes a plate.

    Attributes
    ----------
    store
        Directory of the plate; ends in ``.zarr``.
    pattern
        What the paths tell: a pattern, its text, or the name of a preset.
    ngff
        Version of OME-NGFF: ``"0.5"`` on Zarr v3, or ``"0.4"`` on Zarr v2. By default that of the plate that
        is there, or 0.5.
    layout
        Wells of the plate: 6, 12, 24, 48, 96, 384 or 1536. By default the smallest with all wells.
    plate_name
        By default the coordinate ``plate`` of the paths, or the name of the store.
    acquisition, acquisition_name
        Number of the acquisition that all fields of the batch are of, if the paths have no coordinate
        ``acquisition``; and what it is called.
    pixel_size
        One size, (y, x) or (z, y, x), in ``unit``.
    unit
        Unit of length as OME-NGFF names it; ``"micrometer"`` if a pixel size is given.
    time_step
        Seconds between two values of ``t``.
    channel_names, channel_colors
        One for each channel, in the order of their values; colours as ``"RRGGBB"``.
    levels
        Of the pyramid; by default until a plane is at most 256 pixels high and wide.
    downsampling
        ``"mean"`` of 2 x 2 pixels, the default of images, or ``"nearest"``, that of labels.
    labels
        Name of a label image: the planes are labels, and lie beside the image of their field.
    chunks, shards, compression, level, codecs, engine, durability
        As for a single array.
    """

    store: str
    pattern: str | PathPattern
    ngff: Ngff | None = None
    layout: int | None = None
    plate_name: str | None = None
    acquisition: int | None = None
    acquisition_name: str | None = None
    pixel_size: float | Sequence[float] | None = None
    unit: str | None = None
    time_step: float = 1.0
    channel_names: Sequence[str] | None = None
    channel_colors: Sequence[str] | None = None
    levels: int | None = None
    downsampling: Downsampling | None = None
    labels: str | None = None
    chunks: Sequence[int] | None = None
    shards: Sequence[int] | None = None
    compression: Compression | None = None
    level: int | None = None
    codecs: Sequence[Mapping[str, Any]] | None = None
    engine: Engine | None = None
    durability: Durability | None = None
