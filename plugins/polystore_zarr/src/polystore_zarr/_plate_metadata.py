"""The documents of a plate, made and checked by ome-zarr-models.

Formats: OME-NGFF 0.5, https://ngff.openmicroscopy.org/0.5/, and 0.4, https://ngff.openmicroscopy.org/0.4/,
the block ``omero`` included. A document says which of them it is of by its version of Zarr.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ome_zarr_models import v04, v05
from ome_zarr_models.common.image_label_types import Source
from ome_zarr_models.common.omero import Channel, Omero, Window
from ome_zarr_models.common.plate import Acquisition, Column, Row, WellInPlate
from ome_zarr_models.common.well_types import WellImage

from polystore_zarr._ngff import ome_of, with_ome
from polystore_zarr._plate_places import Layout, row_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_zarr._ngff import Ngff
    from polystore_zarr._plate_places import FieldPlace

__all__ = [
    "ChannelLook",
    "Scale",
    "image_attributes",
    "label_attributes",
    "labels_with",
    "labels_without",
    "no_labels",
    "plate_attributes",
    "plate_with",
    "plate_with_acquisition",
    "plate_without",
    "well_with",
    "well_without",
]

_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


_MODELS: dict[str, Any] = {"0.5": v05, "0.4": v04}


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
    ngff: Ngff,
    paths: Sequence[str],
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
    ngff
        Version of OME-NGFF.
    paths
        Of the levels; each is half as large as the one before.
    centred
        Whether a pixel of a smaller level lies in the middle of those it stands for, as a mean does.
    channels
        One for each, or one for an image without such an axis.
    method
        How the levels were made.
    """
    models = _MODELS[ngff]
    datasets = []
    for level, path in enumerate(paths):
        factor = 2.0**level
        steps = {"t": scale.t, "c": 1.0, "z": scale.z, "y": scale.y * factor, "x": scale.x * factor}
        shift = (factor - 1) / 2 if centred else 0.0
        shifts = {"y": shift * scale.y, "x": shift * scale.x}
        translation = [shifts.get(axis, 0.0) for axis in axes] if shift else None
        datasets.append(
            models.multiscales.Dataset.build(
                path=path, scale=[steps[axis] for axis in axes], translation=translation
            )
        )
    units = {"t": "second", "z": scale.unit, "y": scale.unit, "x": scale.unit}
    axis_of = models.axes.Axis
    multiscale = models.multiscales.Multiscale(
        name=name,
        type=method,
        axes=tuple(axis_of(name=axis, type=_TYPES[axis], unit=units.get(axis)) for axis in axes),
        datasets=tuple(datasets),
        **_version_04(ngff),
    )
    omero = Omero(channels=[_channel(look) for look in channels])
    attributes = models.image.ImageAttrs(multiscales=[multiscale], omero=omero, **_version_05(ngff))
    return with_ome({}, _dumped(attributes), ngff)


def _channel(look: ChannelLook) -> Channel:
    window = Window(min=look.lowest, max=look.highest, start=look.start, end=look.end)
    return Channel(color=look.color, window=window, label=look.label, active=True)  # type: ignore[call-arg]


def label_attributes(image: Mapping[str, Any], ngff: Ngff) -> dict[str, Any]:
    """Return the attributes of a label image, from those that it would have as an image.

    Parameters
    ----------
    image
        What :func:`image_attributes` returned.
    ngff
        Version of OME-NGFF.
    """
    models = _MODELS[ngff]
    label = models.image_label_types.Label(
        version=ngff, source=Source(image="../../"), colors=None, properties=None
    )
    shown = {name: value for name, value in ome_of(image).items() if name != "omero"}
    attributes = models.image_label.ImageLabelAttrs.model_validate({**shown, "image-label": label})
    return with_ome({}, _dumped(attributes), ngff)


def labels_with(attributes: Mapping[str, Any], name: str, ngff: Ngff) -> dict[str, Any]:
    """Return the attributes of a group of label images with one more."""
    model = _MODELS[ngff].labels.LabelsAttrs
    known = ome_of(attributes)
    names = list(model.model_validate(known).labels) if "labels" in known else []
    labels = model(labels=sorted({*names, name}), **_version_05(ngff))
    return with_ome(attributes, _dumped(labels), ngff)


def no_labels(ngff: Ngff) -> dict[str, Any]:
    """Return the attributes of a group of label images that holds none."""
    return with_ome({}, _dumped(_MODELS[ngff].labels.LabelsAttrs(labels=[], **_version_05(ngff))), ngff)


def labels_without(attributes: Mapping[str, Any], name: str, ngff: Ngff) -> dict[str, Any]:
    """Return the attributes of a group of label images with one less."""
    model = _MODELS[ngff].labels.LabelsAttrs
    names = [known for known in model.model_validate(ome_of(attributes)).labels if known != name]
    return with_ome(attributes, _dumped(model(labels=names, **_version_05(ngff))), ngff)


def plate_attributes(name: str, layout: Layout, ngff: Ngff) -> dict[str, Any]:
    """Return the attributes of a plate without wells."""
    plate = _MODELS[ngff].plate.Plate(
        name=name, version=ngff, rows=_rows(layout), columns=_columns(layout), wells=[]
    )
    return _with_plate({}, plate, ngff)


def plate_with(
    attributes: Mapping[str, Any], place: FieldPlace, layout: Layout, fields: int, ngff: Ngff
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
        How many fields the well has, in the acquisition of this one if it is of any.
    ngff
        Version of OME-NGFF.

    Raises
    ------
    ValueError
        If the attributes are not those of a plate.
    """
    plate = _plate_of(attributes, ngff)
    wells = list(plate.wells)
    if all(well.path != place.well for well in wells):
        wells.append(WellInPlate(path=place.well, rowIndex=place.row, columnIndex=place.column))
        wells.sort(key=lambda well: (well.rowIndex, well.columnIndex))
    needed = Layout(max(layout.rows, len(plate.rows)), max(layout.columns, len(plate.columns)))
    acquisitions = [
        acquisition.model_copy(update={"maximumfieldcount": max(acquisition.maximumfieldcount or 0, fields)})
        if acquisition.id == place.acquisition
        else acquisition
        for acquisition in plate.acquisitions or []
    ]
    changed = _MODELS[ngff].plate.Plate(
        **{
            **dict(plate),
            "rows": _rows(needed),
            "columns": _columns(needed),
            "wells": wells,
            "field_count": max(plate.field_count or 0, fields),
            "acquisitions": acquisitions or None,
        }
    )
    return _with_plate(attributes, changed, ngff)


def plate_with_acquisition(
    attributes: Mapping[str, Any], number: int, name: str | None, ngff: Ngff
) -> dict[str, Any]:
    """Return the attributes of a plate with one more acquisition, unless it is there.

    Parameters
    ----------
    attributes
        As they are now.
    number, name
        Of the acquisition; a name is added to one that has none.
    ngff
        Version of OME-NGFF.

    Raises
    ------
    ValueError
        If the attributes are not those of a plate.
    """
    plate = _plate_of(attributes, ngff)
    known = {acquisition.id: acquisition for acquisition in plate.acquisitions or []}
    there = known.get(number, Acquisition(id=number))
    known[number] = there.model_copy(update={"name": there.name or name})
    acquisitions = [known[number] for number in sorted(known)]
    return _with_plate(attributes, plate.model_copy(update={"acquisitions": acquisitions}), ngff)


def well_with(
    attributes: Mapping[str, Any], name: str, ngff: Ngff, acquisition: int | None = None
) -> tuple[dict[str, Any], int]:
    """Return the attributes of a well with one more field, and the number of fields.

    Parameters
    ----------
    attributes
        As they are now.
    name, acquisition
        Of the field; with an acquisition its fields are counted.
    ngff
        Version of OME-NGFF.

    Raises
    ------
    ValueError
        If the attributes are not those of a well.
    """
    images = _images_of(attributes, ngff) if "well" in ome_of(attributes) else []
    if all(image.path != name for image in images):
        images.append(WellImage(path=name, acquisition=acquisition))
        images.sort(key=lambda image: (len(image.path), image.path))
    count = sum(acquisition in (None, image.acquisition) for image in images)
    return _with_images(attributes, images, ngff), count


def plate_without(attributes: Mapping[str, Any], node: str, ngff: Ngff) -> dict[str, Any]:
    """Return the attributes of a plate without a well, or a row of wells.

    Raises
    ------
    ValueError
        If the attributes are not those of a plate.
    """
    plate = _plate_of(attributes, ngff)
    wells = [well for well in plate.wells if not f"{well.path}/".startswith(f"{node}/")]
    return _with_plate(attributes, plate.model_copy(update={"wells": wells}), ngff)


def well_without(attributes: Mapping[str, Any], name: str, ngff: Ngff) -> tuple[dict[str, Any], int]:
    """Return the attributes of a well without a field, and the number of fields left.

    Raises
    ------
    ValueError
        If the attributes are not those of a well.
    """
    images = [image for image in _images_of(attributes, ngff) if image.path != name]
    return _with_images(attributes, images, ngff), len(images)


def _plate_of(attributes: Mapping[str, Any], ngff: Ngff) -> Any:
    return _MODELS[ngff].hcs.HCSAttrs.model_validate(ome_of(attributes)).plate


def _with_plate(attributes: Mapping[str, Any], plate: Any, ngff: Ngff) -> dict[str, Any]:
    changed = _MODELS[ngff].hcs.HCSAttrs(plate=plate, **_version_05(ngff))
    return with_ome(attributes, _dumped(changed), ngff)


def _images_of(attributes: Mapping[str, Any], ngff: Ngff) -> list[WellImage]:
    return list(_MODELS[ngff].well.WellAttrs.model_validate(ome_of(attributes)).well.images)


def _with_images(attributes: Mapping[str, Any], images: list[WellImage], ngff: Ngff) -> dict[str, Any]:
    models = _MODELS[ngff]
    well = models.well_types.WellMeta(images=images, version=ngff)
    return with_ome(attributes, _dumped(models.well.WellAttrs(well=well, **_version_05(ngff))), ngff)


def _dumped(model: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = model.model_dump(mode="json", exclude_none=True, by_alias=True)
    return dumped


def _version_05(ngff: Ngff) -> dict[str, str]:
    """Return the version for the attributes as a whole, where 0.5 has it."""
    return {"version": ngff} if ngff == "0.5" else {}


def _version_04(ngff: Ngff) -> dict[str, str]:
    """Return the version for a multiscale image, where 0.4 has it."""
    return {"version": ngff} if ngff == "0.4" else {}


def _rows(layout: Layout) -> list[Row]:
    return [Row(name=row_name(row)) for row in range(layout.rows)]


def _columns(layout: Layout) -> list[Column]:
    return [Column(name=str(column + 1)) for column in range(layout.columns)]
