"""The commands ``polystore validate`` and ``polystore zarr ...``, and what ``info`` and ``repair`` ask."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from polystore_zarr._describing import describe
from polystore_zarr._inspection import inspect
from polystore_zarr._mending import mend
from polystore_zarr._names import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["store", "validate", "zarr"]


class _ZarrStore:
    """Directories that end in ``.zarr``, for ``polystore info`` and ``polystore repair``."""

    def describe(self, path: str) -> Iterable[str]:
        """Describe a plate, or any store as a tree, line by line."""
        return describe(_plain(path))

    def problems(self, path: str) -> Sequence[str]:
        """Say what is wrong with a store; every chunk is decoded."""
        return [f"{problem.node}: {problem.what}" for problem in inspect(_plain(path), decode=True)]

    def repair(self, path: str) -> Sequence[str]:
        """Mend what can be mended; say what was done."""
        return mend(_plain(path))


store = _ZarrStore()


@click.command()
@click.argument("store", type=click.Path())
@click.option("--decode", is_flag=True, help="Decode every chunk too; that reads all of it.")
def validate(store: str, decode: bool) -> None:
    """Check the Zarr store STORE: documents, chunks, and what OME-NGFF asks of a plate."""
    problems = inspect(_plain(store), decode=decode)
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
    """Mend STORE: what killed writers left, torn chunks, missing documents, fields that nothing lists."""
    done = mend(_plain(store))
    for line in done or ["nothing to repair"]:
        click.echo(line)


zarr.add_command(validate)


def _plain(store: str) -> str:
    return find(os.path.normpath(store).replace(os.sep, "/"))
