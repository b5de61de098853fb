"""The documents of a plate, made and checked by ome-zarr-models.

Format: OME-NGFF 0.5, https://ngff.openmicroscopy.org/0.5/; the block ``omero`` as OME-NGFF describes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ome_zarr_models.common.omero import Channel, Omero, Window
from ome_zarr_models.common.well_types import WellImage
from ome_zarr_models.v05.axes import Axis
from ome_zarr_models.v05.hcs import HCSAttrs
from ome_zarr_models.v05.image import ImageAttrs
from ome_zarr_models.v05.image_label import ImageLabelAttrs
from ome_zarr_models.v05.image_label_types import Label, Source
from ome_zarr_models.v05.labels import LabelsAttrs
from ome_zarr_models.v05.multiscales import Dataset, Multiscale
from ome_zarr_models.v05.plate import Column, Plate, Row, WellInPlate
from ome_zarr_models.v05.well import WellAttrs
from ome_zarr_models.v05.well_types import WellMeta

from polystore_zarr._plate_places import Layout, row_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_zarr._plate_places import FieldPlace

__all__ = [
    "ChannelLook",
    "Scale",
    "image_attributes",
    "label_attributes",
    "labels_with",
    "plate_attributes",
    "plate_with",
    "plate_without",
    "well_with",
    "well_without",
]

_VERSION: Final = "0.5"
_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


class Scale(NamedTuple):
    """Size of a pixel along z, y and x, and of a time step.

    Attributes
    ----------
    z, y, x
        In ``unit``.
    t
        In seconds.
    unit
        As OME-NGFF names units of length: ``"micrometer"``. ``None`` for pixels.
    """

    z: float = 1.0
    y: float = 1.0
    x: float = 1.0
    t: float = 1.0
    unit: str | None = None


class ChannelLook(NamedTuple):
    """How a viewer shall show a channel: name, colour as ``RRGGBB`` and the limits of contrast."""

    label: str
    color: str
    lowest: float
    highest: float
    start: float
    end: float


def image_attributes(
    name: str,
    axes: Sequence[str],
    scale: Scale,
    *,
    levels: int,
    centred: bool,
    channels: Sequence[ChannelLook],
    method: str,
) -> dict[str, Any]:
    """Return the attributes of an image.

    Parameters
    ----------
    name
        Of the image.
    axes
        Some of ``t``, ``c``, ``z``, then ``y``, ``x``.
    scale
        Of the first level.
    levels
        How many there are; each is half as large as the one before.
    centred
        Whether a pixel of a smaller level lies in the middle of those it stands for, as a mean does.
    channels
        One for each, or one for an image without such an axis.
    method
        How the levels were made.
    """
    datasets = []
    for level in range(levels):
        factor = 2.0**level
        steps = {"t": scale.t, "c": 1.0, "z": scale.z, "y": scale.y * factor, "x": scale.x * factor}
        shift = (factor - 1) / 2 if centred else 0.0
        shifts = {"y": shift * scale.y, "x": shift * scale.x}
        translation = [shifts.get(axis, 0.0) for axis in axes] if shift else None
        datasets.append(
            Dataset.build(path=str(level), scale=[steps[axis] for axis in axes], translation=translation)
        )
    units = {"t": "second", "z": scale.unit, "y": scale.unit, "x": scale.unit}
    attributes = ImageAttrs(
        version=_VERSION,
        multiscales=[
            Multiscale(
                name=name,
                type=method,
                axes=tuple(Axis(name=axis, type=_TYPES[axis], unit=units.get(axis)) for axis in axes),
                datasets=tuple(datasets),
            )
        ],
        omero=Omero(channels=[_channel(look) for look in channels]),  # type: ignore[call-arg]
    )
    return {"ome": attributes.model_dump(mode="json", exclude_none=True)}


def _channel(look: ChannelLook) -> Channel:
    window = Window(min=look.lowest, max=look.highest, start=look.start, end=look.end)
    return Channel(color=look.color, window=window, label=look.label, active=True)  # type: ignore[call-arg]


def label_attributes(image: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a label image, from those that it would have as an image.

    Parameters
    ----------
    image
        What :func:`image_attributes` returned.
    """
    label = Label(version=_VERSION, source=Source(image="../../"), colors=None, properties=None)
    shown = {name: value for name, value in image["ome"].items() if name != "omero"}
    attributes = ImageLabelAttrs.model_validate({**shown, "image-label": label})
    return {"ome": attributes.model_dump(mode="json", exclude_none=True, by_alias=True)}


def labels_with(attributes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the attributes of a group of label images with one more."""
    names = list(LabelsAttrs.model_validate(attributes["ome"]).labels) if "ome" in attributes else []
    labels = LabelsAttrs(version=_VERSION, labels=sorted({*names, name}))
    return {**attributes, "ome": labels.model_dump(mode="json", exclude_none=True)}


def plate_attributes(name: str, layout: Layout) -> dict[str, Any]:
    """Return the attributes of a plate without wells."""
    plate = Plate(name=name, version=_VERSION, rows=_rows(layout), columns=_columns(layout), wells=[])
    return _plate(plate)


def plate_with(
    attributes: Mapping[str, Any], place: FieldPlace, layout: Layout, fields: int
) -> dict[str, Any]:
    """Return the attributes of a plate with one more well, and room for it.

    Parameters
    ----------
    attributes
        As they are now.
    place
        A field of the well; a well that is there already is not added again.
    layout
        Rows and columns at least.
    fields
        How many fields the well has.

    Raises
    ------
    ValueError
        If the attributes are not those of a plate.
    """
    plate = HCSAttrs.model_validate(attributes["ome"]).plate
    wells = list(plate.wells)
    if all(well.path != place.well for well in wells):
        wells.append(WellInPlate(path=place.well, rowIndex=place.row, columnIndex=place.column))
        wells.sort(key=lambda well: (well.rowIndex, well.columnIndex))
    needed = Layout(max(layout.rows, len(plate.rows)), max(layout.columns, len(plate.columns)))
    changed = Plate(
        **{
            **dict(plate),
            "rows": _rows(needed),
            "columns": _columns(needed),
            "wells": wells,
            "field_count": max(plate.field_count or 0, fields),
        }
    )
    return {**attributes, **_plate(changed)}


def well_with(attributes: Mapping[str, Any], name: str) -> tuple[dict[str, Any], int]:
    """Return the attributes of a well with one more field, and the number of fields.

    Raises
    ------
    ValueError
        If the attributes are not those of a well.
    """
    images = list(WellAttrs.model_validate(attributes["ome"]).well.images) if "ome" in attributes else []
    if all(image.path != name for image in images):
        images.append(WellImage(path=name, acquisition=None))
        images.sort(key=lambda image: (len(image.path), image.path))
    well = WellAttrs(version=_VERSION, well=WellMeta(images=images, version=_VERSION))
    return {**attributes, "ome": well.model_dump(mode="json", exclude_none=True)}, len(images)


def plate_without(attributes: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Return the attributes of a plate without a well, or a row of wells.

    Raises
    ------
    ValueError
        If the attributes are not those of a plate.
    """
    plate = HCSAttrs.model_validate(attributes["ome"]).plate
    wells = [well for well in plate.wells if not f"{well.path}/".startswith(f"{node}/")]
    return {**attributes, **_plate(plate.model_copy(update={"wells": wells}))}


def well_without(attributes: Mapping[str, Any], name: str) -> tuple[dict[str, Any], int]:
    """Return the attributes of a well without a field, and the number of fields left.

    Raises
    ------
    ValueError
        If the attributes are not those of a well.
    """
    images = [
        image for image in WellAttrs.model_validate(attributes["ome"]).well.images if image.path != name
    ]
    well = WellAttrs(version=_VERSION, well=WellMeta(images=images, version=_VERSION))
    return {**attributes, "ome": well.model_dump(mode="json", exclude_none=True)}, len(images)


def _plate(plate: Plate) -> dict[str, Any]:
    attributes = HCSAttrs(version=_VERSION, plate=plate)
    return {"ome": attributes.model_dump(mode="json", exclude_none=True)}


def _rows(layout: Layout) -> list[Row]:
    return [Row(name=row_name(row)) for row in range(layout.rows)]


def _columns(layout: Layout) -> list[Column]:
    return [Column(name=str(column + 1)) for column in range(layout.columns)]
