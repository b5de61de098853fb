"""Tables of any origin become a dictionary of arrays, exactly, or are refused."""

import types

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from polystore_core import UnsupportedData
from polystore_core.data import data_equal, kind_of, normalize


def refusal(data):
    with pytest.raises(UnsupportedData) as caught:
        normalize(data)
    return str(caught.value)


def test_a_mapping_of_arrays_is_a_table():
    area = np.array([1.0, 2.0])
    table = normalize(types.MappingProxyType({"label": np.array([1, 2], dtype=">u2"), "area": area}))
    assert type(table) is dict
    assert list(table) == ["label", "area"]
    assert table["label"].dtype == np.dtype("u2")
    assert table["area"] is area
    assert kind_of(table) == "table"


def test_columns_may_have_any_shape():
    table = normalize({"image": np.zeros((3, 4)), "offset": np.array(1.5)})
    assert {name: column.shape for name, column in table.items()} == {"image": (3, 4), "offset": ()}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"a": np.zeros(2), "b": [1, 2]},
            "column 'b': it is a list among arrays; save a table of arrays only, "
            "or JSON values only (array.tolist())",
        ),
        (
            {"a": np.zeros(2), "b": np.float64(3)},
            "column 'b': it is a numpy.float64 among arrays; save a table of arrays only, "
            "or JSON values only (array.tolist())",
        ),
        (
            {0: np.zeros(2)},
            "a table's column has the name 0; names are str, type {str(name): column, ...}",
        ),
        (
            {"a": np.array([{}])},
            "column 'a': an array of dtype object holds Python objects, which are never pickled; "
            "type data.astype(float), data.astype(str) or the dtype it should have",
        ),
    ],
)
def test_a_mapping_that_is_no_table_is_refused(table, message):
    assert refusal(table) == message


def test_a_data_frame_becomes_its_columns():
    frame = pd.DataFrame(
        {
            "label": np.array([1, 2], dtype=np.uint16),
            "area": [1.5, np.nan],
            "well": ["A01", "B1"],
            "time": np.array(["2024-01-01", "NaT"], dtype="datetime64[us]"),
            "lag": np.array([1, 2], dtype="timedelta64[ms]"),
            "count": pd.array([3, 4], dtype="Int32"),
            "kept": pd.array([True, False], dtype="boolean"),
            "object": pd.Series(["x", "yz"], dtype=object),
            "arrow": pd.Series([5, 6], dtype="int16[pyarrow]"),
        }
    )
    expected = {
        "label": np.array([1, 2], dtype=np.uint16),
        "area": np.array([1.5, np.nan]),
        "well": np.array(["A01", "B1"]),
        "time": np.array(["2024-01-01", "NaT"], dtype="datetime64[us]"),
        "lag": np.array([1, 2], dtype="timedelta64[ms]"),
        "count": np.array([3, 4], dtype=np.int32),
        "kept": np.array([True, False]),
        "object": np.array(["x", "yz"]),
        "arrow": np.array([5, 6], dtype=np.int16),
    }
    assert data_equal(normalize(frame), expected)


def test_numbers_of_a_data_frame_are_not_copied():
    frame = pd.DataFrame({"area": np.arange(5.0)})
    assert np.shares_memory(normalize(frame)["area"], frame["area"].to_numpy())


def test_a_data_frame_without_rows_keeps_its_columns():
    table = normalize(pd.DataFrame({"area": np.zeros(0), "well": pd.Series([], dtype="str")}))
    assert {name: (column.shape, column.dtype.kind) for name, column in table.items()} == {
        "area": ((0,), "f"),
        "well": ((0,), "U"),
    }


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame({"a": [1, 2]}, index=["x", "y"]),
            "a table has no index, and this DataFrame has one of its own; "
            "type data.reset_index() to keep it as a column, or data.reset_index(drop=True)",
        ),
        (
            pd.DataFrame({"a": [1, 2, 3]})[1:],
            "a table has no index, and this DataFrame has one of its own; "
            "type data.reset_index() to keep it as a column, or data.reset_index(drop=True)",
        ),
        (
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            "several columns are named 'a'; rename all but one",
        ),
        (
            pd.DataFrame([[1, 2]]),
            "a table's column has the name 0; names are str, type data.rename(columns=str)",
        ),
        (
            pd.DataFrame(),
            "a table without columns holds nothing; save {} for an empty JSON object",
        ),
        (
            pd.DataFrame({"well": ["A01", None]}),
            "column 'well': 1 values are missing; type data[name].fillna(value), or data.dropna()",
        ),
        (
            pd.DataFrame({"n": pd.array([1, None], dtype="Int64")}),
            "column 'n': 1 values are missing; type data[name].fillna(value), or data.dropna()",
        ),
        (
            pd.DataFrame({"c": pd.Categorical(["u", "v"])}),
            "column 'c': the pandas dtype category has no exact numpy dtype; type data[name].astype(str), "
            "or the numpy dtype it should have",
        ),
        (
            pd.DataFrame({"t": pd.date_range("2024", periods=1, tz="UTC", unit="us")}),
            "column 't': time stamps with a zone (datetime64[us, UTC]) have no numpy dtype; "
            "type data[name].dt.tz_convert('UTC').dt.tz_localize(None)",
        ),
        (
            pd.DataFrame({"o": pd.Series([1, "x"], dtype=object)}),
            "column 'o': it holds Python objects, int for one, which are never pickled; "
            "type data[name].astype(str), or the dtype it should have",
        ),
        (
            pd.DataFrame({"s": ["a\0"]}),
            "column 's': a text ends in NUL characters, which numpy drops; strip them first",
        ),
    ],
)
def test_a_data_frame_that_arrays_cannot_hold_is_refused(frame, message):
    assert refusal(frame) == message


def test_a_series_would_lose_its_index():
    assert refusal(pd.Series([1, 2])) == (
        "a value of type pandas.Series would lose its index: "
        "type data.to_numpy(), or data.to_frame() for a table"
    )


def test_an_arrow_table_becomes_its_columns():
    table = pa.table(
        {
            "label": pa.array([1, 2], pa.uint8()),
            "half": pa.array([1.5, 2.5], pa.float16()),
            "kept": [True, False],
            "well": ["A01", "B1"],
            "long": pa.array(["x", "yz"], pa.large_string()),
            "view": pa.array(["x", "yz"], pa.string_view()),
            "time": pa.array([1, 2], pa.timestamp("ns")),
            "lag": pa.array([1, 2], pa.duration("s")),
            "day": pa.array([1, 2], pa.date32()),
        }
    )
    expected = {
        "label": np.array([1, 2], dtype=np.uint8),
        "half": np.array([1.5, 2.5], dtype=np.float16),
        "kept": np.array([True, False]),
        "well": np.array(["A01", "B1"]),
        "long": np.array(["x", "yz"]),
        "view": np.array(["x", "yz"]),
        "time": np.array([1, 2], dtype="datetime64[ns]"),
        "lag": np.array([1, 2], dtype="timedelta64[s]"),
        "day": np.array([1, 2], dtype="datetime64[D]"),
    }
    assert data_equal(normalize(table), expected)
    assert data_equal(normalize(table.to_batches()[0]), expected)


def test_numbers_of_an_arrow_table_are_not_copied():
    table = pa.table({"area": np.arange(5.0)})
    assert np.shares_memory(normalize(table)["area"], table.column("area").chunk(0).to_numpy())


def test_chunks_of_an_arrow_column_are_joined():
    table = pa.concat_tables([pa.table({"n": [1]}), pa.table({"n": [2, 3]})])
    assert normalize(table)["n"].tolist() == [1, 2, 3]


def test_a_single_arrow_column_is_an_array():
    assert data_equal(normalize(pa.array([1, 2])), np.array([1, 2]))
    assert data_equal(normalize({"n": pa.chunked_array([[1], [2]])}), {"n": np.array([1, 2])})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            pa.table({"n": [1, None]}),
            "column 'n': 1 values are missing; type pyarrow.compute.fill_null(column, value)",
        ),
        (
            pa.table([pa.array([1]), pa.array([2])], names=["n", "n"]),
            "several columns are named 'n'; rename all but one",
        ),
        (
            pa.table({"b": [b"x"]}),
            "column 'b': the arrow type binary has no exact numpy dtype; type column.cast(...) to numbers, "
            "text, durations or time stamps without a zone",
        ),
        (
            pa.table({"t": pa.array([1], pa.timestamp("us", tz="UTC"))}),
            "column 't': the arrow type timestamp[us, tz=UTC] has no exact numpy dtype; "
            "type column.cast(...) to numbers, text, durations or time stamps without a zone",
        ),
    ],
)
def test_an_arrow_table_that_arrays_cannot_hold_is_refused(table, message):
    assert refusal(table) == message


def test_missing_numbers_of_a_single_arrow_column_do_not_turn_into_nan():
    assert refusal(pa.array([1, None])).startswith("1 values are missing")
