"""``.jpg`` and ``.jpeg``: lossy pictures, for looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import CorruptData, InvalidOption, UnsupportedData
from polystore_core.formats import read_all, require_room, write_all
from polystore_disk.formats._image_size import jpeg_size
from polystore_disk.formats._narrow import describe, require_array
from polystore_disk.formats._quiet import quiet_libraries

if TYPE_CHECKING:
    import numpy as np

    from polystore_core.data import Data

    Array = np.ndarray[Any, Any]

__all__ = ["Jpeg"]

_END_OF_IMAGE = b"\xff\xd9"

_HOLDS = "'.jpg' holds uint8 arrays of shape (Y, X) or (Y, X, 3)"


class Jpeg:
    """The codec of ``.jpg`` and ``.jpeg``: the one format that changes values, and only when told to.

    Notes
    -----
    Format: ITU-T T.81, through libjpeg-turbo.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from polystore_disk.formats import Jpeg
    >>> file = io.BytesIO()
    >>> Jpeg().encode(np.full((16, 16), 200, "uint8"), file, threads=1, lossy=True)
    >>> file.seek(0)
    0
    >>> Jpeg().decode(file, copy=True, max_bytes=1000, threads=1).shape
    (16, 16)
    """

    def encode(
        self,
        data: Data,
        file: BinaryIO,
        *,
        threads: int,
        lossy: bool = False,
        quality: int = 90,
    ) -> None:
        """Write a picture whose values come back nearly the same.

        Parameters
        ----------
        data
            uint8 array of shape ``(Y, X)`` or ``(Y, X, 3)``, Y and X up to 65500.
        file, threads
            As in :class:`~polystore_core.formats.Format`.
        lossy
            Must be True: you know that the values change.
        quality
            1 (small) to 100 (good).

        Raises
        ------
        UnsupportedData
            Without ``lossy=True``, or if a JPEG cannot hold the array.
        """
        import imagecodecs
        import numpy as np

        if not lossy:
            raise UnsupportedData(
                "'.jpg' changes the values: add lossy=True if that is wanted, or save as .png"
            )
        if not 1 <= quality <= 100:
            raise InvalidOption(f"quality is 1 to 100; got {quality}")
        picture = require_array(data, _HOLDS)
        if not _is_picture(picture):
            raise UnsupportedData(f"{_HOLDS}; got {describe(picture)}: save it as .npy or .tif")
        try:
            content = imagecodecs.jpeg8_encode(np.ascontiguousarray(picture), level=quality)
        except (ValueError, RuntimeError) as error:
            raise UnsupportedData(
                f"'.jpg' cannot hold shape {picture.shape} ({error}): save it as .tif"
            ) from error
        write_all(file, content)

    def decode(self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int) -> Array:
        """Return the picture, shape ``(Y, X)``, ``(Y, X, 3)`` for RGB or ``(Y, X, 4)`` for CMYK.

        Raises
        ------
        CorruptData
            If the file is damaged, cut short, or claims more than ``max_bytes``.
        """
        import imagecodecs

        content = read_all(file, max_bytes)
        size = jpeg_size(content)
        require_room(size.working, max_bytes)
        if content.find(_END_OF_IMAGE, size.body) < 0:
            raise CorruptData("not a whole JPEG: the file ends before the image")
        try:
            with quiet_libraries():
                return imagecodecs.jpeg8_decode(content)
        except (ValueError, RuntimeError) as error:
            raise CorruptData(f"not a JPEG that can be read: {error}") from error


def _is_picture(array: Array) -> bool:
    return (
        array.dtype.name == "uint8"
        and array.size > 0
        and max(array.shape[:2]) <= 65500
        and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3))
    )
