"""``polystore doctor``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from polystore.cli import _options
from polystore.cli._checks import examine
from polystore.cli._errors import FAILED
from polystore.cli._output import print_json, print_table

if TYPE_CHECKING:
    from polystore_core import BackendRegistry

__all__ = ["doctor"]

_TO = {"broken": "to mend", "absent": "to add", "off": "to use"}


@click.command()
@_options.as_json
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Say what is installed, what is broken and how to mend it.

    Imports every backend, wrapper, format and command. The exit code is 1 if something is broken; what is
    optional and absent, or switched off, is not.
    """
    registry: BackendRegistry = ctx.meta["polystore.registry"]
    findings = list(examine(registry))
    broken = [finding for finding in findings if finding.state == "broken"]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            ("what", "name", "state", "detail"),
            [(finding.what, finding.name, finding.state, finding.detail or "-") for finding in findings],
        )
        for finding in findings:
            if finding.mend and finding.state != "ok":
                click.echo(f"{_TO[finding.state]} {finding.name}: {finding.mend}")
        click.echo(f"{len(broken)} of {len(findings)} broken" if broken else "nothing is broken")
    if broken:
        ctx.exit(FAILED)
