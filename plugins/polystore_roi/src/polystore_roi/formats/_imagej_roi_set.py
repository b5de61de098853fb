"""``.roi.zip``: many regions, the archive of ImageJ's ROI Manager."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core.errors import CorruptData, PolyStoreError
from polystore_core.formats import check_member, file_size, is_real_failure, require_room
from polystore_roi._imagej import Positions, roi_from_imagej, roi_to_imagej
from polystore_roi._loss import LossReport
from polystore_roi.formats._regions import require_rois

if TYPE_CHECKING:
    from polystore_core.data import Data
    from polystore_roi._roi import Roi

__all__ = ["ImageJRoiSet"]

_SUFFIX = ".roi"
_EPOCH = (1980, 1, 1, 0, 0, 0)

_PER_BYTE, _PER_REGION = 16, 2048
"""Memory that a byte of a member, and a region however small, takes at most."""

_AWKWARD = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')
_LONGEST_NAME = 120


class ImageJRoiSet:
    """The codec of ``.roi.zip``: a list of regions, as the ROI Manager of ImageJ and Fiji saves and opens it.

    Archives of Fiji load as they are, ours open in Fiji. Whatever ImageJ does not hold exactly is written
    among the properties of a region, which it keeps; so every region comes back as it was, and one that was
    changed in Fiji as it was changed.

    Notes
    -----
    Equal lists give equal files. Nothing is unpacked to disk.

    Examples
    --------
    >>> import io
    >>> from polystore_roi import Points, Rectangle
    >>> from polystore_roi.formats import ImageJRoiSet
    >>> file = io.BytesIO()
    >>> ImageJRoiSet().encode([Rectangle(1, 2, 3, 4, name="a"), Points([[5, 6]], t=2)], file, threads=1)
    >>> file.seek(0)
    0
    >>> ImageJRoiSet().decode(file, copy=True, max_bytes=100_000, threads=1)
    [Rectangle(1, 2, 3, 4, name='a'), Points([[5, 6]], t=2)]
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
        """Write a list of regions; an empty one too.

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
            If ImageJ cannot address a region or, with ``strict``, show it.
        """
        losses: list[tuple[Roi, list[str]]] = []
        taken: set[str] = set()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for index, roi in enumerate(require_rois(data, ".roi.zip")):
                label = _free_label(_label(roi, index), taken)
                content, unshown = roi_to_imagej(roi, positions=positions, unnamed=label)
                losses.append((roi, unshown))
                member = zipfile.ZipInfo(label + _SUFFIX, _EPOCH)
                member.compress_type = zipfile.ZIP_DEFLATED
                member.external_attr = 0o644 << 16
                archive.writestr(member, content)
        LossReport.of("'.roi.zip'", losses, kept=True).settle(strict=strict)

    def decode(
        self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int, strict: bool | None = None
    ) -> list[Any]:
        """Return the regions in the order of the archive.

        Parameters
        ----------
        file, copy, max_bytes, threads
            As in :class:`~polystore_core.formats.Format`.
        strict
            What becomes of what is not understood, see :meth:`~polystore_roi.LossReport.settle`.

        Raises
        ------
        CorruptData
            If the archive is damaged, holds a name that leads elsewhere, no region but other files, or may
            need more than ``max_bytes``.
        """
        read: list[tuple[Roi, list[str]]] = []
        size = file_size(file)
        try:
            with zipfile.ZipFile(file) as archive:
                read += [_region(archive, member) for member in _members(archive, size, max_bytes)]
        except PolyStoreError:
            raise
        except Exception as error:  # a damaged archive can make zipfile raise nearly anything
            if is_real_failure(error):
                raise
            raise CorruptData(f"not an archive of regions that can be read: {error}") from error
        LossReport.of("the model", read).settle(strict=strict)
        return [roi for roi, _ in read]


def _members(archive: zipfile.ZipFile, size: int, max_bytes: int) -> list[zipfile.ZipInfo]:
    """Return the members that are regions, after checking what all of them claim."""
    everything = archive.infolist()
    for member in everything:
        _check_name(member.filename)
        check_member(member, size)
    members = [member for member in everything if _is_region(member.filename)]
    if everything and not members:
        raise CorruptData(f"the archive holds {everything[0].filename!r} but no region ({_SUFFIX})")
    unpacked = sum(member.file_size for member in members)
    require_room(_PER_BYTE * unpacked + _PER_REGION * len(members), max_bytes)
    return members


def _check_name(name: str) -> None:
    steps = name.replace("\\", "/").split("/")
    if ".." in steps or steps[0] == "" or re.match(r"[A-Za-z]:[\\/]", name):
        raise CorruptData(f"the archive holds the name {name!r}, which leads out of it")


def _is_region(name: str) -> bool:
    """Tell regions from folders, other files, and what macOS adds to an archive."""
    return name.lower().endswith(_SUFFIX) and not name.startswith("__MACOSX/")


def _region(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[Roi, list[str]]:
    label = member.filename.rpartition("/")[2][: -len(_SUFFIX)]
    content = archive.read(member)
    try:
        return roi_from_imagej(content, unnamed=label)
    except CorruptData as error:
        raise CorruptData(f"the member {member.filename!r}: {error}") from error


def _label(roi: Roi, index: int) -> str:
    """Return what the ROI Manager lists: the name, or number and centre as ImageJ itself would call it."""
    name = _AWKWARD.sub("_", roi.name).strip(" .")[:_LONGEST_NAME]
    if name:
        return name
    top, left, bottom, right = roi.bounds
    return f"{index + 1:04d}-{max(0, int(top + bottom) // 2):04d}-{max(0, int(left + right) // 2):04d}"


def _free_label(label: str, taken: set[str]) -> str:
    """Return a label that no other region of the archive has, whatever the case of its letters."""
    free, number = label, 1
    while free.lower() in taken:
        free, number = f"{label}-{number}", number + 1
    taken.add(free.lower())
    return free
