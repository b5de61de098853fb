"""What `save` is given becomes one of the plain kinds of data, or is refused with what to type."""

import collections
import pathlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from polystore_core import UnsupportedData
from polystore_core.data import data_equal, device_to_host_copies, kind_of, normalize

DTYPES = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes(endianness="?")
    | hnp.unsigned_integer_dtypes(endianness="?")
    | hnp.floating_dtypes(endianness="?")
    | hnp.complex_number_dtypes(endianness="?")
    | hnp.datetime64_dtypes(endianness="?")
    | hnp.timedelta64_dtypes(endianness="?")
    | hnp.byte_string_dtypes()
    | hnp.unicode_string_dtypes(endianness="?")
)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))


def refusal(data):
    with pytest.raises(UnsupportedData) as caught:
        normalize(data)
    return str(caught.value)


@given(ARRAYS)
def test_any_array_becomes_native_and_keeps_its_values(array):
    normalized = normalize(array)
    assert normalized.dtype.isnative
    assert normalized.dtype == array.dtype.newbyteorder("=")
    assert data_equal(normalized, array)


@given(ARRAYS)
def test_normalizing_twice_changes_nothing(array):
    once = normalize(array)
    assert normalize(once) is once


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.array(3.0),
        np.zeros((0, 4), dtype=np.uint16),
        np.arange(20)[::-3],
        np.asfortranarray(np.ones((3, 4))),
        np.zeros(2, dtype=[("y", "i4"), ("x", "f8")]),
        np.array(["A01", "B02"]),
        np.array(["2024-01-01"], dtype="datetime64[D]"),
        np.zeros(2, dtype="V3"),
    ],
    ids=str,
)
def test_a_native_array_passes_as_the_same_object(array):
    assert normalize(array) is array
    assert kind_of(normalize(array)) == "array"


@pytest.mark.parametrize(
    "dtype",
    [">u2", [("y", ">i4"), ("x", "<f8")], [("corner", ">i4", (2,))], [("at", [("t", ">f4")])]],
    ids=str,
)
def test_a_big_endian_array_is_converted(dtype):
    array = np.ones(3, dtype=dtype)
    normalized = normalize(array)
    assert normalized.dtype == array.dtype.newbyteorder("=")
    assert normalized.dtype != array.dtype
    assert data_equal(normalized, array)


@pytest.mark.parametrize(
    "scalar", [np.float32(1.5), np.int64(7), np.bool_(True), np.str_("A01"), np.bytes_(b"x")]
)
def test_a_numpy_scalar_becomes_a_0d_array(scalar):
    normalized = normalize(scalar)
    assert type(normalized) is np.ndarray
    assert normalized.shape == ()
    assert normalized.dtype == scalar.dtype
    assert normalized[()] == scalar


def test_a_memory_map_becomes_a_plain_view(tmp_path):
    mapped = np.lib.format.open_memmap(tmp_path / "plane.npy", "w+", dtype=np.uint16, shape=(4, 5))
    normalized = normalize(mapped)
    assert type(normalized) is np.ndarray
    assert np.shares_memory(normalized, mapped)


def test_a_recarray_becomes_a_plain_structured_array():
    records = np.rec.array([(1, 2.0), (3, 4.0)], dtype=[("label", "i4"), ("area", "f8")])
    normalized = normalize(records)
    assert type(normalized) is np.ndarray
    assert normalized.dtype.type is np.void
    assert np.shares_memory(normalized, records)
    assert normalized.tolist() == [(1, 2.0), (3, 4.0)]


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_matrix_becomes_a_plain_two_dimensional_array():
    normalized = normalize(np.matrix([[1, 2], [3, 4]]))
    assert type(normalized) is np.ndarray
    assert normalized.shape == (2, 2)


def test_bytes_and_text_pass_as_the_same_object():
    pixels, name = bytes(1000), "A01 äöü"
    assert normalize(pixels) is pixels
    assert normalize(name) is name
    assert (kind_of(pixels), kind_of(name)) == ("bytes", "text")


@pytest.mark.parametrize("data", [bytearray(b"abc"), memoryview(b"abc"), memoryview(b"a-b-c")[::2]])
def test_other_byte_strings_become_bytes(data):
    assert normalize(data) == b"abc"
    assert type(normalize(data)) is bytes


def test_a_memoryview_of_numbers_is_an_array():
    assert refusal(memoryview(np.zeros(3))) == (
        "a memoryview with 1 dimensions of format 'd' is an array, not bytes; "
        "type numpy.asarray(data), or data.tobytes() for its bytes"
    )


def test_none_is_refused():
    assert refusal(None) == "there is nothing to save: data is None; was a return missing upstream?"


@pytest.mark.parametrize("dtype", [object, [("name", object)], [("at", [("deep", "O")])]], ids=str)
def test_python_objects_are_never_pickled(dtype):
    array = np.zeros(2, dtype=dtype)
    assert refusal(array) == (
        f"an array of dtype {array.dtype} holds Python objects, which are never pickled; "
        "type data.astype(float), data.astype(str) or the dtype it should have"
    )


def test_strings_of_variable_length_are_refused():
    assert refusal(np.array(["a"], dtype=np.dtypes.StringDType())) == (
        "an array of dtype StringDType() holds strings of variable length; "
        "type data.astype(str) for a fixed length"
    )


def test_a_masked_array_would_lose_its_mask():
    masked = np.ma.masked_array([1, 2], mask=[True, False])
    assert refusal(masked) == (
        "a masked array would lose its mask; type data.filled(value), "
        'or save both: {"data": data.data, "mask": numpy.ma.getmaskarray(data)}'
    )
    both = normalize({"data": masked.data, "mask": np.ma.getmaskarray(masked)})
    assert both["mask"].tolist() == [True, False]


class Metres(np.ndarray):
    """An array with a unit."""


def test_a_subclass_would_lose_its_meaning():
    assert refusal(np.zeros(2).view(Metres)).endswith(
        "Metres would lose what it adds to numpy.ndarray (units, names, ...); "
        "type numpy.asarray(data) for the bare values"
    )


class Frame:
    """An array of an unknown library that speaks only ``__array_interface__``."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.__array_interface__ = pixels.__array_interface__


class Lazy:
    """An array of an unknown library that speaks only ``__array__``."""

    def __init__(self, pixels):
        self.pixels = pixels

    def __array__(self, dtype=None, copy=None):
        return self.pixels


class Exported(Lazy):
    """An array of an unknown library that speaks DLPack as well."""

    def __dlpack__(self, **how):
        return self.pixels.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.pixels.__dlpack_device__()


@pytest.mark.parametrize("library", [Frame, Lazy, Exported])
def test_an_array_of_an_unknown_library_is_taken_without_a_copy(library):
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    normalized = normalize(library(pixels))
    assert type(normalized) is np.ndarray
    assert np.shares_memory(normalized, pixels)
    assert data_equal(normalized, pixels)


def test_an_array_dlpack_cannot_hold_is_taken_by_the_other_protocol():
    times = np.array(["2024-01-01"], dtype="datetime64[D]")
    assert data_equal(normalize(Exported(times)), times)


def test_an_unknown_library_cannot_smuggle_objects_in():
    assert "never pickled" in refusal(Lazy(np.array([{}], dtype=object)))


class OnDevice:
    """An array of an unknown library in memory that the host cannot read (device type 2: CUDA)."""

    def __init__(self, pixels):
        self.pixels = pixels

    def __dlpack__(self, *, dl_device, copy, **how):
        assert (dl_device, copy) == ((1, 0), True)
        return self.pixels.copy().__dlpack__(**how)

    def __dlpack_device__(self):
        return (2, 0)


def test_an_array_on_a_device_is_copied_to_the_host_and_counted():
    pixels = np.arange(6, dtype=np.uint8)
    before = device_to_host_copies()
    normalized = normalize(OnDevice(pixels))
    assert data_equal(normalized, pixels)
    assert not np.shares_memory(normalized, pixels)
    assert device_to_host_copies() == before + 1


class Broken:
    """An array that fails to convert itself."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("the connection is closed")


def test_an_array_that_fails_to_convert_is_refused_with_its_reason():
    with pytest.raises(
        UnsupportedData, match="turned into a numpy array: the connection is closed"
    ) as caught:
        normalize(Broken())
    assert isinstance(caught.value.__cause__, RuntimeError)


class Name(str):
    """A text with a meaning of its own."""


def test_a_subclass_of_text_is_refused():
    assert refusal(Name("A01")) == (
        "a value of type test_data_normalize.Name is not plain str and would come back as such; "
        "type str(data)"
    )


def test_everything_else_is_refused_with_what_is_accepted():
    assert refusal(pathlib.PurePosixPath("a.npy")) == (
        "a value of type pathlib.PurePosixPath cannot be saved; save takes arrays (numpy, torch, jax, "
        "tensorflow, cupy, anything with __dlpack__ or __array__), bytes, str, JSON values (dict, list, "
        "int, float, bool), tables (a dict of arrays, pandas.DataFrame, pyarrow.Table) and lists of ROIs"
    )


@pytest.mark.parametrize(
    "data", [object(), (1, 2), {1, 2}, 1j, range(3), lambda: None, np.float64, collections.deque()]
)
def test_values_of_no_kind_are_refused(data):
    assert "cannot be saved; save takes" in refusal(data)


@pytest.mark.parametrize("data", [None, (1,), object(), 1j])
def test_kind_of_wants_a_normalized_value(data):
    with pytest.raises(UnsupportedData, match="is none of the kinds array, bytes, text, json, table"):
        kind_of(data)


@given(st.binary() | st.text())
def test_bytes_and_text_of_any_content_pass(data):
    assert normalize(data) is data
