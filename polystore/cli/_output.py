"""What commands print: for people at a terminal, and plain for everything that reads a pipe."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = [
    "at_terminal",
    "discard_output",
    "moment",
    "note",
    "print_facts",
    "print_json",
    "print_table",
    "size_text",
]


def at_terminal() -> bool:
    """Whether somebody looks at standard output."""
    return sys.stdout.isatty()


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[str] = ()
) -> None:
    """Print rows under a heading: drawn at a terminal, else aligned by blanks and never cut.

    Parameters
    ----------
    columns
        Headings.
    rows
        One text per column.
    right
        Headings of the columns that are aligned on the right: numbers.
    """
    table = [tuple(row) for row in rows]
    if at_terminal():
        _draw(columns, table, right)
        return
    widths = [max(map(len, column)) for column in zip(columns, *table, strict=True)]
    for row in [tuple(columns), *table]:
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, cell, width in zip(columns, row, widths, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


def _draw(columns: Sequence[str], rows: list[tuple[str, ...]], right: Collection[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        drawn.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    Console().print(drawn)


def print_facts(facts: dict[str, str]) -> None:
    """Print one fact per line, the names aligned."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name.ljust(width)}  {value}")


def print_json(value: Any) -> None:
    """Print JSON, indented."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """Say something on standard error that is no error."""
    click.echo(f"polystore: note: {text}", err=True)


def size_text(size: int | None) -> str:
    """Write a number of bytes the way people read it; ``-`` for none.

    Examples
    --------
    >>> from polystore.cli._output import size_text
    >>> size_text(812), size_text(262_144), size_text(None)
    ('812 B', '262.1 kB', '-')
    """
    if size is None:
        return "-"
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def moment(seconds: float | None) -> str:
    """Write a time, given in seconds since the epoch, as local ISO 8601 with its offset; ``-`` for none."""
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def discard_output() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush cannot fail either."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
