"""Lists of regions of interest as arrays: the bytes of their JSON, marked by an attribute of the array.

So they are replaced, copied, listed and kept in object stores like every other array, and any program that
reads Zarr finds UTF-8 JSON in them. What the JSON says is the business of the format ``.roi.json``.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from polystore_core import BackendUnavailable
from polystore_core.formats import FormatRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_core.data import Data
    from polystore_core.formats import Format

__all__ = ["ROIS", "holds_rois", "pack", "unpack"]

_SUFFIX = ".roi.json"

ROIS: Mapping[str, Any] = {"polystore": {"kind": "rois", "format": _SUFFIX}}
"""Attributes of an array that is a list of regions."""


def holds_rois(attributes: Any) -> bool:
    """Whether the attributes are those of a list of regions."""
    return isinstance(attributes, dict) and attributes.get("polystore") == ROIS["polystore"]


def pack(rois: Data, *, threads: int) -> np.ndarray[Any, Any]:
    """Return the bytes of a list of regions, as an array of uint8.

    Raises
    ------
    UnsupportedData
        If the format does not hold regions of that class.
    BackendUnavailable
        If the format is not installed.
    """
    file = io.BytesIO()
    _format().encode(rois, file, threads=threads)
    return np.frombuffer(file.getbuffer(), np.uint8)


def unpack(content: np.ndarray[Any, Any], *, max_bytes: int, threads: int) -> Any:
    """Return the list of regions that :func:`pack` made bytes of.

    Raises
    ------
    CorruptData
        If the bytes are damaged or need more than ``max_bytes``.
    BackendUnavailable
        If the format is not installed.
    """
    file = cast("BinaryIO", io.BytesIO(content.tobytes()))
    return _format().decode(file, copy=True, max_bytes=max_bytes, threads=threads)


def _format() -> Format:
    formats = FormatRegistry()
    if formats.suffix_of(f"rois{_SUFFIX}") != _SUFFIX:
        raise BackendUnavailable(
            "lists of regions in Zarr need the package polystore-roi, which is not installed: "
            'pip install "polystore[roi]"'
        )
    return formats.of(f"rois{_SUFFIX}")[1]
