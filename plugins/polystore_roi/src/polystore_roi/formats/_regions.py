"""What all formats of regions take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.errors import UnsupportedData
from polystore_roi._roi import Roi

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["require_rois"]


def require_rois(data: Data, suffix: str) -> list[Roi]:
    """Return the list of regions that ``data`` is.

    Raises
    ------
    UnsupportedData
        If it is none, or holds regions of a class that no format knows.
    """
    if type(data) is not list:
        raise UnsupportedData(f"{suffix!r} holds a list of regions; got {type(data).__name__}")
    listed: list[Any] = data
    for roi in listed:
        if not isinstance(roi, Roi):
            raise UnsupportedData(f"{suffix!r} holds regions of polystore_roi; got {type(roi).__name__}")
    return listed
