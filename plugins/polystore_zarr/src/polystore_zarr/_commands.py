"""The commands ``polystore validate`` and ``polystore zarr ...``."""

from __future__ import annotations

import os

import click

from polystore_zarr._inspection import describe, inspect, mend
from polystore_zarr._names import find

__all__ = ["validate", "zarr"]


@click.command()
@click.argument("store", type=click.Path())
def validate(store: str) -> None:
    """Check the Zarr store STORE: documents, chunks, and what OME-NGFF asks of a plate."""
    problems = inspect(_plain(store))
    for problem in problems:
        click.echo(f"{problem.node}: {problem.what}")
    if problems:
        raise SystemExit(1)
    click.echo(f"{store}: valid")


@click.group()
def zarr() -> None:
    """Describe, check and mend Zarr stores."""


@zarr.command()
@click.argument("store", type=click.Path())
def info(store: str) -> None:
    """Describe STORE: its plate, or its arrays as a tree."""
    for line in describe(_plain(store)):
        click.echo(line)


@zarr.command()
@click.argument("store", type=click.Path())
def repair(store: str) -> None:
    """Remove what killed writers left beside STORE, and list fields that are whole but not listed."""
    done = mend(_plain(store))
    for line in done or ["nothing to repair"]:
        click.echo(line)


zarr.add_command(validate)


def _plain(store: str) -> str:
    return find(os.path.normpath(store).replace(os.sep, "/"))
