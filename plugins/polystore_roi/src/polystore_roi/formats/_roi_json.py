"""``.roi.json``: regions as they are, in JSON that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import CorruptData
from polystore_roi._loss import LossReport
from polystore_roi._records import record_of, roi_of
from polystore_roi.formats._json import damage_is_corrupt, dump, load
from polystore_roi.formats._regions import require_rois

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["RoiJson"]

_FORMAT, _VERSION = "polystore-rois", 1


class RoiJson:
    """The codec of ``.roi.json``: a list of regions of any kind, exactly.

    Examples
    --------
    >>> import io
    >>> from polystore_roi import Rectangle
    >>> from polystore_roi.formats import RoiJson
    >>> file = io.BytesIO()
    >>> RoiJson().encode([Rectangle(1, 2, 3, 4, name="a", z=0)], file, threads=1, indent=1)
    >>> print(file.getvalue().decode())
    {
     "format": "polystore-rois",
     "version": 1,
     "rois": [
      {
       "type": "rectangle",
       "y": 1.0,
       "x": 2.0,
       "height": 3.0,
       "width": 4.0,
       "angle": 0.0,
       "name": "a",
       "z": 0
      }
     ]
    }
    """

    def encode(
        self,
        data: Data,
        file: BinaryIO,
        *,
        threads: int,
        strict: bool | None = None,
        indent: int | None = None,
    ) -> None:
        """Write a list of regions.

        Parameters
        ----------
        data
            The list.
        file, threads
            As in :class:`~polystore_core.formats.Format`.
        strict
            As for the other formats of regions; nothing is ever lost here.
        indent
            Spaces per level; ``None`` writes one line.

        Raises
        ------
        UnsupportedData
            If it is no list of regions.
        """
        records = [record_of(roi) for roi in require_rois(data, ".roi.json")]
        LossReport("'.roi.json'").settle(strict=strict)
        dump({"format": _FORMAT, "version": _VERSION, "rois": records}, file, indent=indent)

    def decode(
        self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int, strict: bool | None = None
    ) -> list[Any]:
        """Return the regions.

        Parameters
        ----------
        file, copy, max_bytes, threads
            As in :class:`~polystore_core.formats.Format`.
        strict
            As for the other formats of regions; nothing is ever lost here.

        Raises
        ------
        CorruptData
            If the file is damaged, or may need more than ``max_bytes``.
        """
        document = load(file, max_bytes)
        if type(document) is not dict or document.get("format") != _FORMAT:
            raise CorruptData(f"not a '.roi.json': it is no JSON object with \"format\": {_FORMAT!r}")
        if document.get("version") != _VERSION:
            raise CorruptData(f"its version is {document.get('version')!r}; known is {_VERSION}")
        records = document.get("rois")
        if type(records) is not list:
            raise CorruptData("its 'rois' are no list")
        LossReport("the model").settle(strict=strict)
        return damage_is_corrupt(
            lambda: [roi_of(record, f"rois[{index}]") for index, record in enumerate(records)]
        )
