"""The table of formats in the docs names every suffix and every option."""

import re
from pathlib import Path

import pytest

from polystore_core.formats import FormatRegistry
from polystore_core.plugins import option_names

TABLE = Path(__file__).parent.parent / "docs" / "how-to" / "formats.md"
GIVEN = ("copy", "max_bytes", "threads")


def words(cell):
    return re.findall(r"`([.\w]+)[^`]*`", cell)


def rows():
    for line in re.findall(r"^\| `\..*$", TABLE.read_text(), re.MULTILINE):
        suffixes, _, _, saving, loading, _ = re.split(r" ?\| ?", line.removeprefix("| "))
        for suffix in words(suffixes):
            yield suffix, words(saving), words(loading)


ROWS = {suffix: (saving, loading) for suffix, saving, loading in rows()}


def shown(suffix, column):
    """Options in a cell; a cell that names a suffix stands for that suffix's."""
    named = ROWS[suffix][column]
    return shown(named[0], column) if named and named[0].startswith(".") else {*named}


def test_every_suffix_has_its_row():
    assert {*ROWS} == {*FormatRegistry().suffixes()}


@pytest.mark.parametrize("suffix", FormatRegistry().suffixes())
def test_every_option_is_named(suffix):
    _, codec = FormatRegistry().of("a" + suffix)
    assert shown(suffix, 0) == {*option_names(codec.encode, given=GIVEN)}
    assert shown(suffix, 1) == {*option_names(codec.decode, given=GIVEN)}
