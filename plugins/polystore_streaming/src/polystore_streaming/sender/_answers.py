"""What a viewer answered, checked: a viewer may be of another make, or not keep to what was agreed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.errors import CorruptData

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

__all__ = ["layers_in", "pixels_in", "tables_in"]


def layers_in(value: Any) -> list[dict[str, Any]]:
    """Return the descriptions of layers.

    Raises
    ------
    CorruptData
        If it is no list of mappings that have a name each.
    """
    if not isinstance(value, list) or not all(isinstance(layer, dict) and "name" in layer for layer in value):
        raise CorruptData("the viewer answered with no list of layers")
    return value


def pixels_in(arrays: Mapping[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Return the pixels of a layer or a screenshot.

    Raises
    ------
    CorruptData
        If there are none.
    """
    if "pixels" not in arrays:
        raise CorruptData("the viewer answered without pixels")
    return arrays["pixels"]


def tables_in(
    value: Any, arrays: Mapping[str, np.ndarray[Any, Any]]
) -> dict[str, dict[str, np.ndarray[Any, Any]]]:
    """Return the tables of regions by layer, put together from columns that are called ``N/COLUMN``.

    Raises
    ------
    CorruptData
        If layers have no names, or a column belongs to none of them.
    """
    if not isinstance(value, list) or not all(isinstance(layer, str) for layer in value):
        raise CorruptData("the viewer answered with no list of names of layers")
    tables: dict[str, dict[str, np.ndarray[Any, Any]]] = {layer: {} for layer in value}
    names = {str(number): layer for number, layer in enumerate(value)}
    for key, column in arrays.items():
        number, slash, name = key.partition("/")
        if not slash or number not in names:
            raise CorruptData(f"the viewer answered with a column {key!r} of no layer")
        tables[names[number]][name] = column
    return tables
