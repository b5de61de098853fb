"""Exact equality of normalised values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.data._kinds import kind_of

if TYPE_CHECKING:
    import numpy as np

    from polystore_core.data._kinds import Data

__all__ = ["data_equal"]


def data_equal(a: Data, b: Data) -> bool:
    """Tell whether two normalised values are the same: kind, dtype, shape and every value.

    Stricter than ``==``: 1, 1.0 and True differ, and so do 0.0 and -0.0. NaN equals NaN, whatever
    its payload. The byte order and the memory layout of arrays do not count; the order of columns
    of a table does, the order of keys of a JSON object does not.

    Parameters
    ----------
    a, b
        Values of one of the data kinds, as :func:`normalize` returns them.

    Raises
    ------
    UnsupportedData
        If one of them is none of the data kinds.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_core.data import data_equal
    >>> data_equal(np.array([1.0, np.nan]), np.array([1.0, np.nan], dtype=">f8"))
    True
    >>> data_equal(np.array([1], dtype=np.uint8), np.array([1], dtype=np.int8))
    False
    """
    kind = kind_of(a)
    if kind != kind_of(b):
        return False
    if kind == "array":
        return _arrays_equal(a, b)
    if kind == "table":
        return _tables_equal(a, b)
    if kind == "json":
        return _json_equal(a, b)
    return bool(a == b)  # text, bytes and lists of ROIs, whose own equality is exact


def _tables_equal(a: Any, b: Any) -> bool:
    return list(a) == list(b) and all(_arrays_equal(a[name], b[name]) for name in a)


def _json_equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_json_equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_json_equal, a, b))
    if isinstance(a, float):
        return bool(a.hex() == b.hex())
    return bool(a == b)


def _arrays_equal(a: Any, b: Any) -> bool:
    import numpy as np

    from polystore_core.data._arrays import native

    a, b = native(np.asarray(a)), native(np.asarray(b))
    return bool(a.dtype == b.dtype) and a.shape == b.shape and _values_equal(a, b)


def _values_equal(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    import numpy as np

    dtype = a.dtype
    if dtype.names is not None:
        return all(_values_equal(a[name], b[name]) for name in dtype.names)
    if dtype.kind == "c":
        return _values_equal(a.real, b.real) and _values_equal(a.imag, b.imag)
    if dtype.kind in "SUbiu":
        return bool(np.array_equal(a, b))
    if dtype.itemsize in {1, 2, 4, 8}:
        return _bits_equal(a, b)
    if dtype.kind == "f":
        same = (a == b) & (np.signbit(a) == np.signbit(b))
        return bool((same | (np.isnan(a) & np.isnan(b))).all())
    return a.tobytes() == b.tobytes()


def _bits_equal(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    """Compare bit patterns, and ask for NaN only where they differ."""
    import numpy as np

    bits = f"u{a.dtype.itemsize}"
    differ = a.view(bits) != b.view(bits)
    if not differ.any():
        return True
    if a.dtype.kind in "mM" or a.dtype.type is np.void:
        return False
    both_nan: np.ndarray[Any, Any] = np.isnan(a[differ]) & np.isnan(b[differ])
    return bool(both_nan.all())
