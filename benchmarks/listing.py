"""20,000 files, to os.walk that joins the full paths, and to os.walk alone.

``list_files`` also sorts in natural order: at once where numbers are padded with zeros, by key where not.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from benchmarks._compare import Case, ratio
from polystore import BackendRegistry, FileManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield a flat folder and a plate of 96 wells, each against both peers."""
    files = 200 if quick else 20_000
    wells = [f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)]
    padded, bare, plate = (str(folder / name) for name in ("padded", "bare", "plate"))
    _fill([padded], files, "z{:05d}")
    _fill([bare], files, "z{}")
    _fill([f"{plate}/{well}" for well in wells], files // len(wells), "z{}")
    fm = FileManager(BackendRegistry())
    for name, directory in (("z00001, flat", padded), ("z1, flat", bare), ("z1 in 96 wells", plate)):
        listed = partial(fm.list_files, directory, backend="disk", recursive=True)
        yield Case(
            f"{name}, to os.walk, paths joined",
            listed,
            partial(_walk, directory),
            ratio(2.0),
            same=lambda ours, peer: len(ours) == len(peer) and set(ours) == set(peer),
        )
        yield Case(
            f"{name}, to os.walk alone",
            listed,
            partial(_count, directory),
            None,
            same=lambda ours, peer: len(ours) == peer,
        )


def _count(directory: str) -> int:
    return sum(len(names) for _, _, names in os.walk(directory))


def _walk(directory: str) -> list[str]:
    return [os.path.join(where, name) for where, _, names in os.walk(directory) for name in names]


def _fill(directories: list[str], each: int, plane: str) -> None:
    for directory in directories:
        os.makedirs(directory)
        for index in range(each):
            with open(f"{directory}/A01_s{index % 9 + 1}_w{index % 4 + 1}_{plane.format(index)}.tif", "wb"):
                pass
