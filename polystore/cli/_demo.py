"""``polystore demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from polystore.cli._distributions import OURS, extras
from polystore.cli._errors import FAILED, one_line
from polystore.cli._output import note, print_table

if TYPE_CHECKING:
    from polystore.demo import DemoReport
    from polystore_core import FileManager

__all__ = ["demo"]


@click.command()
@click.argument("folder", required=False)
@click.option(
    "-p", "--pattern", metavar="PATTERN", help="How names tell well, field and channel; or a preset."
)
@click.option(
    "-o",
    "--output",
    default="polystore-demo",
    show_default=True,
    metavar="DIR",
    help="Folder for the results.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=96, show_default=True, help="How many images at most."
)
@click.pass_context
def demo(ctx: click.Context, folder: str | None, pattern: str | None, output: str, limit: int) -> None:
    """Move real images through every installed backend.

    Loads the images of FOLDER in one batch, subtracts their background, keeps the planes in memory, finds
    objects, saves planes and label images to every installed backend that can store, compares what comes
    back, and draws a contact sheet. Without FOLDER it takes images that are part of scikit-image.

    Files that an earlier demo wrote are replaced, no others. The exit code is 1 if something came back
    changed.
    """
    from polystore.demo import run_demo

    if pattern and folder is None:
        raise click.UsageError("--pattern is about the names in FOLDER; give a FOLDER too.")
    manager: FileManager = ctx.obj
    report = run_demo(manager, folder, pattern=pattern, output=output, limit=limit)
    _print(report)
    if not report.is_good:
        ctx.exit(FAILED)


def _print(report: DemoReport) -> None:
    source = report.source
    click.echo(f"{len(source.paths)} images of {source.title}")
    if source.pattern is not None:
        click.echo(f"names read by {source.pattern.text}")
    for remark in source.remarks:
        note(remark)
    click.echo()
    print_table(
        ("step", "from", "to", "files", "MB", "s", "MB/s", "comes back"),
        [
            (
                transfer.step,
                transfer.source,
                transfer.target,
                str(transfer.files),
                f"{transfer.size / 1e6:.1f}",
                f"{transfer.seconds:.3f}",
                "-" if transfer.verdict == "no copy" else f"{transfer.size / 1e6 / transfer.seconds:.0f}",
                transfer.verdict,
            )
            for transfer in report.transfers
        ],
        right=("files", "MB", "s", "MB/s"),
    )
    click.echo()
    by_channel = any(count.channel for count in report.counts)
    place = "well" if any(count.images > 1 for count in report.counts) or by_channel else "image"
    print_table(
        (place, *(["channel"] * by_channel), "images", "objects"),
        [
            (count.place, *([count.channel] * by_channel), str(count.images), str(count.objects))
            for count in report.counts
        ],
        right=("images", "objects"),
    )
    click.echo()
    for skipped in report.skipped:
        verb = "failed" if skipped.is_failure else "took no part"
        click.echo(f"{skipped.backend} {verb}: {one_line(skipped.reason)}")
    for extra, needs in extras(OURS).items():
        absent = [need.name for need in needs if need.name.startswith(f"{OURS}-") and not need.is_installed]
        if absent and extra != "all":
            click.echo(f'not installed: {", ".join(absent)} (pip install "{OURS}[{extra}]")')
    click.echo(f"counts: {report.table}")
    click.echo(f"contact sheet: {report.contact_sheet}")
    click.echo(f"done in {report.seconds:.1f} s")
