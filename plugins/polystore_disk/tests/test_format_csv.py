"""``.csv``: tables come back with their dtypes, or are refused."""

from __future__ import annotations

import numpy as np
import pytest
from format_files import comes_back, flipped, is_value_or_corrupt, load, save
from hypothesis import given
from hypothesis import strategies as st

from polystore_core.data import data_equal
from polystore_core.errors import CorruptData, UnsupportedData
from polystore_disk.formats import Csv

CSV = Csv()

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
cell_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6).map(lambda text: text.rstrip("\0"))
awkward = st.sampled_from(
    ["", "001", "1", "True", "nan", "a,b", 'a"b', '"', "a\nb", "a\r\nb", "\ufeff", " x "]
)


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 5))

    def column(values):
        return st.lists(values, min_size=rows, max_size=rows)

    columns = (
        column(st.integers(-(2**63), 2**63 - 1)).map(lambda v: np.array(v, np.int64))
        | column(st.integers(2**63, 2**64 - 1)).map(lambda v: np.array(v, np.uint64))
        | column(st.floats()).map(lambda v: np.array(v, np.float64))
        | column(st.booleans()).map(lambda v: np.array(v, np.bool_))
        | column(cell_texts | awkward).map(lambda v: np.array(v, np.str_))
    )
    return draw(st.dictionaries(names, columns, min_size=1, max_size=4))


@given(tables())
def test_every_table_comes_back(table):
    assert comes_back(CSV, table)


@pytest.mark.parametrize(
    ("dtype", "back"),
    [("int32", "int64"), ("uint8", "int64"), ("float32", "float64"), ("uint64", "int64"), ("<U9", "<U1")],
)
def test_other_dtypes_are_refused_unless_told_otherwise(dtype, back):
    table = {"area": np.array([1, 2]).astype(dtype)}
    with pytest.raises(UnsupportedData) as caught:
        save(CSV, table)
    assert str(caught.value) == (
        f"column 'area' is {np.dtype(dtype)} and would come back from '.csv' as {back}: "
        "add keep_dtypes=False if that will do, or save the table as .npz"
    )
    loaded = load(CSV, save(CSV, table, keep_dtypes=False))
    assert loaded["area"].dtype == back
    assert np.array_equal(loaded["area"], table["area"])


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1))
def test_single_precision_keeps_its_values(values):
    table = {"x": np.array(values, np.float32)}
    assert np.array_equal(load(CSV, save(CSV, table, keep_dtypes=False))["x"], table["x"])


def test_table_without_rows_keeps_its_names():
    table = {"x": np.zeros(0), "y": np.zeros(0)}
    assert comes_back(CSV, table)
    with pytest.raises(
        UnsupportedData, match=r"column 'n' is int64 and would come back from '.csv' as float64"
    ):
        save(CSV, {"n": np.zeros(0, np.int64)})


@pytest.mark.parametrize("dtype", ["complex64", "M8[s]", "S3", "V2"])
def test_dtypes_without_text_are_refused(dtype):
    with pytest.raises(UnsupportedData, match=r"column 'c' is .*: save the table as .npz"):
        save(CSV, {"c": np.zeros(2, dtype)})


@pytest.mark.parametrize("shape", [(), (2, 1), (3,)])
def test_columns_of_other_shapes_are_refused(shape):
    with pytest.raises(
        UnsupportedData, match=r"column 'b' has shape .*, the first \(2,\): save the table as .npz"
    ):
        save(CSV, {"a": np.zeros(2), "b": np.zeros(shape)})


def test_lone_surrogates_are_refused():
    with pytest.raises(UnsupportedData, match="lone surrogate"):
        save(CSV, {"a": np.array(["\ud800"])})


def test_other_kinds_are_refused():
    with pytest.raises(UnsupportedData, match=r"'.csv' holds a table, a dict of arrays of shape"):
        save(CSV, np.ones((2, 2)))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2"], np.array([1, -2])),
        ([" 1", "2 "], np.array([1, 2])),
        (["1", "18446744073709551615"], np.array([1, 2**64 - 1], np.uint64)),
        (["1", "18446744073709551616"], np.array(["1", "18446744073709551616"])),
        (["1", ""], np.array([1.0, np.nan])),
        (["9007199254740993", ""], np.array(["9007199254740993", ""])),
        (["1e999", "1.5"], np.array(["1e999", "1.5"])),
        (["1e3", ".5"], np.array([1000.0, 0.5])),
        (["nan", "-inf"], np.array([np.nan, -np.inf])),
        (["True", "FALSE"], np.array([True, False])),
        (["true", ""], np.array(["true", ""])),
        (["007", "012"], np.array(["007", "012"])),
        (["A01", ""], np.array(["A01", ""])),
        (["1_000", "1"], np.array(["1_000", "1"])),
        (["٣", "1"], np.array(["٣", "1"])),
        (['"1"', "2"], np.array(["1", "2"])),
        (['5" disk', 'it"s'], np.array(['5" disk', 'it"s'])),
    ],
)
def test_bare_cells_are_inferred(cells, expected):
    content = "\n".join(["x,y", *(f"{cell},0" for cell in cells)]).encode()
    assert data_equal(load(CSV, content)["x"], expected)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("ending", [True, False])
def test_line_endings_and_blank_lines(newline, ending):
    content = newline.join(["a,b", "1,x", "", '2,"y"']) + newline * ending
    loaded = load(CSV, content.encode())
    assert loaded["a"].tolist() == [1, 2]
    assert loaded["b"].tolist() == ["x", "y"]


def test_byte_order_mark_is_skipped():
    assert list(load(CSV, "\ufeffa,b\n1,2\n".encode())) == ["a", "b"]


def test_other_delimiters_are_read_on_request():
    assert load(CSV, b"a;b\n1;x,y\n", delimiter=";")["b"].tolist() == ["x,y"]
    assert load(CSV, b"a\tb\n1\t2\n", delimiter="\t")["b"].tolist() == [2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has no line of column names"),
        (b"\n\n", "it has no line of column names"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 cells, the line of names 2"),
        (b'a,b\n"x\ny",2\n3\n', "line 4 has 1 cells, the line of names 2"),
        (b"a,b,a\n", "two columns are named 'a'"),
        (b'a\n"open\n', "a quote is not closed"),
        (b'a\n"x"y\n', "not at the end of a cell"),
        (b"a\n\xff\n", "byte 2 is not"),
    ],
)
def test_damaged_tables_are_corrupt(content, message):
    with pytest.raises(CorruptData, match=message):
        load(CSV, content)


def test_many_small_cells_respect_the_limit():
    with pytest.raises(CorruptData, match="more than the limit"):
        load(CSV, b"a,b\n" + b"1,2\n" * 100_000, max_bytes=1_000_000)


SAMPLE = save(CSV, {"well": np.array(["A01", "B,2"]), "n": np.array([1, 2]), "x": np.array([0.5, np.nan])})


@given(st.integers(0, len(SAMPLE) - 1), st.integers(1, 255), st.integers(0, len(SAMPLE)))
def test_damage_gives_a_value_or_corrupt(position, mask, length):
    assert is_value_or_corrupt(CSV, flipped(SAMPLE, position, mask))
    assert is_value_or_corrupt(CSV, SAMPLE[:length])
