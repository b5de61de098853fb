"""``.txt``, ``.bin`` and ``.json``: text, bytes and JSON values come back as they were."""

from __future__ import annotations

import pytest
from format_files import comes_back, flipped, is_value_or_corrupt, load, save
from hypothesis import given
from hypothesis import strategies as st

from polystore_core import FileManager
from polystore_core.errors import CorruptData, InvalidOption, UnsupportedData
from polystore_disk.formats import Json, Raw, Text

texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
).filter(lambda value: value is not None)


@given(st.binary())
def test_bytes_come_back(content):
    assert save(Raw(), content) == content
    assert comes_back(Raw(), content)


@given(texts)
def test_text_comes_back(text):
    assert comes_back(Text(), text)


@pytest.mark.parametrize("text", ["", "a\r\nb\nc\rd", "\ufeffmarked", "nul\0", "𝄞 µ"])
def test_text_is_written_untouched(text):
    assert save(Text(), text) == text.encode()
    assert comes_back(Text(), text)


def test_lone_surrogates_are_refused():
    with pytest.raises(UnsupportedData) as caught:
        save(Text(), "ab\udcff")
    assert str(caught.value) == (
        "'.txt' holds text in UTF-8; character 2 is the lone surrogate '\\udcff': save its bytes as .bin"
    )


def test_other_encodings_are_corrupt():
    with pytest.raises(
        CorruptData, match=r"'.txt' holds text in UTF-8; byte 1 is not \(invalid continuation byte\)"
    ):
        load(Text(), "aé!".encode("latin-1"))


@pytest.mark.parametrize(("codec", "value"), [(Text(), b"x"), (Raw(), "x"), (Text(), 3)])
def test_other_kinds_are_refused(codec, value):
    with pytest.raises(UnsupportedData, match=r"holds (text|bytes)"):
        save(codec, value)


@pytest.mark.parametrize("codec", [Text(), Raw(), Json()])
def test_limit_applies(codec):
    with pytest.raises(CorruptData, match="more than the limit of 10: load with max_bytes="):
        load(codec, b"1" * 11, max_bytes=10)


@given(json_values, st.none() | st.integers(0, 8))
def test_json_comes_back(value, indent):
    loaded = load(Json(), save(Json(), value, indent=indent))
    assert loaded == value
    assert repr(loaded) == repr(value)


def test_json_is_indented_on_request():
    assert save(Json(), {"a": [1]}, indent=2) == b'{\n  "a": [\n    1\n  ]\n}'


def test_negative_indent_is_refused():
    with pytest.raises(InvalidOption, match="indent is a number of spaces or None; got -1"):
        save(Json(), {}, indent=-1)


@pytest.mark.parametrize(
    "value",
    [float("nan"), [float("inf")], {"a": {1}}, ["\ud800"], 10**5000],
    ids=["nan", "inf", "set", "surrogate", "long"],
)
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(UnsupportedData, match=r"'.json'"):
        save(Json(), value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1] 2", "not JSON: Extra data"),
        (b"NaN", "not JSON: NaN is no JSON number"),
        (b"-Infinity", "not JSON: -Infinity is no JSON number"),
        (b"1e999", "the number 1e999 is beyond the range of a float"),
        (b"1" * 5000, "not JSON that can be read"),
        (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' is repeated in one object"),
        (b"\xff", "'.json' holds text in UTF-8; byte 0 is not"),
        (b"[" * 100_000, "nests too deep"),
        (b'{"a":' * 100_000, "nests too deep"),
    ],
)
def test_damaged_json_is_corrupt(content, message):
    with pytest.raises(CorruptData, match=message):
        load(Json(), content)


def test_byte_order_mark_before_json_is_skipped():
    assert load(Json(), b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_json_of_many_small_values_respects_the_limit():
    with pytest.raises(CorruptData, match="more than the limit"):
        load(Json(), b"[" + b"[]," * 100_000 + b"[]]", max_bytes=1_000_000)


SAMPLE = save(Json(), {"well": "A01", "sites": [1, 2.5, None, True], "deep": {"µ": "\n"}})


@given(st.integers(0, len(SAMPLE) - 1), st.integers(1, 255))
def test_flipped_bits_give_a_value_or_corrupt(position, mask):
    assert is_value_or_corrupt(Json(), flipped(SAMPLE, position, mask))
    assert is_value_or_corrupt(Text(), flipped(SAMPLE, position, mask))


@pytest.mark.parametrize("length", range(len(SAMPLE)))
def test_json_cut_short_is_corrupt(length):
    with pytest.raises(CorruptData):
        load(Json(), SAMPLE[:length])


def test_a_json_file_of_nothing_but_null_is_no_value(tmp_path):
    (tmp_path / "a.json").write_text("null")
    with pytest.raises(CorruptData, match="the JSON is null"):
        FileManager().load(tmp_path / "a.json", backend="disk")
