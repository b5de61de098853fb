"""load_batch and save_batch, to a loop over the bare library in one thread.

The loop that saves gives what a save gives: it writes beside the target and calls ``os.replace``. Where the
codec checks more than the bare library (repeated keys, types of columns, sizes claimed), the loop over
``load`` or ``save`` is the peer that shows what the batch itself costs.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import imagecodecs
import numpy as np
import tifffile

from benchmarks._compare import Case, Target, equal, ratio
from benchmarks._images import field_images
from polystore import BackendRegistry, FileManager
from polystore_core.plugins import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NO_SLOWER = ratio(1.05)
_ONE_AND_A_HALF = ratio(1 / 1.5)


class Kind(NamedTuple):
    """What a batch is made of, and how the bare library writes and reads it.

    ``checks_more`` tells that the codec does more than the library, so that no time is promised against it.
    """

    name: str
    suffix: str
    values: list[Any]
    write: Callable[[str, Any], object]
    read: Callable[[str], Any]
    options: Mapping[str, Any] = {}
    checks_more: bool = False


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield 64 compressed images, then every format, small and large, in batches of 1, 2, 8 and 64."""
    many = 4 if quick else 64
    for compression in ("zstd", "lzw", "deflate"):
        kind = _tiff(f"{compression} .tif 1024x1024", field_images(many, 32 if quick else 1024), compression)
        yield from _cases(folder, kind, many, load=_ONE_AND_A_HALF)
    for kind in _kinds(many, quick=quick):
        for count in (1, many) if quick else (1, 2, 8, 64):
            yield from _cases(folder, kind, count, load=_NO_SLOWER)


def _kinds(many: int, *, quick: bool) -> Iterator[Kind]:
    tiny = field_images(many, 32)
    yield _tiff("none .tif 32x32", tiny, "none")
    yield _tiff("zstd .tif 32x32", tiny, "zstd")
    yield Kind(".npy 32x32", ".npy", tiny, np.save, np.load)
    yield _png(".png 32x32", tiny)
    yield _json(".json, 20 cells", many, 20)
    yield _csv(".csv, 20 cells", many, 20)
    if quick:
        return
    images = field_images(many, 1024)
    yield _tiff("none .tif 1024x1024", images, "none")
    yield Kind(".npy 1024x1024", ".npy", images, np.save, np.load)
    yield _png(".png 1024x1024", images)
    yield _json(".json, 2000 cells", many, 2000)
    yield _csv(".csv, 2000 cells", many, 2000)


def _cases(folder: Path, kind: Kind, count: int, *, load: Target) -> Iterator[Case]:
    fm = FileManager(BackendRegistry())
    values = kind.values[:count]
    where = Path(tempfile.mkdtemp(dir=folder))
    ours = [str(where / f"ours{index}{kind.suffix}") for index in range(count)]
    peer = [str(where / f"peer{index}{kind.suffix}") for index in range(count)]

    def save() -> list[str]:
        fm.save_batch(values, ours, backend="disk", **kind.options)
        return ours

    def save_bare() -> list[str]:
        for value, path in zip(values, peer, strict=True):
            beside = f"{path}.part{kind.suffix}"
            kind.write(beside, value)
            os.replace(beside, path)
        return peer

    def save_each() -> list[str]:
        for value, path in zip(values, peer, strict=True):
            fm.save(value, path, backend="disk", **kind.options)
        return peer

    def same(one: list[str], other: list[str]) -> bool:
        return all(
            equal(kind.read(path), value)
            for paths in (one, other)
            for path, value in zip(paths, values, strict=True)
        )

    def remove() -> None:
        for path in os.listdir(where):
            os.unlink(where / path)

    def load_all() -> list[Any]:
        return fm.load_batch(ours, backend="disk")

    def load_bare() -> list[Any]:
        return [kind.read(path) for path in ours]

    def load_pooled() -> list[Any]:
        with ThreadPoolExecutor(Batch().threads) as pool:
            return list(pool.map(kind.read, ours))

    def load_each() -> list[Any]:
        return [fm.load(path, backend="disk") for path in ours]

    name = f"{count:2} x {kind.name}"
    yield Case(f"{name}, save", save, save_bare, None if kind.checks_more else _NO_SLOWER, same, remove)
    if kind.checks_more:
        yield Case(f"{name}, save, to save in a loop", save, save_each, _NO_SLOWER, same, remove)
    save()
    yield Case(f"{name}, load", load_all, load_bare, None if kind.checks_more else load)
    if load is _ONE_AND_A_HALF:
        yield Case(f"{name}, load, to a thread pool", load_all, load_pooled, None)
    if kind.checks_more:
        yield Case(f"{name}, load, to load in a loop", load_all, load_each, _NO_SLOWER)
    shutil.rmtree(where)


def _tiff(name: str, images: list[Any], compression: str) -> Kind:
    def write(path: str, image: Any) -> None:
        tifffile.imwrite(path, image, compression=None if compression == "none" else compression)

    return Kind(name, ".tif", images, write, tifffile.imread, {"compression": compression})


def _png(name: str, images: list[Any]) -> Kind:
    return Kind(name, ".png", images, _write_png, _read_png, checks_more=True)


def _json(name: str, many: int, cells: int) -> Kind:
    values = [_cells(index, cells) for index in range(many)]
    return Kind(name, ".json", values, _write_json, _read_json, checks_more=True)


def _csv(name: str, many: int, cells: int) -> Kind:
    values = [_table(index, cells) for index in range(many)]
    return Kind(name, ".csv", values, _write_csv, _read_csv, checks_more=True)


def _write_png(path: str, image: Any) -> None:
    with open(path, "wb") as file:
        file.write(imagecodecs.png_encode(image, level=3))


def _read_png(path: str) -> Any:
    with open(path, "rb") as file:
        return imagecodecs.png_decode(file.read())


def _cells(index: int, count: int) -> dict[str, Any]:
    """Measurements of the cells of one image, as JSON."""
    table = _table(index, count)
    return {"well": f"A{index:02d}", "cells": [dict(zip(table, row, strict=True)) for row in _rows(table)]}


def _table(index: int, count: int) -> dict[str, Any]:
    """Measurements of the cells of one image, as columns."""
    random = np.random.default_rng(index)
    return {
        "label": np.arange(1, count + 1),
        "area": random.integers(50, 5000, count),
        "intensity": random.gamma(3.0, 200.0, count),
        "well": np.full(count, f"A{index % 12 + 1:02d}"),
    }


def _rows(table: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in table.values()), strict=True)


def _write_json(path: str, value: Any) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(value))


def _read_json(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _write_csv(path: str, table: dict[str, Any]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(_rows(table))


def _read_csv(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    columns = zip(*rows, strict=True)
    kinds = (int, int, float, str)
    return {
        name: np.array(list(map(kind, column)))
        for name, kind, column in zip(names, kinds, columns, strict=True)
    }
