"""``polystore info``."""

from __future__ import annotations

from typing import Any

import click

from polystore.cli import _options
from polystore.cli._output import moment, print_facts, print_json, size_text
from polystore.cli._stores import store_for
from polystore_core import FileManager, UnsupportedData
from polystore_core.data import kind_of
from polystore_core.paths import PathPattern

__all__ = ["info"]


@click.command()
@click.argument("path", is_eager=True)
@_options.backend_or_store("-b", "--backend")
@click.option(
    "-p",
    "--pattern",
    metavar="PATTERN",
    help="Read coordinates from the name: a pattern such as '{well}_s{site:d}.tif', or a preset.",
)
@_options.as_json
@click.pass_obj
def info(manager: FileManager, *, path: str, backend: str | None, pattern: str | None, as_json: bool) -> None:
    """Describe one file, directory or store.

    The file is decoded without a copy where its format allows it (a memory-mapped .npy costs nothing).
    """
    store = store_for(path) if backend is None else None
    if store is not None:
        lines = list(store.describe(path))
        if as_json:
            print_json({"path": path, "kind": "store", "tree": lines})
        else:
            click.echo("\n".join(lines))
        return
    assert backend is not None
    coordinates = PathPattern.of(pattern).parse(path) if pattern else None
    entry = manager.stat(path, backend=backend)
    facts: dict[str, Any] = {"path": path}
    if entry.is_directory:
        facts |= {"kind": "directory", "entries": len(manager.list_dir(path, backend=backend))}
    else:
        facts |= _content(manager, path, backend)
        facts["size"] = entry.size
    facts["modified"] = entry.modified
    if coordinates is not None:
        facts["coordinates"] = dict(coordinates)
    if as_json:
        print_json(facts)
    else:
        print_facts({name: _text(name, value) for name, value in facts.items()})


def _content(manager: FileManager, path: str, backend: str) -> dict[str, Any]:
    try:
        value = manager.load(path, backend=backend, copy=False)
    except UnsupportedData:
        return {"kind": "unknown format"}
    kind = kind_of(value)
    if kind == "array":
        return {"kind": kind, **_array(value)}
    if kind == "table":
        columns = {name: str(column.dtype) for name, column in value.items()}
        return {"kind": kind, "rows": len(next(iter(value.values()), ())), "columns": columns}
    if kind in ("bytes", "text"):
        return {"kind": kind, "length": len(value)}
    return {"kind": kind}


def _array(array: Any) -> dict[str, Any]:
    return {"shape": list(array.shape), "dtype": str(array.dtype), "decoded": array.nbytes}


def _text(name: str, value: Any) -> str:
    if name == "modified":
        return moment(value)
    if name in ("size", "decoded"):
        return f"{size_text(value)} ({value} bytes)" if value is not None else "-"
    if name == "shape":
        return " x ".join(map(str, value)) or "a single number"
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items())
    return str(value)
