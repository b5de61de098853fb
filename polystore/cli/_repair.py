"""``polystore repair``."""

from __future__ import annotations

import os

import click

from polystore.cli import _options
from polystore.cli._errors import FAILED, one_line
from polystore.cli._output import moment, print_facts, print_json
from polystore.cli._stores import Store, store_for
from polystore_core import CorruptData
from polystore_core.files import RepairReport
from polystore_core.files import repair as repair_document

__all__ = ["repair"]


@click.command()
@click.argument("file", type=click.Path())
@click.option("--restore", is_flag=True, help="Mend it; what is damaged is kept under another name.")
@click.option("--timeout", type=float, default=10.0, show_default=True, help="Seconds to wait for a writer.")
@_options.as_json
@click.pass_context
def repair(ctx: click.Context, file: str, restore: bool, timeout: float, as_json: bool) -> None:
    """Inspect a damaged JSON document or store, and mend it.

    A document gets its last good version back; a store (plate.ome.zarr) is freed of what killed writers
    left, and lists again what is there. Without --restore it only looks. Nothing is ever thrown away: what
    is damaged is renamed. The exit code is 0 if all is good in the end, else 1.
    """
    store = store_for(file)
    if store is not None:
        _repair_store(ctx, store, file, restore=restore, as_json=as_json)
        return
    report = repair_document(file, restore=restore, timeout=timeout)
    if as_json:
        print_json(report._asdict())
    else:
        print_facts(_facts(report))
    if restore and report.good is None and report.state != "good":
        raise CorruptData(f"no good version of {file!r} is left to restore; the file is as it was", path=file)
    if report.state != "good" and not report.restored:
        ctx.exit(FAILED)


def _repair_store(ctx: click.Context, store: Store, path: str, *, restore: bool, as_json: bool) -> None:
    done = list(store.repair(path)) if restore else []
    problems = list(store.problems(path))
    if as_json:
        print_json({"path": path, "done": done, "problems": problems})
    else:
        for line in [*done, *problems] or [f"{path}: nothing to repair"]:
            click.echo(line)
        if problems and not restore:
            click.echo(f"to mend what can be mended: polystore repair --restore {path}")
    if problems:
        ctx.exit(FAILED)


def _facts(report: RepairReport) -> dict[str, str]:
    facts = {"file": report.path, "state": report.state}
    if report.problem:
        facts["problem"] = one_line(report.problem)
    if report.good:
        changed = moment(os.stat(report.good).st_mtime)
        facts["last good"] = f"{report.good} ({changed})"
    elif report.state != "good":
        facts["last good"] = "none"
    if report.waiting:
        facts["waiting"] = f"{report.waiting} updates, merged by the next update"
    if report.restored:
        facts["restored"] = report.path
    elif report.state != "good" and report.good:
        facts["to mend"] = f"polystore repair --restore {report.path}"
    if report.kept:
        facts["kept"] = report.kept
    return facts
