"""``.geojson``: regions as GeoJSON features, for QuPath and other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_roi._geojson import rois_from_geojson, rois_to_geojson
from polystore_roi.formats._json import dump, load
from polystore_roi.formats._regions import require_rois

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["GeoJson"]


class GeoJson:
    """The codec of ``.geojson``: a list of regions as a collection of features (RFC 7946), x before y.

    What GeoJSON does not have (ellipses, masks, text) is written as the outline it shows, and as it is in the
    feature's member ``"polystore"``; so every region comes back as it was.

    Examples
    --------
    >>> import io
    >>> from polystore_roi import Polygon
    >>> from polystore_roi.formats import GeoJson
    >>> file = io.BytesIO()
    >>> GeoJson().encode([Polygon([[0, 0], [0, 9], [5, 9]], name="a")], file, threads=1)
    >>> file.seek(0)
    0
    >>> GeoJson().decode(file, copy=True, max_bytes=100_000, threads=1)
    [Polygon([[0, 0], [0, 9], [5, 9]], name='a')]
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
            What becomes of what GeoJSON does not have, see :meth:`~polystore_roi.LossReport.settle`.
        indent
            Spaces per level; ``None`` writes one line.

        Raises
        ------
        UnsupportedData
            If it is no list of regions, or with ``strict`` one that GeoJSON does not hold.
        """
        collection, losses = rois_to_geojson(require_rois(data, ".geojson"))
        losses.settle(strict=strict)
        dump(collection, file, indent=indent)

    def decode(
        self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int, strict: bool | None = None
    ) -> list[Any]:
        """Return the regions.

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
        rois, losses = rois_from_geojson(load(file, max_bytes))
        losses.settle(strict=strict)
        return rois
