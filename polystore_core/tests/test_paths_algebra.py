"""One normal form for every path."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore_core import AccessDenied, InvalidOption, InvalidPath
from polystore_core.paths import normalize_path, store_path

COMPONENTS = st.sampled_from(["a", "B", ".", "..", "", ".hidden", "...", "a.npy", "é", "\ud800", "a b"])
SPELLINGS = st.builds(
    lambda root, parts: root + "/".join(parts), st.sampled_from(["", "/"]), st.lists(COMPONENTS, min_size=1)
).filter(bool)


@pytest.mark.parametrize(
    ("spelling", "normal"),
    [
        ("a/b.npy", "a/b.npy"),
        ("a//b", "a/b"),
        ("./a/./b", "a/b"),
        ("a/b/", "a/b"),
        ("a/../b", "b"),
        ("../a", "../a"),
        ("../../a/..", "../.."),
        ("a/../../b", "../b"),
        (".", "."),
        ("a/..", "."),
        ("/", "/"),
        ("//a", "/a"),
        ("///a", "/a"),
        ("/a/..", "/"),
        (".hidden", ".hidden"),
        ("a/.hidden/b", "a/.hidden/b"),
        ("...", "..."),
        ("a\nb", "a\nb"),
        ("a b/é", "a b/é"),
        ("\udce9.npy", "\udce9.npy"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://bucket//a/./b/../c/", "s3://bucket/a/c"),
        ("s3:/bucket//a", "s3:/bucket/a"),
        ("a/s3://b", "a/s3:/b"),
        ("c://a", "c:/a"),
    ],
)
def test_each_spelling_has_one_normal_form(spelling: str, normal: str) -> None:
    assert normalize_path(spelling) == normal


def test_path_objects_are_paths() -> None:
    assert normalize_path(PurePosixPath("/data") / "a.npy") == "/data/a.npy"


def test_a_subclass_of_text_becomes_plain_text() -> None:
    class Name(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "something else"

    normal = normalize_path(Name("a/b"))
    assert (normal, type(normal)) == ("a/b", str)


@pytest.mark.parametrize("path", ["/..", "/a/../..", "/../a"])
def test_nothing_lies_above_the_root(path: str) -> None:
    with pytest.raises(InvalidPath, match=r"leads above the root '/'"):
        normalize_path(path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://bucket/..", "URL 's3://bucket/..' leads above 's3://bucket'"),
        ("s3://bucket/a/../../b", "leads above 's3://bucket'"),
        ("s3://", "URL 's3://' names nothing after 's3://'"),
        ("s3://../a", "names nothing after 's3://'"),
    ],
)
def test_nothing_lies_above_what_a_url_names(url: str, message: str) -> None:
    with pytest.raises(InvalidPath) as caught:
        normalize_path(url)
    assert message in str(caught.value)


def test_a_store_without_schemes_takes_a_url_as_a_name() -> None:
    assert store_path(normalize_path("s3://bucket//a")) == "s3:/bucket/a"


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(InvalidPath, match=r"^the path is empty; '\.' is the current directory$"):
        normalize_path("")


def test_a_nul_character_is_refused() -> None:
    with pytest.raises(InvalidPath, match="holds a NUL character, which no file name may"):
        normalize_path("a\0b")


def test_bytes_are_refused_with_the_way_to_decode_them() -> None:
    with pytest.raises(
        InvalidOption,
        match=r"^a path is text or a path object, not bytes b'a'; decode it with os\.fsdecode\(path\)$",
    ):
        normalize_path(b"a")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 3, ["a"]])
def test_what_is_no_path_is_refused(value: object) -> None:
    with pytest.raises(InvalidOption, match="a path is text or a path object, not"):
        normalize_path(value)  # type: ignore[arg-type]


@given(SPELLINGS)
def test_the_normal_form_is_that_of_posixpath_or_refused(spelling: str) -> None:
    depth = 0
    for component in spelling.split("/"):
        depth += 0 if component in ("", ".") else -1 if component == ".." else 1
        if depth < 0 and spelling.startswith("/"):
            with pytest.raises(InvalidPath):
                normalize_path(spelling)
            return
    expected = posixpath.normpath(spelling)
    assert normalize_path(spelling) == ("/" + expected.lstrip("/") if expected[0] == "/" else expected)


@given(SPELLINGS.filter(lambda spelling: spelling[0] != "/"))
def test_normalising_twice_changes_nothing(spelling: str) -> None:
    normal = normalize_path(spelling)
    assert normalize_path(normal) is normal or normalize_path(normal) == normal


@pytest.mark.parametrize(
    ("path", "inside"),
    [("a/b", "a/b"), ("/a/b", "a/b"), (".", ""), ("/", ""), (".hidden", ".hidden"), ("...", "...")],
)
def test_a_store_has_a_root_of_its_own(path: str, inside: str) -> None:
    assert store_path(path) == inside


@pytest.mark.parametrize("path", ["..", "../a", "../../a"])
def test_nothing_leaves_the_root_of_a_store(path: str) -> None:
    with pytest.raises(AccessDenied, match="leads out of the root of its store; name a path below it"):
        store_path(path)
