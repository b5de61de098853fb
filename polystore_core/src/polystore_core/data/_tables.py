"""Turning tables of any origin into a dictionary of arrays, one per named column."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polystore_core.data._arrays import is_array, to_array
from polystore_core.data._names import type_name
from polystore_core.errors import UnsupportedData

if TYPE_CHECKING:
    import numpy as np

__all__ = ["arrow_to_array", "is_arrow_column", "is_table", "to_columns"]

_NEVER_ARRAYS = frozenset({str, int, float, bool, type(None), dict, list})


def is_table(data: object) -> bool:
    """Tell whether the value is a mapping with at least one array in it, or a known data frame."""
    if isinstance(data, Mapping):
        return any(type(value) not in _NEVER_ARRAYS and is_array(value) for value in data.values())
    return _is(data, "pandas", "DataFrame") or _is(data, "pyarrow", "Table", "RecordBatch")


def is_arrow_column(data: object) -> bool:
    """Tell whether the value is a single column of pyarrow."""
    return _is(data, "pyarrow", "Array", "ChunkedArray")


def to_columns(data: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns as plain arrays, in their order.

    Raises
    ------
    UnsupportedData
        If names are missing or doubled, values are missing, or a column has no exact numpy dtype.
    """
    if isinstance(data, Mapping):
        return _convert(data.items(), _mapping_column)
    if _is(data, "pandas", "DataFrame"):
        _check_index(data)
        _check_names(data.columns.tolist())
        return _convert(data.items(), _pandas_column)
    _check_names(data.schema.names)
    return _convert(zip(data.schema.names, data.columns, strict=True), arrow_to_array)


def arrow_to_array(column: Any) -> np.ndarray[Any, Any]:
    """Return a column of pyarrow as an array; numbers in one chunk share its memory."""
    pyarrow: Any = sys.modules["pyarrow"]
    if column.null_count:
        raise UnsupportedData(
            f"{column.null_count} values are missing; type pyarrow.compute.fill_null(column, value)"
        )
    kind, types = column.type, pyarrow.types
    if types.is_string(kind) or types.is_large_string(kind) or kind == pyarrow.string_view():
        return _text_column(column.to_pylist())
    exact = (
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_boolean(kind)
        or types.is_date(kind)
        or types.is_duration(kind)
        or (types.is_timestamp(kind) and kind.tz is None)
    )
    if not exact:
        raise UnsupportedData(
            f"the arrow type {kind} has no exact numpy dtype; type column.cast(...) to numbers, text, "
            "durations or time stamps without a zone"
        )
    if isinstance(column, pyarrow.ChunkedArray):
        return to_array(column.to_numpy())
    return to_array(column.to_numpy(zero_copy_only=False))


def _convert(
    columns: Iterable[tuple[Any, Any]], to_column: Callable[[Any], np.ndarray[Any, Any]]
) -> dict[str, np.ndarray[Any, Any]]:
    converted: dict[str, np.ndarray[Any, Any]] = {}
    for name, column in columns:
        if type(name) is not str:
            raise UnsupportedData(
                f"a table's column has the name {name!r}; names are str, type {{str(name): column, ...}}"
            )
        try:
            converted[name] = to_column(column)
        except UnsupportedData as error:
            raise UnsupportedData(f"column {name!r}: {error}") from error
    return converted


def _mapping_column(value: Any) -> np.ndarray[Any, Any]:
    if is_arrow_column(value):
        return arrow_to_array(value)
    if not is_array(value):
        raise UnsupportedData(
            f"it is a {type_name(value)} among arrays; save a table of arrays only, "
            "or JSON values only (array.tolist())"
        )
    return to_array(value)


def _check_index(frame: Any) -> None:
    pandas = sys.modules["pandas"]
    index = frame.index
    if not (
        isinstance(index, pandas.RangeIndex) and index.start == 0 and index.step == 1 and index.name is None
    ):
        raise UnsupportedData(
            "a table has no index, and this DataFrame has one of its own; "
            "type data.reset_index() to keep it as a column, or data.reset_index(drop=True)"
        )


def _check_names(names: list[Any]) -> None:
    if not names:
        raise UnsupportedData("a table without columns holds nothing; save {} for an empty JSON object")
    if any(type(name) is not str for name in names):
        odd = next(name for name in names if type(name) is not str)
        raise UnsupportedData(
            f"a table's column has the name {odd!r}; names are str, type data.rename(columns=str)"
        )
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UnsupportedData(f"several columns are named {doubled[0]!r}; rename all but one")


def _pandas_column(column: Any) -> np.ndarray[Any, Any]:
    import numpy as np

    pandas: Any = sys.modules["pandas"]
    dtype = column.dtype
    is_numpy = isinstance(dtype, np.dtype)
    if is_numpy and not dtype.hasobject:
        return to_array(column.to_numpy())
    if column.isna().any():
        raise UnsupportedData(
            f"{int(column.isna().sum())} values are missing; type data[name].fillna(value), or data.dropna()"
        )
    if isinstance(dtype, pandas.StringDtype) or is_numpy:
        return _text_column(column.tolist())
    if isinstance(dtype, pandas.ArrowDtype):
        return arrow_to_array(column.array.__arrow_array__())
    if isinstance(dtype, pandas.DatetimeTZDtype):
        raise UnsupportedData(
            f"time stamps with a zone ({dtype}) have no numpy dtype; "
            "type data[name].dt.tz_convert('UTC').dt.tz_localize(None)"
        )
    plain = getattr(dtype, "numpy_dtype", None)
    if plain is None:
        raise UnsupportedData(
            f"the pandas dtype {dtype} has no exact numpy dtype; type data[name].astype(str), "
            "or the numpy dtype it should have"
        )
    return to_array(column.to_numpy(dtype=plain))


def _text_column(values: list[Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    other = next((value for value in values if type(value) is not str), None)
    if other is not None:
        raise UnsupportedData(
            f"it holds Python objects, {type_name(other)} for one, which are never pickled; "
            "type data[name].astype(str), or the dtype it should have"
        )
    array = np.array(values, dtype=np.str_)
    if array.tolist() != values:
        raise UnsupportedData("a text ends in NUL characters, which numpy drops; strip them first")
    return array


def _is(data: object, package: str, *classes: str) -> bool:
    """Tell whether the value is of a class of a package, which need not be imported."""
    module = sys.modules.get(package)
    if module is None:
        return False
    found = (getattr(module, name, None) for name in classes)
    return isinstance(data, tuple(cls for cls in found if cls is not None))
