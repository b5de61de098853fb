"""Wells and planes of a plate, to the neighbouring project of that name on the index, and to a bare field.

The neighbour is installed into an environment of its own, which is thrown away. With ``--quick`` nothing is
installed, and ours stands in for it. Both keep their defaults: ours makes a pyramid, too.
``POLYSTORE_PLATE_WELLS=384`` measures more than the 96 wells, which the neighbour takes minutes to write.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import zarr

from benchmarks._compare import Case, ratio
from benchmarks._neighbour import neighbour_python
from polystore import BackendRegistry, FileManager

if TYPE_CHECKING:
    from collections.abc import Iterator

_WELLS = int(os.environ.get("POLYSTORE_PLATE_WELLS", "96"))


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield a well saved, and one plane loaded out of a plate that grows."""
    peer = sys.executable if quick else neighbour_python(folder / "neighbour")
    large, small = ((3, 64, 64), (3, 16, 16)) if quick else ((8, 2048, 2048), (4, 128, 128))
    wells = 4 if quick else _WELLS
    with _Worker(sys.executable, folder / "ours") as ours, _Worker(peer, folder / "peer") as theirs:
        yield Case(
            f"save a well of {np.prod(large) * 2 / 2**20:.3g} MiB",
            partial(ours.do, "save", "well.zarr", "A01", large),
            partial(theirs.do, "save", "well.zarr", "A01", large),
            None if quick else ratio(1 / 5),
            prepare=partial(_remove, [folder / "ours/well.zarr", folder / "peer/well.zarr"]),
        )
        names = [f"{chr(ord('A') + n // 24)}{n % 24 + 1:02d}" for n in range(wells)]
        done = 0
        for count in sorted({wells // 4, wells}):
            for name in names[done:count]:
                for worker in (ours, theirs):
                    worker.do("save", "plate.zarr", name, small)
            done = count
            yield Case(
                f"one plane out of {count} wells",
                partial(ours.do, "load", "plate.zarr", names[0], small),
                partial(theirs.do, "load", "plate.zarr", names[0], small),
                None if quick else ratio(1 / 50),
            )
        yield _to_bare_field(folder / "ours", names)


def _to_bare_field(folder: Path, names: list[str]) -> Case:
    fm = FileManager(BackendRegistry({"zarr": {"root": folder}}))
    field = folder / "plate.zarr" / "A" / "1" / "0" / "0"
    return Case(
        f"one plane out of {len(names)} wells, to its bare field",
        lambda: fm.load("A01_z1.tif", backend="zarr", store="plate.zarr"),
        lambda: np.asarray(zarr.open_array(field, mode="r")[...])[1],
        ratio(1.0),
    )


def _remove(stores: list[Path]) -> None:
    for store in stores:
        shutil.rmtree(store, ignore_errors=True)


class _Worker:
    """A process that does what it is told, in a folder of its own."""

    def __init__(self, python: str, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        script = str(Path(__file__).with_name("_well.py"))
        self._process = subprocess.Popen(
            [python, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._hear()

    def do(self, what: str, store: str, well: str, shape: tuple[int, ...]) -> Any:
        """Have it save a well, or load a plane and compare it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, str(self._folder / store), well, shape]) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
