"""``polystore rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from polystore.cli import _options
from polystore_core.plugins import Batch

if TYPE_CHECKING:
    from polystore_core import FileManager

__all__ = ["rm"]


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@_options.backend("-b", "--backend")
@click.option("-r", "--recursive", is_flag=True, help="Also directories with all they hold.")
@click.option("--missing-ok", is_flag=True, help="What is not there is no error.")
@click.pass_obj
def rm(manager: FileManager, paths: tuple[str, ...], backend: str, recursive: bool, missing_ok: bool) -> None:
    """Remove files or directories.

    Every path is tried, also after another one failed.
    """

    def remove(index: int) -> None:
        manager.delete(paths[index], backend=backend, recursive=recursive, missing_ok=missing_ok)

    Batch().run(paths, remove, parallel=False)
