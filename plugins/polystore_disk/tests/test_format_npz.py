"""``.npz``: tables of arrays of any shape."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from format_files import comes_back, flipped, is_value_or_corrupt, load, save
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from polystore_core.data import data_equal
from polystore_core.errors import CorruptData, UnsupportedData
from polystore_disk.formats import Npz

NPZ = Npz()

columns = hnp.arrays(
    hnp.scalar_dtypes() | hnp.unicode_string_dtypes(max_len=4),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\\/:"), max_size=8).filter(
    lambda name: name != ".."
)
TABLE = {"area": np.array([1.5, 2.5]), "mask": np.eye(3, dtype=bool), "name": np.array(["a", "µ"])}


@given(st.dictionaries(names, columns, max_size=4), st.booleans())
def test_every_table_comes_back(table, compress):
    loaded = load(NPZ, save(NPZ, table, compress=compress))
    assert list(loaded) == list(table)
    assert all(data_equal(loaded[name], column) for name, column in table.items())


def test_compressed_is_smaller():
    table = {"zeros": np.zeros(10_000)}
    assert len(save(NPZ, table, compress=True)) < len(save(NPZ, table)) / 100


def test_equal_tables_give_equal_files():
    assert save(NPZ, TABLE) == save(NPZ, TABLE)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(write):
    file = io.BytesIO()
    write(file, **TABLE)
    loaded = load(NPZ, file.getvalue())
    assert list(loaded) == list(TABLE)
    assert loaded["name"].tolist() == ["a", "µ"]


def test_numpy_reads_what_is_written():
    with np.load(io.BytesIO(save(NPZ, TABLE, compress=True))) as archive:
        assert archive.files == list(TABLE)
        assert archive["mask"].tolist() == TABLE["mask"].tolist()


def test_column_named_like_a_path_inside_comes_back():
    assert comes_back(NPZ, {"nuclei/area": np.ones(2), "a.npy": np.zeros(1)})


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../b", "c:evil", "back\\slash", "nul\0"])
def test_names_that_lead_elsewhere_are_refused(name):
    with pytest.raises(UnsupportedData, match=r"'.npz' cannot hold a column named .*: rename it"):
        save(NPZ, {name: np.ones(1)})


def test_lone_surrogate_in_a_name_is_refused():
    with pytest.raises(UnsupportedData, match="lone surrogate"):
        save(NPZ, {"\ud800": np.ones(1)})


def test_object_columns_are_refused_by_name():
    with pytest.raises(UnsupportedData, match="npz column 'bad'"):
        save(NPZ, {"bad": np.array([None])})


def test_arrays_are_refused():
    with pytest.raises(UnsupportedData, match=r"'.npz' holds a table, a dict of arrays; got ndarray"):
        save(NPZ, np.ones(3))


def _archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("name", ["/abs.npy", "../up.npy", "notes.txt"])
def test_archives_with_other_members_are_corrupt(name):
    with pytest.raises(CorruptData, match="which is no column of a table"):
        load(NPZ, _archive({name: _npy(np.ones(1))}))


def test_bomb_is_refused():
    content = _archive({"zeros.npy": _npy(np.zeros(1 << 22, "u1"))})
    assert len(content) < 10_000
    with pytest.raises(CorruptData, match="more than the limit of 1,000,000: load with max_bytes="):
        load(NPZ, content, max_bytes=1_000_000)


def test_other_compressions_are_corrupt():
    with pytest.raises(CorruptData, match="is packed by method 14, not stored or deflated"):
        load(NPZ, _archive({"a.npy": _npy(np.ones(1))}, zipfile.ZIP_LZMA))


def test_doubled_columns_are_corrupt():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", _npy(np.ones(1)))
        archive.writestr("b.npy", _npy(np.ones(1)))
    with pytest.raises(CorruptData, match="the archive holds the column 'a' twice"):
        load(NPZ, file.getvalue().replace(b"b.npy", b"a.npy"))


SAMPLES = [save(NPZ, TABLE), save(NPZ, TABLE, compress=True)]


@given(st.sampled_from(SAMPLES), st.integers(0, 2000))
def test_cut_short_is_corrupt(content, length):
    with pytest.raises(CorruptData):
        load(NPZ, content[: length % len(content)])


@given(st.sampled_from(SAMPLES), st.integers(0, 2000), st.integers(1, 255))
def test_flipped_bits_give_a_value_or_corrupt(content, position, mask):
    assert is_value_or_corrupt(NPZ, flipped(content, position, mask))
