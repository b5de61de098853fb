"""Keeping values apart from the caller's, and telling their size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from polystore_core.data import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["independent", "sealed", "size_of", "viewed"]

T = TypeVar("T")
Array = np.ndarray[Any, Any]


def sealed(value: T, *, copy: bool) -> T:
    """Return the value as it is stored: arrays read-only, and with ``copy`` the store's own."""

    def seal(array: Array) -> Array:
        stored = array.copy(order="K") if copy else array
        stored.flags.writeable = False
        return stored

    return _rebuilt(value, seal)


def independent(value: T) -> T:
    """Return a copy that the caller may change."""
    return _rebuilt(value, lambda array: array.copy(order="K"))


def viewed(value: T) -> T:
    """Return the value without copying arrays; the views cannot be made writable."""
    return _rebuilt(value, lambda array: array.view())


def size_of(value: Any) -> int:
    """Bytes of the content; of a JSON value the length of its text."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, dict) and any(isinstance(column, np.ndarray) for column in value.values()):
        return sum(column.nbytes for column in value.values())
    if kind_of(value) == "rois":
        return sum(roi.nbytes for roi in value)
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _rebuilt(value: T, treat: Callable[[Array], Array]) -> T:
    """Rebuild the containers of a JSON value or a table, treating its arrays; the rest is immutable."""
    rebuilt: Any = value
    if isinstance(value, np.ndarray):
        rebuilt = treat(value)
    elif isinstance(value, dict):
        rebuilt = {name: _rebuilt(member, treat) for name, member in value.items()}
    elif isinstance(value, list):
        rebuilt = [_rebuilt(member, treat) for member in value]
    return rebuilt  # type: ignore[no-any-return]
