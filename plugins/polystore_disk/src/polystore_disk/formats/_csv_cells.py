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
    names: list[str] | None = None
    cells: list[list[str]] = []
    quoted: list[bool] = []
    number = 1
    for row in _rows(text, delimiter):
        line = number
        number += 1 + sum(cell.count("\n") for cell in row)
        if row == [""]:
            continue
        plain = [cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell for cell in row]
        if names is None:
            names = plain
            _require_unique(names)
            cells, quoted = [[] for _ in names], [False] * len(names)
            continue
        if len(row) != len(names):
            raise CorruptData(f"line {line} has {len(row)} cells, the line of names {len(names)}")
        for index, cell in enumerate(plain):
            cells[index].append(cell)
            if row[index][:1] == '"':
                quoted[index] = True
    if names is None:
        raise CorruptData("not a CSV table: it has no line of column names")
    return names, [Column(*column) for column in zip(cells, quoted, strict=True)]


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each line, quotes included."""
    line_end = r"\r\n|\n|\r|\Z"
    simple_line = re.compile(rf'([^"\r\n]*+)(?:{line_end})')
    cell_pattern = re.compile(
        rf'("(?:[^"]++|"")*+"|[^"{delimiter}\r\n][^{delimiter}\r\n]*+|)({delimiter}|{line_end})'
    )
    position, end = 0, len(text)
    while position < end:
        if simple := simple_line.match(text, position):
            yield simple[1].split(delimiter)
            position = simple.end()
            continue
        row: list[str] = []
        more = True
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
        yield row


def _require_unique(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CorruptData(f"two columns are named {name!r}: rename one in the line of names")
        seen.add(name)
