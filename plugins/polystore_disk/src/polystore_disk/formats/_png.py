"""``.png``: lossless pictures of 8 or 16 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import CorruptData, InvalidOption, UnsupportedData
from polystore_core.formats import read_all, require_room, write_all
from polystore_disk.formats._image_size import png_size
from polystore_disk.formats._narrow import describe, require_array
from polystore_disk.formats._quiet import quiet_libraries

if TYPE_CHECKING:
    import numpy as np

    from polystore_core.data import Data

    Array = np.ndarray[Any, Any]

__all__ = ["Png"]

_HOLDS = "'.png' holds uint8 and uint16 arrays of shape (Y, X), (Y, X, 3) or (Y, X, 4)"


class Png:
    """The codec of ``.png``: uint8 and uint16, grey, RGB or RGBA.

    Notes
    -----
    Format: https://www.w3.org/TR/png-3/

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from polystore_disk.formats import Png
    >>> file = io.BytesIO()
    >>> Png().encode(np.full((4, 5, 3), 1000, "uint16"), file, threads=1)
    >>> file.seek(0)
    0
    >>> Png().decode(file, copy=True, max_bytes=1000, threads=1).shape
    (4, 5, 3)
    """

    def encode(self, data: Data, file: BinaryIO, *, threads: int, level: int = 3) -> None:
        """Write a picture.

        Parameters
        ----------
        data
            uint8 or uint16 array of shape ``(Y, X)``, ``(Y, X, 3)`` or ``(Y, X, 4)``.
        file, threads
            As in :class:`~polystore_core.formats.Format`.
        level
            Effort of the compression, 0 (none) to 9.

        Raises
        ------
        UnsupportedData
            If a PNG cannot hold the array exactly.
        """
        import imagecodecs
        import numpy as np

        if not 0 <= level <= 9:
            raise InvalidOption(f"level is 0 to 9; got {level}")
        picture = require_array(data, _HOLDS)
        if not _is_picture(picture):
            raise UnsupportedData(f"{_HOLDS}; got {describe(picture)}: save it as .npy or .tif")
        try:
            content = imagecodecs.png_encode(np.ascontiguousarray(picture), level=level)
        except (ValueError, RuntimeError) as error:
            raise UnsupportedData(
                f"'.png' cannot hold shape {picture.shape} ({error}): save it as .tif"
            ) from error
        write_all(file, content)

    def decode(self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int) -> Array:
        """Return the picture; palettes become RGB or RGBA, fewer than 8 bits are scaled to 8.

        Raises
        ------
        CorruptData
            If the file is damaged or claims more than ``max_bytes``.
        """
        import imagecodecs

        content = read_all(file, max_bytes)
        require_room(png_size(content).working, max_bytes)
        try:
            with quiet_libraries():
                return imagecodecs.png_decode(content)
        except (ValueError, RuntimeError) as error:
            raise CorruptData(f"not a PNG that can be read: {error}") from error


def _is_picture(array: Array) -> bool:
    return (
        array.dtype.name in ("uint8", "uint16")
        and array.size > 0
        and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)))
    )
