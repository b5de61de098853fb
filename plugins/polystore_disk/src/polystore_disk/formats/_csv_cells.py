"""Cutting CSV text into cells, remembering which column had quotes (RFC 4180)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from polystore_core.errors import CorruptData
from polystore_disk.formats._csv_columns import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["split_cells"]


def split_cells(text: str, delimiter: str) -> tuple[list[str], list[Column]]:
    """Return the names of the columns and the columns; blank lines are skipped.

    Raises
    ------
    CorruptData
        If there is no line of names, a name is doubled, a row is longer or shorter than the names, or
        a quote is where none may be.
    """
    names: list[str] = []
    rows: list[list[str]] = []
    for begin, row in _rows(text, delimiter):
        if row == [""]:
            continue
        if not names:
            names = [_plain(cell) for cell in row]
            _require_unique(names)
        elif len(row) != len(names):
            line = 1 + len(re.findall(r"\r\n|\n|\r", text[:begin]))
            raise CorruptData(f"line {line} has {len(row)} cells, the line of names {len(names)}")
        else:
            rows.append(row)
    if not names:
        raise CorruptData("not a CSV table: it has no line of column names")
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return names, [_column(cells) for cells in columns]


def _plain(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell


def _column(cells: tuple[str, ...]) -> Column:
    quoted = any(cell[:1] == '"' for cell in cells)
    return Column([_plain(cell) for cell in cells] if quoted else list(cells), quoted)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield where each row begins, and its cells with their quotes."""
    line_end = r"\r\n|\n|\r|\Z"
    simple_cell = rf'(?:"[^"{delimiter}\r\n]*+"|[^"{delimiter}\r\n]*+)'
    simple_line = re.compile(rf"({simple_cell}(?:{delimiter}{simple_cell})*+)(?:{line_end})")
    cell_pattern = re.compile(
        rf'("(?:[^"]++|"")*+"|[^"{delimiter}\r\n][^{delimiter}\r\n]*+|)({delimiter}|{line_end})'
    )
    position, end = 0, len(text)
    while position < end:
        if simple := simple_line.match(text, position):
            yield position, simple[1].split(delimiter)
            position = simple.end()
            continue
        begin, row, more = position, list[str](), True
        while more:
            match = cell_pattern.match(text, position)
            if match is None:
                raise CorruptData(
                    f"not a CSV table: a quote is not closed, or not at the end of a cell: "
                    f"{text[position : position + 40]!r}"
                )
            row.append(match[1])
            position = match.end()
            more = match[2] == delimiter
        yield begin, row


def _require_unique(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CorruptData(f"two columns are named {name!r}: rename one in the line of names")
        seen.add(name)
