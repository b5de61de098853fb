"""``.tif``, ``.tiff``, ``.ome.tif`` and ``.ome.tiff``: images and stacks, through tifffile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal

from polystore_disk.formats._narrow import require_array
from polystore_disk.formats._tiff_read import read_tiff
from polystore_disk.formats._tiff_write import TiffOptions, write_tiff

if TYPE_CHECKING:
    import numpy as np

    from polystore_core.data import Data

    Array = np.ndarray[Any, Any]

__all__ = ["OmeTiff", "Tiff"]


class Tiff:
    """The codec of ``.tif`` and ``.tiff``.

    Holds arrays of two or more dimensions, not empty, of bool, integers, float16 to float64 and
    complex64 to complex128; shape and dtype come back exactly. The trailing axes are the plane
    ``(Y, X)``, or ``(Y, X, S)`` for colour; each plane is a page of its own.

    Notes
    -----
    Format: TIFF 6.0 and BigTIFF (chosen above 4 GB); the shape is noted in the image description, as
    JSON, the way tifffile does.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from polystore_disk.formats import Tiff
    >>> file = io.BytesIO()
    >>> stack = np.zeros((1, 3, 64, 64), "uint16")
    >>> Tiff().encode(stack, file, threads=1, axes="CZYX", pixel_size=(0.65, 0.65), compression="zstd")
    >>> file.seek(0)
    0
    >>> Tiff().decode(file, copy=True, max_bytes=10**6, threads=1).shape
    (1, 3, 64, 64)
    """

    suffix: ClassVar[str] = ".tif"
    ome_by_default: ClassVar[bool] = False

    def encode(
        self,
        data: Data,
        file: BinaryIO,
        *,
        threads: int,
        compression: Literal["none", "lzw", "deflate", "zstd", "packbits"] = "none",
        predictor: bool = False,
        photometric: Literal["auto", "minisblack", "miniswhite", "rgb"] = "auto",
        axes: str | None = None,
        pixel_size: tuple[float, float] | None = None,
        z_step: float | None = None,
        unit: Literal["nanometer", "micrometer", "millimeter"] = "micrometer",
        channel_names: list[str] | None = None,
        ome: bool | None = None,
    ) -> None:
        """Write an image or a stack.

        Parameters
        ----------
        data
            Array of shape ``(..., Y, X)`` or ``(..., Y, X, S)``.
        file
            As in :class:`~polystore_core.formats.Format`.
        threads
            Most threads that compress at once.
        compression
            All of them are lossless.
        predictor
            True stores differences of neighbours, which compress better; for integers and floats.
        photometric
            Meaning of the values. ``"auto"`` is ``"rgb"`` for uint8 and uint16 arrays of shape
            ``(..., Y, X, 3)`` or ``(..., Y, X, 4)`` with Y and X above 4, else ``"minisblack"``.
        axes
            One letter per dimension, for example ``"TCZYX"``; ends with ``"YX"`` or ``"YXS"``.
        pixel_size
            Height and width of a pixel, ``(y, x)``, in ``unit``.
        z_step
            Distance of planes in ``unit``; OME only.
        unit
            Unit of ``pixel_size`` and ``z_step``.
        channel_names
            One name per channel (axis C); OME only.
        ome
            True writes OME-XML; ``None`` does for the suffixes ``.ome.tif`` and ``.ome.tiff``.

        Raises
        ------
        UnsupportedData
            If a TIFF cannot hold the array exactly.
        InvalidOption
            If options contradict each other or the shape of the array.
        """
        array = require_array(data, f"{self.suffix!r} holds one array")
        options = TiffOptions(
            compression=compression,
            predictor=predictor,
            photometric=photometric,
            axes=axes,
            pixel_size=pixel_size,
            z_step=z_step,
            unit=unit,
            channel_names=channel_names,
            ome=self.ome_by_default if ome is None else ome,
        )
        write_tiff(file, array, options, suffix=self.suffix, threads=threads)

    def decode(
        self,
        file: BinaryIO,
        *,
        copy: bool,
        max_bytes: int,
        threads: int,
        series: int = 0,
        page: int | None = None,
    ) -> Array:
        """Return an image or stack; palettes, colour profiles and orientation are not applied.

        Reads what is stored plain or compressed with PackBits, LZW, deflate, zstd, CCITT, JPEG or
        JPEG 2000, also in tiles, bits packed in bytes, ImageJ hyperstacks and OME-TIFF. Files of a
        multi-file OME-TIFF are read one by one.

        Parameters
        ----------
        file, copy, max_bytes
            As in :class:`~polystore_core.formats.Format`.
        threads
            Most threads that decompress at once.
        series
            Which image of the file; pages of one shape that belong together are one series.
        page
            Reads this single page instead, counted over the whole file.

        Raises
        ------
        CorruptData
            If the file is damaged, uses another compression, or claims more than ``max_bytes``.
        InvalidOption
            If there is no such series or page.
        """
        return read_tiff(file, max_bytes=max_bytes, threads=threads, series=series, page=page)


class OmeTiff(Tiff):
    """The codec of ``.ome.tif`` and ``.ome.tiff``: :class:`Tiff` with OME-XML metadata.

    Holds 2 to 5 dimensions out of ``TCZYX``, without a leading dimension of length one, which OME-XML
    does not tell from a missing one, plus ``S`` for colour.

    Notes
    -----
    Format: https://docs.openmicroscopy.org/ome-model/ (OME-TIFF).
    """

    suffix: ClassVar[str] = ".ome.tif"
    ome_by_default: ClassVar[bool] = True
