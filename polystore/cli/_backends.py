"""``polystore backends``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from polystore.cli import _options
from polystore.cli._errors import one_line
from polystore.cli._output import note, print_json, print_table

if TYPE_CHECKING:
    from polystore_core import FileManager

__all__ = ["backends"]


@click.command()
@_options.as_json
@click.pass_obj
def backends(manager: FileManager, as_json: bool) -> None:
    """List the backends and what they can do.

    None is imported for it; `polystore doctor` tries them out.
    """
    found = manager.backends()
    if as_json:
        print_json([{**asdict(info), "capabilities": list(info.capabilities)} for info in found])
        return
    print_table(
        ("name", "state", "version", "distribution", "capabilities"),
        [
            (
                info.name,
                info.state,
                info.version or "-",
                info.distribution,
                ",".join(info.capabilities) or "-",
            )
            for info in found
        ],
    )
    for info in found:
        if info.error:
            note(f"{info.name}: {one_line(info.error)}")
