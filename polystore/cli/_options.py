"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from polystore.cli._output import note

if TYPE_CHECKING:
    from polystore_core import FileManager, PathPattern

__all__ = ["as_json", "backend", "backend_or_store", "choice_of_files", "name_pattern", "optional_backend"]

F = TypeVar("F", bound=Callable[..., Any])

_OF_THIS_PROCESS = "memory"


def backend(*names: str, help: str = "Backend to use.") -> Callable[[F], F]:
    """Add a required option for a backend; leaving it out says which backends there are."""
    return click.option(*names, "backend", metavar="BACKEND", callback=_named, help=f"{help}  [required]")


def backend_or_store(*names: str) -> Callable[[F], F]:
    """Add an option for a backend that may be left out where the path is that of a store a plugin knows.

    A command with it takes ``path`` before, as an eager argument.
    """

    def named(ctx: click.Context, option: click.Parameter, name: str | None) -> str | None:
        from polystore.cli._stores import store_for

        if name is None and store_for(ctx.params.get("path", "")) is not None:
            return None
        return _named(ctx, option, name)

    text = "Backend to use; may be left out for a store such as plate.ome.zarr.  [required]"
    return click.option(*names, "backend", metavar="BACKEND", callback=named, help=text)


def optional_backend(*names: str, help: str) -> Callable[[F], F]:
    """Add an option for a second backend."""
    return click.option(*names, "target_backend", metavar="BACKEND", callback=_noted, help=help)


def as_json(function: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def choice_of_files(function: F) -> F:
    """Add ``--pattern`` and ``--extensions``, as ``list_files`` takes them."""
    extensions = click.option(
        "-e",
        "--extensions",
        multiple=True,
        metavar="EXT",
        callback=lambda _, __, given: [part for text in given for part in text.split(",")] or None,
        help="Only these extensions: -e tif,png. Repeatable.",
    )
    pattern = click.option(
        "-p",
        "--pattern",
        metavar="PATTERN",
        callback=lambda _, __, text: name_pattern(text),
        help="Only names that fit: a glob '*_w1.tif', a pattern '{well}_s{site:d}.tif' or a preset.",
    )
    return pattern(extensions(function))


def name_pattern(text: str | None) -> str | PathPattern | None:
    """Tell a path pattern or the name of a preset, even one misspelt, from a glob."""
    from difflib import get_close_matches

    from polystore_core.paths import PRESETS, PathPattern

    if not text:
        return text
    is_word = not set("*?[.").intersection(text)
    if "{" in text or text in PRESETS or (is_word and get_close_matches(text, PRESETS, cutoff=0.8)):
        return PathPattern.of(text)
    return text


def _named(ctx: click.Context, option: click.Parameter, name: str | None) -> str:
    if name is None:
        manager: FileManager = ctx.obj
        installed = ", ".join(info.name for info in manager.backends())
        raise click.UsageError(f"say which backend: {option.opts[0]} NAME; installed: {installed}.", ctx)
    _note(name)
    return name


def _noted(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    _note(name)
    return name


def _note(name: str | None) -> None:
    if name == _OF_THIS_PROCESS:
        note("'memory' starts empty with every command, and what is put there is gone when the command ends")
