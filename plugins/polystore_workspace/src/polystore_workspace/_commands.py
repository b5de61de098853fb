"""The commands ``polystore workspace ...``."""

from __future__ import annotations

import click

from polystore_core import InvalidOption
from polystore_workspace._create import create_workspace
from polystore_workspace._document import METADATA_NAME, read_mapping
from polystore_workspace._migrate import migrate_workspaces

__all__ = ["workspace"]

_metadata = click.option(
    "--metadata", default=METADATA_NAME, show_default=True, help="Name of the plate's metadata file."
)
_overwrite = click.option("--overwrite", is_flag=True, help="Replace a workspace of that name.")
_allow_outside = click.option(
    "--allow-outside", is_flag=True, help="Accept targets outside the plate's directory."
)


@click.group()
def workspace() -> None:
    """Show a plate under other names, without copies."""


@workspace.command()
@click.argument("plate", type=click.Path())
@click.option(
    "--pattern", required=True, help="Names of the source files, or a preset: '{well}_s{site:d}.tif'."
)
@click.option("--to", help="Names of the virtual files; by default a directory per well.")
@click.option("--name", default="workspace", show_default=True, help="Virtual directory below the plate.")
@click.option("--source", default=".", help="Directory to look into, relative to the plate.")
@click.option("--backend", default="disk", show_default=True, help="Backend that holds the source files.")
@click.option(
    "--axis",
    "axes",
    multiple=True,
    metavar="AXIS=VALUES",
    help="A leading axis of every source array, outermost first: z=30 (0 to 29), z=1-30 or channel=DAPI,GFP.",
)
@click.option("--skip-unmatched", is_flag=True, help="Leave out images that do not fit the pattern.")
@_overwrite
@_allow_outside
@_metadata
def create(  # noqa: PLR0917 - click passes by keyword
    plate: str,
    pattern: str,
    to: str | None,
    name: str,
    source: str,
    backend: str,
    axes: tuple[str, ...],
    skip_unmatched: bool,
    overwrite: bool,
    allow_outside: bool,
    metadata: str,
) -> None:
    """Make a workspace from the images below PLATE."""
    made = create_workspace(
        plate,
        pattern=pattern,
        to=to,
        name=name,
        source=source,
        backend=backend,
        axes=dict(map(_axis, axes)),
        skip_unmatched=skip_unmatched,
        overwrite=overwrite,
        allow_outside=allow_outside,
        metadata=metadata,
    )
    click.echo(f"{made.directory}: {made.files} virtual files, kept in {made.metadata}")


@workspace.command()
@click.argument("plate", type=click.Path())
@_metadata
def show(plate: str, metadata: str) -> None:
    """Print what every virtual file of PLATE shows."""
    for path, target in read_mapping(plate, metadata=metadata).items():
        index = f" {list(target.index)}" if target.index else ""
        backend = "" if target.backend == "disk" else f" ({target.backend})"
        click.echo(f"{path} -> {target.address}{index}{backend}")


@workspace.command()
@click.argument("file", type=click.Path())
@click.option("--plate", type=click.Path(), help="Directory of the plate, if FILE is not in it.")
@_overwrite
@_allow_outside
@_metadata
def migrate(file: str, plate: str | None, overwrite: bool, allow_outside: bool, metadata: str) -> None:
    """Take over the mappings in FILE, the metadata of another program."""
    for made in migrate_workspaces(
        file, plate=plate, overwrite=overwrite, allow_outside=allow_outside, metadata=metadata
    ):
        click.echo(f"{made.directory}: {made.files} virtual files, kept in {made.metadata}")


def _axis(text: str) -> tuple[str, int | range | list[str]]:
    name, _, values = text.partition("=")
    if not name or not values:
        raise InvalidOption(
            f"--axis takes AXIS=VALUES such as z=30, z=1-30 or channel=DAPI,GFP; got {text!r}"
        )
    first, dash, last = values.partition("-")
    if values.isdecimal():
        return name, int(values)
    if dash and first.isdecimal() and last.isdecimal():
        if int(last) < int(first):
            raise InvalidOption(f"--axis counts upwards, from the first to the last; got {text!r}")
        return name, range(int(first), int(last) + 1)
    return name, values.split(",")
