"""``.roi``: one region in ImageJ's own format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import UnsupportedData
from polystore_core.formats import read_all, write_all
from polystore_roi._imagej import Positions, roi_from_imagej, roi_to_imagej
from polystore_roi._loss import LossReport
from polystore_roi.formats._regions import require_rois

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["ImageJRoi"]

_EXPANSION = 16
"""Memory that a byte of the file takes at most: two of a coordinate become eight, in a few copies."""


class ImageJRoi:
    """The codec of ``.roi``: a list of one region, as ImageJ and Fiji save it.

    Whatever ImageJ does not hold exactly is written among the region's properties, which it keeps; so every
    region comes back as it was.

    Examples
    --------
    >>> import io
    >>> from polystore_roi import Ellipse
    >>> from polystore_roi.formats import ImageJRoi
    >>> file = io.BytesIO()
    >>> ImageJRoi().encode([Ellipse(10, 20, 5, 6, angle=30, name="cell")], file, threads=1)
    >>> file.seek(0)
    0
    >>> ImageJRoi().decode(file, copy=True, max_bytes=100_000, threads=1)
    [Ellipse(10, 20, 5, 6, angle=30, name='cell')]
    """

    def encode(
        self,
        data: Data,
        file: BinaryIO,
        *,
        threads: int,
        strict: bool | None = None,
        positions: Positions = "hyperstack",
    ) -> None:
        """Write a list of one region.

        Parameters
        ----------
        data
            The list.
        file, threads
            As in :class:`~polystore_core.formats.Format`.
        strict
            What becomes of what ImageJ does not show, see :meth:`~polystore_roi.LossReport.settle`.
        positions
            As for :func:`~polystore_roi.roi_to_imagej`.

        Raises
        ------
        UnsupportedData
            If it is not exactly one region, or one that ImageJ cannot address or, with ``strict``, show.
        """
        rois = require_rois(data, ".roi")
        if len(rois) != 1:
            raise UnsupportedData(f"'.roi' holds one region; got {len(rois)}: save as .roi.zip")
        content, unshown = roi_to_imagej(rois[0], positions=positions)
        LossReport.of("'.roi'", [(rois[0], unshown)], kept=True).settle(strict=strict)
        write_all(file, content)

    def decode(
        self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int, strict: bool | None = None
    ) -> list[Any]:
        """Return a list of one region.

        Parameters
        ----------
        file, copy, max_bytes, threads
            As in :class:`~polystore_core.formats.Format`.
        strict
            What becomes of what is not understood, see :meth:`~polystore_roi.LossReport.settle`.

        Raises
        ------
        CorruptData
            If the file is damaged, or may need more than ``max_bytes``.
        """
        roi, lost = roi_from_imagej(read_all(file, max_bytes, expansion=_EXPANSION))
        LossReport.of("the model", [(roi, lost)]).settle(strict=strict)
        return [roi]
