"""The table of errors in the docs is complete and true."""

import re
from pathlib import Path

import pytest

from polystore_core import errors

TABLE = Path(__file__).parent.parent / "docs" / "how-to" / "errors.md"
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (?:`(\w+)`)? ?\|", re.MULTILINE)
ROWS = {name: (kind, builtin or None) for name, kind, builtin in ROW.findall(TABLE.read_text())}


def builtin_of(error):
    bases = [base.__name__ for base in error.__bases__ if not issubclass(base, errors.PolyStoreError)]
    return bases[0] if bases else None


@pytest.mark.parametrize("name", sorted(set(errors.__all__) - {"PolyStoreError"}))
def test_every_error_has_its_row(name):
    error = getattr(errors, name)
    assert ROWS[name] == (error.kind, builtin_of(error))


def test_no_row_is_of_an_error_that_is_gone():
    assert set(ROWS) <= set(errors.__all__)
