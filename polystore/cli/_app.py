"""The command ``polystore`` itself and its global options."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import click

from polystore import __version__
from polystore.cli._commands import CommandTable

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["app"]


@click.group(cls=CommandTable, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="polystore %(version)s")
@click.option(
    "-c",
    "--config",
    multiple=True,
    metavar="BACKEND.KEY=VALUE",
    help="Configure a backend, e.g. disk.root=/data. Repeatable.",
)
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show where an error comes from. May stand anywhere."
)
@click.pass_context
def app(ctx: click.Context, config: tuple[str, ...]) -> None:
    """Move scientific data between disk, memory, chunked stores and viewers.

    Exit codes: 0 done, 1 the operation failed, 2 wrong usage, 130 interrupted.
    """
    from polystore_core import BackendRegistry, FileManager

    registry = BackendRegistry(_configuration(config))
    ctx.obj = FileManager(registry)
    ctx.meta["polystore.registry"] = registry
    ctx.call_on_close(ctx.obj.close)


def _configuration(texts: Collection[str]) -> dict[str, dict[str, Any]]:
    from polystore_core import BackendRegistry

    names = BackendRegistry().names() if texts else ()
    configuration: dict[str, dict[str, Any]] = defaultdict(dict)
    for text in texts:
        name, equals, value = text.partition("=")
        backend, dot, key = name.partition(".")
        if not (equals and dot and backend and key):
            raise click.UsageError(f"-c takes BACKEND.KEY=VALUE, such as disk.root=/data; got {text!r}.")
        if backend not in names:
            raise click.UsageError(f"-c {text}: no backend {backend!r}; installed: {', '.join(names)}.")
        configuration[backend][key] = _value(value)
    return dict(configuration)


def _value(text: str) -> Any:
    """Read a number, true, false or quoted text as JSON; anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
