"""``polystore ls``."""

from __future__ import annotations

from typing import Any

import click

from polystore.cli import _options
from polystore.cli._output import at_terminal, moment, print_json, print_table, size_text
from polystore_core import FileManager, PathPattern

__all__ = ["ls"]


@click.command()
@click.argument("directory", default="", metavar="[DIR]")
@_options.backend("-b", "--backend")
@click.option("-r", "--recursive", is_flag=True, help="Also everything below.")
@_options.choice_of_files
@click.option("-l", "--long", "is_long", is_flag=True, help="Also size and time of the last change.")
@_options.as_json
@click.pass_obj
def ls(
    manager: FileManager,
    *,
    directory: str,
    backend: str,
    recursive: bool,
    pattern: str | PathPattern | None,
    extensions: list[str] | None,
    is_long: bool,
    as_json: bool,
) -> None:
    """List a directory.

    One path per line, in natural order; directories end in a slash and are left out when files are
    selected or everything below is listed.
    """
    files = manager.list_files(
        directory, backend=backend, pattern=pattern, extensions=extensions, recursive=recursive
    )
    paths = files
    if not (recursive or pattern or extensions):
        paths = manager.list_dir(directory, backend=backend)
    known = frozenset(files)
    if not (is_long or as_json):
        for path in paths:
            click.echo(path if path in known else f"{path}/")
        return
    rows = [_described(manager, path, backend, pattern) for path in paths]
    if as_json:
        print_json(rows)
    else:
        _print_long(rows)


def _described(
    manager: FileManager, path: str, backend: str, pattern: str | PathPattern | None
) -> dict[str, Any]:
    entry = manager.stat(path, backend=backend)
    kind = "directory" if entry.is_directory else "file"
    row: dict[str, Any] = {"path": path, "type": kind, "size": entry.size, "modified": entry.modified}
    if isinstance(pattern, PathPattern):
        row["coordinates"] = dict(pattern.parse(path))
    return row


def _print_long(rows: list[dict[str, Any]]) -> None:
    def size(row: dict[str, Any]) -> str:
        exact: int | None = row["size"]
        return size_text(exact) if at_terminal() or exact is None else str(exact)

    def name(row: dict[str, Any]) -> str:
        return f"{row['path']}/" if row["type"] == "directory" else str(row["path"])

    axes = list(dict.fromkeys(axis for row in rows for axis in row.get("coordinates", ())))
    print_table(
        ("size", "modified", *axes, "path"),
        [
            (
                size(row),
                moment(row["modified"]),
                *(str(row["coordinates"].get(axis, "-")) for axis in axes),
                name(row),
            )
            for row in rows
        ],
        right=("size",),
    )
