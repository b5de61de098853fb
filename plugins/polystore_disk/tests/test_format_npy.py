"""``.npy``: every array without Python objects comes back as it was."""

from __future__ import annotations

import io
import struct
import tempfile
import tracemalloc
import warnings
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from format_files import comes_back, flipped, is_value_or_corrupt, load, save
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from polystore_core.data import data_equal
from polystore_core.errors import CorruptData, UnsupportedData
from polystore_disk.formats import Npy

NPY = Npy()

dtypes = (
    hnp.scalar_dtypes()
    | hnp.unicode_string_dtypes(max_len=5)
    | hnp.byte_string_dtypes(max_len=5)
    | hnp.array_dtypes(max_size=3)
)
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
layouts = st.sampled_from(
    [
        lambda a: a,
        lambda a: np.asfortranarray(a) if a.ndim else a,
        lambda a: a.T,
        lambda a: a[..., ::-1] if a.ndim else a,
        lambda a: a[::2] if a.ndim else a,
        lambda a: np.broadcast_to(a, (2, *a.shape)),
    ]
)


def _saved_by_numpy(array) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Stored array in format 3.0")
        np.save(file, array)
    return file.getvalue()


@given(arrays, layouts)
def test_every_array_comes_back(array, layout):
    assert comes_back(NPY, layout(array))


@given(arrays)
def test_numpy_reads_what_is_written(array):
    assert data_equal(np.load(io.BytesIO(save(NPY, array))), array)


@given(arrays, st.booleans())
def test_what_numpy_writes_is_read(array, copy):
    assert data_equal(load(NPY, _saved_by_numpy(array), copy=copy), array)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_is_read(version):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.arange(6.0).reshape(2, 3), version)
    assert data_equal(load(NPY, file.getvalue()), np.arange(6.0).reshape(2, 3))


def test_header_of_python_2_is_read():
    text = b"{'descr': '<i2', 'fortran_order': False, 'shape': (2L,), }"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"\x01\x00\x02\x00"
    assert load(NPY, content).tolist() == [1, 2]


@pytest.mark.parametrize("dtype", [">u2", ">f8", ">c16", ">U3", ">M8[ms]", [("y", ">f4"), ("x", "<i2")]])
@pytest.mark.parametrize("copy", [True, False])
def test_big_endian_becomes_native(dtype, copy):
    array = np.ones((3, 2), np.dtype(dtype))
    loaded = load(NPY, _saved_by_numpy(array), copy=copy)
    assert loaded.dtype.isnative
    assert data_equal(loaded, array.astype(array.dtype.newbyteorder("=")))


def test_field_names_beyond_latin_come_back():
    assert comes_back(NPY, np.ones(3, [("µ", "f4"), ("λ_長さ", "i2")]))


def test_many_fields_come_back():
    assert comes_back(NPY, np.ones(2, [(f"feature_{index:05}", "f4") for index in range(4000)]))


@pytest.mark.parametrize("align", [False, True])
def test_structured_arrays_come_back(align):
    dtype = np.dtype(
        [("name", "U4"), ("box", "i4", (2, 2)), ("inner", [("x", "f8"), ("ok", "?")])], align=align
    )
    assert comes_back(NPY, np.zeros((2, 3), dtype))


@pytest.mark.parametrize("dtype", ["U0", "S0", "V0", []])
def test_dtypes_of_no_bytes_come_back(dtype):
    assert comes_back(NPY, np.ndarray((3,), np.dtype(dtype)))


ML_DTYPES = sorted(
    name for name in dir(ml_dtypes) if isinstance(getattr(ml_dtypes, name), type) and "info" not in name
)


@pytest.mark.parametrize("name", ML_DTYPES)
@pytest.mark.parametrize("copy", [True, False])
def test_dtypes_of_ml_dtypes_come_back(name, copy):
    array = np.array([[0, 1], [1, 0]]).astype(getattr(ml_dtypes, name))
    loaded = load(NPY, save(NPY, array), copy=copy)
    assert loaded.dtype == array.dtype
    assert loaded.tobytes() == array.tobytes()


def test_loaded_array_is_independent():
    loaded = load(NPY, save(NPY, np.arange(10)))
    assert loaded.flags.writeable
    assert loaded.flags.owndata


def test_view_is_read_only_and_outlives_the_file():
    array = np.arange(10_000, dtype="f4").reshape(100, 100)
    view = load(NPY, save(NPY, array), copy=False)
    assert not view.flags.writeable
    assert data_equal(view, array)


@pytest.mark.parametrize("array", [np.array(3, "f4"), np.zeros((0, 4)), np.ones((3, 4), order="F")])
def test_every_view_is_read_only(array):
    view = load(NPY, save(NPY, array), copy=False)
    assert not view.flags.writeable
    assert data_equal(view, array)


def test_view_may_be_larger_than_the_limit():
    assert load(NPY, save(NPY, np.zeros(1000)), copy=False, max_bytes=10).shape == (1000,)


def test_view_takes_no_memory():
    content = save(NPY, np.zeros(1 << 22, "u1"))
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        tracemalloc.start()
        NPY.decode(file, copy=False, max_bytes=1, threads=1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 1 << 20


def test_view_survives_replacement_of_the_file(tmp_path: Path):
    path = tmp_path / "a.npy"
    path.write_bytes(save(NPY, np.arange(5)))
    with path.open("rb") as file:
        view = NPY.decode(file, copy=False, max_bytes=100, threads=1)
    (tmp_path / "new").write_bytes(save(NPY, np.zeros(1)))
    (tmp_path / "new").replace(path)
    assert view.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "array", [np.array([None]), np.zeros(2, [("a", "O")]), np.array(["a"], np.dtypes.StringDType())]
)
def test_python_objects_are_refused(array):
    with pytest.raises(UnsupportedData, match=r"'.npy' holds arrays without Python objects"):
        save(NPY, array)


def test_dtype_without_description_is_refused():
    dtype = np.dtype({"names": ["b", "a"], "formats": ["i4", "i4"], "offsets": [4, 0]})
    with pytest.raises(
        UnsupportedData, match=r"'.npy' cannot describe the dtype .*: save its fields one by one"
    ):
        save(NPY, np.zeros(2, dtype))


def test_field_of_ml_dtypes_is_refused():
    with pytest.raises(UnsupportedData, match="save its fields one by one"):
        save(NPY, np.zeros(2, [("a", ml_dtypes.bfloat16)]))


def test_other_kinds_are_refused():
    with pytest.raises(
        UnsupportedData, match=r"'.npy' holds one array; got list: save numpy.asarray\(data\)"
    ):
        save(NPY, [1, 2])


def _claiming(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("latin-1") + body


def test_claim_of_a_tebibyte_is_refused_before_allocating():
    content = _claiming(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({1 << 37},)}}").ljust(128, b" ")
    with pytest.raises(CorruptData, match="claims 1,099,511,627,776 bytes of array"):
        load(NPY, content)


def test_larger_than_the_limit_is_refused_with_the_option_to_raise_it():
    with pytest.raises(CorruptData) as caught:
        load(NPY, save(NPY, np.zeros(1000)), max_bytes=7999)
    assert str(caught.value) == (
        "the file unpacks to 8,000 bytes, more than the limit of 7,999: "
        "load with max_bytes=8000 if you trust it"
    )


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{}",
        "[]",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': ()}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': 3}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0,), 'more': 1}",
        "{'descr': 'no dtype', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': (0,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4611686018427387904, 8)}",
        "{'descr': '<U2000000000', 'fortran_order': False, 'shape': (0,)}",
        "(" * 5000,
        "-" * 60000,
        "__import__('os').system('true')",
    ],
)
def test_damaged_headers_are_corrupt(header):
    with pytest.raises(CorruptData):
        load(NPY, _claiming(header), max_bytes=1 << 20)


def test_pickled_objects_are_never_loaded():
    file = io.BytesIO()
    np.save(file, np.array([{}]), allow_pickle=True)
    with pytest.raises(CorruptData, match="pickled Python objects, which are never loaded"):
        load(NPY, file.getvalue())


def test_bytes_behind_the_array_are_corrupt():
    with pytest.raises(CorruptData, match="claims 24 bytes of array"):
        load(NPY, save(NPY, np.zeros(3)) + b"x")


SAMPLE = save(NPY, np.arange(12, dtype="u2").reshape(3, 4))


@pytest.mark.parametrize("length", range(len(SAMPLE)))
def test_cut_short_is_corrupt(length):
    with pytest.raises(CorruptData):
        load(NPY, SAMPLE[:length])


@given(st.integers(0, len(SAMPLE) - 1), st.integers(1, 255))
def test_flipped_bits_give_a_value_or_corrupt(position, mask):
    assert is_value_or_corrupt(NPY, flipped(SAMPLE, position, mask))
