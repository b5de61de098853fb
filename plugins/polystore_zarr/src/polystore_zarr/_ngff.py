"""The two versions of OME-NGFF: 0.5 on Zarr v3, and 0.4 on Zarr v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Ngff", "ZarrFormat", "ngff_of", "ome_of", "with_ome", "zarr_format_of"]

Ngff = Literal["0.5", "0.4"]
ZarrFormat = Literal[2, 3]


def zarr_format_of(ngff: Ngff) -> ZarrFormat:
    """Return the version of Zarr that a version of OME-NGFF is for."""
    return 2 if ngff == "0.4" else 3


def ngff_of(document: Mapping[str, Any]) -> Ngff:
    """Return the version of OME-NGFF that a document is of, by its version of Zarr."""
    return "0.4" if document.get("zarr_format") == 2 else "0.5"


def ome_of(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what OME-NGFF says in the attributes of a node: all of them in 0.4, those in ``ome`` in 0.5.

    Examples
    --------
    >>> ome_of({"ome": {"version": "0.5"}}), ome_of({"labels": ["nuclei"]})
    ({'version': '0.5'}, {'labels': ['nuclei']})
    """
    ome = attributes.get("ome", attributes)
    return ome if isinstance(ome, dict) else {}


def with_ome(attributes: Mapping[str, Any], ome: Mapping[str, Any], ngff: Ngff) -> dict[str, Any]:
    """Return attributes in which what OME-NGFF says is replaced."""
    return {**attributes, **ome} if ngff == "0.4" else {**attributes, "ome": dict(ome)}
