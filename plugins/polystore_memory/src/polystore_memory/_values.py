"""Keeping values apart from the caller's, and telling their size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.data import kind_of

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["independent", "size_of", "sealed", "viewed"]


def sealed(value: Data, *, copy: bool) -> Data:
    """Return the value as it is stored: arrays read-only, and with ``copy`` the store's own."""
    if isinstance(value, np.ndarray):
        stored = value.copy(order="K") if copy else value
        stored.flags.writeable = False
        return stored
    if isinstance(value, dict) and kind_of(value) == "table":
        return {name: sealed(column, copy=copy) for name, column in value.items()}  # type: ignore[misc, arg-type]
    return _copied(value)


def independent(value: Data) -> Data:
    """Return a copy that the caller may change."""
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    return _copied(value)


def viewed(value: Data) -> Data:
    """Return the value without copying arrays; the views cannot be made writable."""
    if isinstance(value, np.ndarray):
        return value.view()
    if isinstance(value, dict) and kind_of(value) == "table":
        return {name: column.view() for name, column in value.items()}
    return _copied(value)


def size_of(value: Data) -> int:
    """Bytes of the content; of a JSON value the length of its text."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if kind_of(value) == "table":
        return sum(column.nbytes for column in value.values())
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _copied(value: Any) -> Any:
    """Copy the containers of a JSON value or a table; everything else in it is immutable or copied."""
    if isinstance(value, dict):
        return {name: _copied(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_copied(member) for member in value]
    return independent(value) if isinstance(value, np.ndarray) else value
