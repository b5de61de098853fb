"""Turning what `save` is given into one of the plain kinds of data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from polystore_core.data._kinds import ELEMENT_KIND
from polystore_core.data._loaded import loaded_numpy
from polystore_core.data._names import type_name
from polystore_core.errors import UnsupportedData

if TYPE_CHECKING:
    import numpy as np

    from polystore_core.data._kinds import Data, SupportedData, SupportsRoi

__all__ = ["normalize"]

_common_dtypes: dict[type, frozenset[np.dtype[Any]]] = {}
"""``numpy.ndarray`` -> native number types, which pass without a look at their details.

Filled when the first array comes by, so that numpy need not be imported here.
"""

_JSON_TYPES = (dict, list, int, float, bool)


def normalize(data: SupportedData) -> Data:
    """Turn a value into one of the kinds of data that backends store.

    Nothing is pickled, guessed or rounded: what cannot be held exactly is refused. Frameworks are
    recognised only if the caller has imported them; none is imported here.

    Parameters
    ----------
    data
        One of

        * an array: numpy (also a memory map, ``recarray`` or ``matrix``, then as the plain array it
          is), torch, jax, tensorflow or cupy, anything with ``__dlpack__``, ``__array__`` or
          ``__array_interface__``, a numpy scalar (becomes 0-d); of any shape, any memory layout, and
          any dtype without Python objects;
        * ``bytes``, ``bytearray`` or a ``memoryview`` of bytes;
        * ``str``;
        * a JSON value: ``dict`` with ``str`` keys, ``list``, ``str``, ``int``, finite ``float``,
          ``bool``, and within them ``None``;
        * a table: a mapping of names to arrays, a pandas ``DataFrame`` with the default index, a
          pyarrow ``Table`` or ``RecordBatch``. The metadata that pandas or pyarrow may attach to a
          table is not part of its data;
        * a list of regions of interest: objects whose class has ``__polystore_kind__ = "rois"``.

    Returns
    -------
    numpy.ndarray, bytes, str, JSON value, dict of numpy.ndarray or list of regions
        A native-endian numpy array, bytes and text, a JSON value and a list of regions come back as
        the very same object. Arrays of other libraries share memory where the library lets them (torch,
        jax and others on the CPU); an array on an accelerator is copied to the host, which
        :func:`device_to_host_copies` counts; a big-endian array is copied. So the result may
        change when ``data`` is changed, and is not to be changed itself.

    Raises
    ------
    UnsupportedData
        For everything else; the message says what to type instead.
    BackendUnavailable
        If the dtype (bfloat16, float8) needs ``ml_dtypes``, which is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_core.data import normalize
    >>> normalize(np.arange(3, dtype=">i4")).dtype.isnative
    True
    >>> normalize({"well": "A01", "cells": (1, 2)})
    Traceback (most recent call last):
    polystore_core.errors.UnsupportedData: $.cells is a tuple, which JSON cannot hold; type list(value)
    """
    cls = type(data)
    if cls is bytes or cls is str:
        return cast("bytes | str", data)
    common = _common_dtypes.get(cls)
    if common is not None and cast("np.ndarray[Any, Any]", data).dtype in common:
        return cast("Data", data)
    return _normalize_other(data)


def _normalize_other(data: Any) -> Data:
    """Everything that does not pass as it is."""
    if data is None:
        raise UnsupportedData("there is nothing to save: data is None; was a return missing upstream?")
    if isinstance(data, (bytearray, memoryview)):
        return _to_bytes(data)

    if type(data) not in _JSON_TYPES or type(data) is dict:
        from polystore_core.data._arrays import is_array, to_array
        from polystore_core.data._tables import arrow_to_array, is_arrow_column, is_table, to_columns

        if is_table(data):
            return to_columns(data)
        if is_arrow_column(data):
            return arrow_to_array(data)
        if is_array(data) or _is_numpy_scalar(data):
            _learn_common_dtypes()
            return to_array(data)
    if type(data) is list and any(hasattr(type(item), ELEMENT_KIND) for item in data):
        return _checked_rois(data)
    if hasattr(type(data), ELEMENT_KIND):
        raise UnsupportedData(f"a single {type(data).__name__} is not a list of ROIs; type [roi]")
    if isinstance(data, (*_JSON_TYPES, Mapping)):
        from polystore_core.data._json_values import check_json

        check_json(data)
        return cast("Data", data)
    if isinstance(data, (bytes, str)):
        base = "bytes" if isinstance(data, bytes) else "str"
        raise UnsupportedData(
            f"a value of type {type_name(data)} is not plain {base} and would come back as such; "
            f"type {base}(data)"
        )
    raise UnsupportedData(
        f"a value of type {type_name(data)} cannot be saved; save takes arrays (numpy, torch, jax, "
        "tensorflow, cupy, anything with __dlpack__ or __array__), bytes, str, JSON values (dict, list, "
        "int, float, bool), tables (a dict of arrays, pandas.DataFrame, pyarrow.Table) and lists of ROIs"
    )


def _checked_rois(data: list[Any]) -> list[SupportsRoi]:
    for index, item in enumerate(data):
        kind = getattr(type(item), ELEMENT_KIND, None)
        if kind != "rois":
            raise UnsupportedData(
                f"a list of ROIs holds nothing else; item {index} is a value of type {type_name(item)}"
            )
    return data


def _to_bytes(data: bytearray | memoryview) -> bytes:
    if isinstance(data, memoryview) and (data.format not in {"B", "b", "c"} or data.ndim != 1):
        raise UnsupportedData(
            f"a memoryview with {data.ndim} dimensions of format {data.format!r} is an array, not bytes; "
            "type numpy.asarray(data), or data.tobytes() for its bytes"
        )
    return bytes(data)


def _learn_common_dtypes() -> None:
    import numpy as np

    if not _common_dtypes:
        _common_dtypes[np.ndarray] = frozenset(map(np.dtype, "?bBhHiIlLqQefdgFDG"))


def _is_numpy_scalar(data: object) -> bool:
    numpy = loaded_numpy()
    return numpy is not None and isinstance(data, numpy.generic)
