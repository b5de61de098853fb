"""20,000 files, to os.walk that joins the full paths, and to os.walk alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks._compare import Case, ratio
from polystore import BackendRegistry, FileManager


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield a flat folder and a plate of 96 wells, each against both peers."""
    files = 200 if quick else 20_000
    flat, plate = str(folder / "flat"), str(folder / "plate")
    wells = [f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)]
    _fill([flat], files)
    _fill([f"{plate}/{well}" for well in wells], files // len(wells))
    fm = FileManager(BackendRegistry())
    for name, directory in (("flat", flat), ("96 wells", plate)):

        def listed(directory: str = directory) -> list[str]:
            return fm.list_files(directory, backend="disk", recursive=True)

        yield Case(
            f"{name}, to os.walk with paths joined",
            listed,
            lambda directory=directory: _walk(directory),
            ratio(2.0),
            same=lambda ours, peer: set(ours) == set(peer) and len(ours) == len(peer),
        )
        yield Case(
            f"{name}, to os.walk alone",
            listed,
            lambda directory=directory: sum(len(found) for _, _, found in os.walk(directory)),
            None,
            same=lambda ours, peer: len(ours) == peer,
        )


def _walk(directory: str) -> list[str]:
    return [os.path.join(where, name) for where, _, names in os.walk(directory) for name in names]


def _fill(directories: list[str], each: int) -> None:
    for directory in directories:
        os.makedirs(directory)
        well = os.path.basename(directory)
        for index in range(each):
            with open(f"{directory}/{well}_s{index % 9 + 1}_w{index % 4 + 1}_z{index:04d}.tif", "wb"):
                pass
