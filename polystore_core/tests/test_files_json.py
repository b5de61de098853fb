"""JSON files: strict, readable, replaced as a whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore_core import CorruptData, InvalidOption, PathNotFound, StorageError, UnsupportedData
from polystore_core.files import (
    AtomicMetadataWriter,
    atomic_update_json,
    atomic_write_json,
    atomic_writer,
    repair,
)

read = AtomicMetadataWriter().read

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(document=st.dictionaries(st.text(), json_values, max_size=5))
def test_what_was_written_is_read(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    try:
        atomic_write_json(path, document, durability="atomic")
    except UnsupportedData:
        assert any(0xD800 <= ord(letter) < 0xE000 for letter in repr_text(document))
    else:
        assert read(path) == document
        assert json.loads(path.read_text("utf-8")) == document


def repr_text(value: object) -> str:
    """All text in a value, to look for halves of surrogate pairs, which UTF-8 cannot express."""
    if isinstance(value, dict):
        return "".join(key + repr_text(child) for key, child in value.items())
    if isinstance(value, list):
        return "".join(map(repr_text, value))
    return value if isinstance(value, str) else ""


def test_the_file_is_readable_by_people(tmp_path: Path) -> None:
    atomic_write_json(
        tmp_path / "a.json", {"plate": "P1", "subdirectories": {"A01": {"µm": [0.5, 1]}, "A02": {}}}
    )
    assert (tmp_path / "a.json").read_text("utf-8") == (
        '{\n  "plate": "P1",\n  "subdirectories": {\n    "A01": {"µm": [0.5, 1]},\n    "A02": {}\n  }\n}\n'
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"a": float("nan")}, "Out of range float values are not JSON compliant"),
        ({"a": [float("inf")]}, "Out of range float values are not JSON compliant"),
        ({1: "a"}, "key 1 is not text"),
        ({"a": {None: "b"}}, "key None is not text"),
        ({"a": {1, 2}}, "not JSON serializable"),
        ({"a": b"bytes"}, "not JSON serializable"),
        ({"a": "\ud800"}, "surrogates not allowed"),
        ([1, 2], "must be a JSON object, not list; wrap it"),
        ("text", "must be a JSON object, not str; wrap it"),
        (None, "must be a JSON object, not NoneType; wrap it"),
    ],
)
def test_what_json_cannot_hold_is_refused_and_the_old_file_stays(
    tmp_path: Path, document: Any, message: str
) -> None:
    path = tmp_path / "a.json"
    atomic_write_json(path, {"old": True})
    with pytest.raises(UnsupportedData, match=message):
        atomic_write_json(path, document)
    assert read(path) == {"old": True}


WRONG = {
    "empty": b"",
    "space": b"  \n",
    "zeros": bytes(100),
    "text": b"not json",
    "list": b"[1, 2]",
    "number": b"5",
    "null": b"null",
    "string": b'"a"',
    "true": b"true",
    "open": b'{"a": 1',
    "two documents": b'{"a": 1}{"b": 2}',
    "trailing comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "comment": b'{"a": 1} // note',
    "not a number": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "key twice": b'{"a": 1, "a": 2}',
    "inner key twice": b'{"a": {"b": 1, "b": 1}}',
    "not utf-8": b'{"a": "\xff"}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "nested too deeply": b'{"a":' + b"[" * 100_000,
    "binary": b"\x89PNG\r\n\x1a\n",
}
WRONG_ENTRIES = {
    "entries are a list": b'{"subdirectories": []}',
    "entries are null": b'{"subdirectories": null}',
    "an entry is text": b'{"subdirectories": {"A01": "text"}}',
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_damaged_file_is_an_error_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    writer = AtomicMetadataWriter()
    with pytest.raises(CorruptData):
        writer.read(path)
    with pytest.raises(CorruptData):
        writer.merge_subdirectory_metadata(path, {"A01": {"b": 1}})
    with pytest.raises(CorruptData):
        writer.replace_subdirectory_metadata(path, {"A01": {"b": 1}})
    with pytest.raises(CorruptData):
        atomic_update_json(path, lambda found: found, default={})
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES)
def test_metadata_of_another_shape_is_an_error_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(CorruptData, match="not an object; the file was left as it is"):
        AtomicMetadataWriter().merge_subdirectory_metadata(path, {"A01": {"b": 1}})
    assert path.read_bytes() == content


def test_the_error_names_the_last_good_version(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_write_json(path, {"plate": "P1"})
    path.write_bytes(b"{")
    with pytest.raises(CorruptData) as caught:
        read(path)
    good = tmp_path / ".a.json.polystore-good"
    problem = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    assert str(caught.value) == (
        f"{str(path)!r} is damaged ({problem}) and was left as it is; "
        f"the last good version is {str(good)!r}. See: polystore repair {str(path)!r}"
    )
    assert json.loads(good.read_text()) == {"plate": "P1"}


def test_a_missing_file_needs_a_default(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    with pytest.raises(PathNotFound, match="to start one"):
        atomic_update_json(path, lambda found: found)
    default: dict[str, list[int]] = {"a": []}
    assert atomic_update_json(path, lambda found: found["a"].append(1), default) == {"a": [1]}
    assert default == {"a": []}
    assert read(path) == {"a": [1]}


def test_a_durability_that_there_is_not_is_refused(tmp_path: Path) -> None:
    path, misspelled = tmp_path / "a.json", cast("Any", "durabel")
    for write in (
        lambda: atomic_writer(path, durability=misspelled),
        lambda: atomic_write_json(path, {}, durability=misspelled),
        lambda: atomic_update_json(path, dict, default={}, durability=misspelled),
        lambda: AtomicMetadataWriter(durability=misspelled),
    ):
        with pytest.raises(InvalidOption, match=r"^durability takes 'atomic' or 'durable'; got 'durabel'$"):
            write()
    assert os.listdir(tmp_path) == []


def test_an_update_that_raises_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_write_json(path, {"old": True})
    with pytest.raises(ZeroDivisionError):
        atomic_update_json(path, lambda found: found.update(new=1 / 0))
    assert read(path) == {"old": True}


def test_an_update_within_an_update_is_refused_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_write_json(path, {})

    def inner(found: dict[str, Any]) -> None:
        atomic_update_json(path, lambda found: {**found, "inner": 1})

    with pytest.raises(StorageError, match="Make one update at a time"):
        atomic_update_json(path, inner)
    assert read(path) == {"inner": 1}


def test_a_link_to_the_file_shares_its_lock_and_stays(tmp_path: Path) -> None:
    atomic_write_json(tmp_path / "a.json", {})
    (tmp_path / "link.json").symlink_to("a.json")
    atomic_update_json(tmp_path / "link.json", lambda found: {"b": 1})
    assert (tmp_path / "link.json").is_symlink()
    assert read(tmp_path / "a.json") == {"b": 1}
    assert not any("link.json." in name for name in os.listdir(tmp_path))


def test_repair_only_looks_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_write_json(path, {"plate": "P1"})
    assert repair(path)[1:] == ("good", None, str(tmp_path / ".a.json.polystore-good"), 0, False, None)
    path.write_bytes(b"damaged")
    report = repair(path)
    assert (report.state, report.restored) == ("damaged", False)
    assert report.problem == "Expecting value: line 1 column 1 (char 0)"
    assert path.read_bytes() == b"damaged"


def test_repair_restores_and_keeps_the_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_write_json(path, {"plate": "P1"})
    path.write_bytes(b"damaged")
    report = repair(path, restore=True)
    assert report.restored
    assert report.kept is not None
    assert Path(report.kept).read_bytes() == b"damaged"
    assert read(path) == {"plate": "P1"}


def test_repair_restores_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_write_json(path, {"plate": "P1"})
    path.unlink()
    report = repair(path, restore=True)
    assert (report.state, report.restored, report.kept) == ("missing", True, None)
    assert read(path) == {"plate": "P1"}


def test_repair_without_a_good_version_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"damaged")
    report = repair(path, restore=True)
    assert (report.state, report.good, report.restored) == ("damaged", None, False)
    assert path.read_bytes() == b"damaged"
