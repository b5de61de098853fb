"""One process that saves wells and loads planes: with ours or the neighbour, whichever its Python finds.

Run as a script. Its input is lines of JSON, ``[what, store, well, shape]``; for each it does that and prints
``true`` when it is done.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__: list[str] = []

Image = np.ndarray[Any, Any]


def main() -> None:
    """Answer requests until there are no more."""
    save, load = _ours() if importlib.util.find_spec("polystore_zarr") else _theirs()
    wells: dict[tuple[int, ...], Image] = {}
    print(json.dumps(True), flush=True)
    for line in sys.stdin:
        what, store, well, shape = json.loads(line)
        size = tuple(shape)
        if size not in wells:
            wells[size] = np.random.default_rng(0).poisson(1000, size).astype(np.uint16)
        planes = wells[size]
        paths = [f"{well}_z{z}.tif" for z in range(len(planes))]
        with contextlib.redirect_stdout(sys.stderr):
            if what == "save":
                save(store, well, paths, planes)
                done = True
            else:
                done = bool(np.array_equal(load(store, paths[1]), planes[1]))
        print(json.dumps(done), flush=True)


def _ours() -> tuple[Callable[..., object], Callable[..., Any]]:
    from polystore import FileManager

    fm = FileManager()

    def save(store: str, _well: str, paths: list[str], planes: Image) -> None:
        fm.save_batch(list(planes), paths, backend="zarr", pattern="{well}_z{z:d}.tif", store=store)

    def load(store: str, path: str) -> Any:
        return fm.load(path, backend="zarr", store=store)

    return save, load


def _theirs() -> tuple[Callable[..., object], Callable[..., Any]]:
    backend: Any = importlib.import_module("polystore.zarr").ZarrStorageBackend()
    layouts: Any = importlib.import_module("polystore.zarr_batch")

    def save(store: str, well: str, paths: list[str], planes: Image) -> None:
        axis = layouts.ZarrBatchAxis("z", tuple(str(z) for z in range(len(planes))))
        layout = layouts.ZarrBatchLayout((axis,), tuple((z,) for z in range(len(planes))))
        backend.save_batch(
            list(planes),
            [f"{store}/{path}" for path in paths],
            chunk_name=well,
            batch_layout=layout,
            row=well[0],
            col=well[1:],
        )

    def load(store: str, path: str) -> Any:
        return backend.load_batch([f"{store}/{path}"])[0]

    return save, load


if __name__ == "__main__":
    main()
