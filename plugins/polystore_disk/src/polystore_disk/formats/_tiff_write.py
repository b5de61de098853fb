"""Writing TIFF: what it can hold, and which tags say what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from polystore_core.errors import InvalidOption, UnsupportedData
from polystore_core.formats import write_pieces
from polystore_disk.formats._narrow import describe
from polystore_disk.formats._quiet import quiet_libraries
from polystore_disk.formats._tiff_layout import lay_out

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["TiffOptions", "write_tiff"]

_DTYPES = frozenset(("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"))
"""What can be held, as numpy's kind and size: ``dtype.str`` without the byte order."""
_OME_DTYPES = _DTYPES - {"i8", "u8", "f2"}
_CLASSIC_LIMIT = 2**32 - 2**25
_TAG_BYTES = 512
"""Room for the tags of one page."""
_PER_CENTIMETER = {"nanometer": 1e7, "micrometer": 1e4, "millimeter": 10.0}
_SYMBOL = {"nanometer": "nm", "micrometer": "µm", "millimeter": "mm"}
_OME_AXES = ("", "", "YX", "ZYX", "CZYX", "TCZYX")


class TiffOptions(NamedTuple):
    """How an array is to be written; see :meth:`polystore_disk.formats.Tiff.encode`."""

    compression: str
    predictor: bool
    photometric: str
    axes: str | None
    pixel_size: tuple[float, float] | None
    z_step: float | None
    unit: str
    channel_names: list[str] | None
    ome: bool


def write_tiff(file: BinaryIO, array: Array, options: TiffOptions, *, suffix: str, threads: int) -> None:
    """Write ``array``, or say why it cannot be written exactly."""
    _require_holdable(array, options, suffix)
    photometric = _photometric(array, options.photometric)
    axes = _axes(array, options, photometric == "rgb")
    import tifffile

    arguments: dict[str, Any] = {
        "photometric": photometric,
        "metadata": _metadata(axes, options),
        "ome": options.ome,
        "bigtiff": _needs_bigtiff(array),
    }
    if options.pixel_size is not None:
        scale = _PER_CENTIMETER[options.unit]
        arguments["resolution"] = [scale / float(size) for size in reversed(options.pixel_size)]
        arguments["resolutionunit"] = "CENTIMETER"
    try:
        with quiet_libraries():
            if options.compression == "none" and array.dtype.kind != "b":
                write_pieces(file, lay_out(array, **arguments))
            else:
                tifffile.imwrite(
                    tifffile.FileHandle(file, mode="wb", name="image.tif", size=0),
                    array,
                    compression=None if options.compression == "none" else options.compression,
                    predictor=options.predictor,
                    maxworkers=threads,
                    **arguments,
                )
    except (ValueError, TypeError, NotImplementedError, IndexError, KeyError) as error:
        raise UnsupportedData(
            f"{suffix!r} cannot hold {describe(array)} with these options ({error}): "
            "save it as .npy, or without predictor"
        ) from error
    if options.ome:
        _require_same_shape(file, array, axes)


def _needs_bigtiff(array: Array) -> bool:
    """Tell whether pixels and tags may exceed the 32-bit offsets of a classic TIFF, however well it packs."""
    planes = array.size // (array.shape[-1] * array.shape[-2])
    return bool(array.nbytes + planes * _TAG_BYTES > _CLASSIC_LIMIT)


def _require_holdable(array: Array, options: TiffOptions, suffix: str) -> None:
    if array.dtype.str[1:] not in _DTYPES or array.ndim < 2 or array.size == 0:
        raise UnsupportedData(
            f"{suffix!r} holds arrays (..., Y, X) that are not empty, of bool, integers, float16 to float64 "
            f"and complex; got {describe(array)}: save it as .npy"
        )
    if options.ome and array.dtype.str[1:] not in _OME_DTYPES:
        raise UnsupportedData(
            f"OME-TIFF has no pixel type {array.dtype}: save it as .tif with ome=False, or as .npy"
        )
    if options.predictor and options.compression == "none":
        raise InvalidOption("predictor=True needs a compression: add compression='zstd' or 'deflate'")
    if options.pixel_size is not None and not all(0 < size < float("inf") for size in options.pixel_size):
        raise InvalidOption(f"pixel_size is (y, x), both above zero; got {options.pixel_size}")
    if options.z_step is not None and not 0 < options.z_step < float("inf"):
        raise InvalidOption(f"z_step is above zero; got {options.z_step}")
    if options.ome:
        return
    for name, value in (("z_step", options.z_step), ("channel_names", options.channel_names)):
        if value is not None:
            raise InvalidOption(f"{name} needs OME metadata: add ome=True, or name the file .ome.tif")


def _photometric(array: Array, asked: str) -> str:
    is_colour = array.ndim >= 3 and array.shape[-1] in (3, 4)
    if asked == "rgb" and not is_colour:
        raise InvalidOption(
            f"photometric='rgb' needs shape (..., Y, X, 3) or (..., Y, X, 4); got {array.shape}"
        )
    if asked != "auto":
        return asked
    is_picture = is_colour and array.dtype.str[1:] in ("u1", "u2") and min(array.shape[-3:-1]) > 4
    return "rgb" if is_picture else "minisblack"


def _axes(array: Array, options: TiffOptions, is_rgb: bool) -> str | None:
    axes = options.axes
    if axes is None and options.ome:
        planes = array.ndim - is_rgb
        if planes >= len(_OME_AXES):
            raise UnsupportedData(
                f"OME-TIFF holds at most T, C, Z, Y, X; got shape {array.shape}: save it as .tif"
            )
        axes = _OME_AXES[planes] + "S" * is_rgb
    if axes is None and array.size == 1:  # tifffile counts axes that are all of length one wrongly
        return "YX".rjust(array.ndim, "Q")
    if axes is None:
        return None
    ending = "YXS" if is_rgb else "YX"
    if len(axes) != array.ndim or len(set(axes)) != len(axes) or not axes.endswith(ending):
        raise InvalidOption(
            f"axes={axes!r} does not name the {array.ndim} dimensions of shape {array.shape}: "
            f"give one letter each, ending with {ending}"
        )
    known = "TCZYXS" if options.ome else "TCZYXSRIQ"
    if not set(axes) <= set(known):
        raise InvalidOption(f"axes={axes!r}: letters are {', '.join(known)}")
    names = options.channel_names
    if names is not None and len(names) != (array.shape[axes.index("C")] if "C" in axes else 1):
        raise InvalidOption(
            f"channel_names={names} does not fit the channels of shape {array.shape}, axes {axes}"
        )
    return axes


def _metadata(axes: str | None, options: TiffOptions) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if axes is not None:
        metadata["axes"] = axes
    if not options.ome:
        return metadata
    symbol = _SYMBOL[options.unit]
    if options.pixel_size is not None:
        height, width = options.pixel_size
        metadata |= {
            "PhysicalSizeY": height,
            "PhysicalSizeYUnit": symbol,
            "PhysicalSizeX": width,
            "PhysicalSizeXUnit": symbol,
        }
    if options.z_step is not None:
        metadata |= {"PhysicalSizeZ": options.z_step, "PhysicalSizeZUnit": symbol}
    if options.channel_names is not None:
        metadata["Channel"] = {"Name": options.channel_names}
    return metadata


def _require_same_shape(file: BinaryIO, array: Array, axes: str | None) -> None:
    """Prove from what was written that the shape comes back; OME-XML drops some axes of length one."""
    import tifffile

    end = file.tell()
    file.seek(0)
    with quiet_libraries(), tifffile.TiffFile(file, name="image.tif", _multifile=False) as tiff:
        found = tiff.series[0]
        shape, dtype = found.shape, found.dtype
    file.seek(end)
    if shape != array.shape or dtype != array.dtype:
        raise UnsupportedData(
            f"OME-TIFF would give {describe(array)} with axes {axes} back as {dtype} {shape}: "
            f"squeeze the axes of length one, or save it as .tif with ome=False"
        )
