"""The whole demonstration, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from polystore.demo._contact_sheet import contact_sheet
from polystore.demo._counts import Count, as_table, count_objects
from polystore.demo._own_files import claim_files
from polystore.demo._processing import correct_background, label_objects, plane_of
from polystore.demo._source import Source, find_images, require_extra, shipped_images
from polystore.demo._transfers import Skipped, Transfer, measured, round_trip, storage_backends
from polystore_core import PolyStoreError
from polystore_core.plugins import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_core import FileManager

__all__ = ["DemoReport", "run_demo"]


@dataclass(frozen=True)
class DemoReport:
    """What the demonstration did.

    Attributes
    ----------
    source
        The images.
    transfers
        What moved where, in order.
    counts
        Objects per well and channel, or per image.
    skipped
        Backends that took no part, or failed.
    contact_sheet, table
        Paths on disk of the picture and of the counts.
    seconds
        Wall-clock time of everything.
    """

    source: Source
    transfers: tuple[Transfer, ...]
    counts: tuple[Count, ...]
    skipped: tuple[Skipped, ...]
    contact_sheet: str
    table: str
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether every backend that should gave back what it was given."""
        different = any(transfer.verdict == "DIFFERENT" for transfer in self.transfers)
        return not different and not any(skipped.is_failure for skipped in self.skipped)


def run_demo(
    fm: FileManager,
    folder: str | None = None,
    *,
    pattern: str | None = None,
    output: str = "polystore-demo",
    limit: int = 96,
) -> DemoReport:
    """Load images in one batch, process them, save them to every storage backend and verify what comes back.

    Parameters
    ----------
    fm
        Does all reading and writing.
    folder
        Folder of images on disk; by default images that are part of scikit-image.
    pattern
        How their names tell well, field and channel: a pattern or the name of a preset. By default the preset
        that fits.
    output
        Folder for results on disk; nothing that is not of an earlier demonstration is replaced.
    limit
        How many images at most.

    Raises
    ------
    BackendUnavailable
        If the extra ``demo`` is not installed.
    PathNotFound
        If there is no image.
    PathExists
        If a result would replace somebody else's file.

    Examples
    --------
    >>> from polystore import FileManager
    >>> from polystore.demo import run_demo
    >>> report = run_demo(FileManager(), output="polystore-demo")
    >>> [(count.place, count.objects) for count in report.counts if count.place == "cell"]
    [('cell', 1)]
    """
    begin = perf_counter()
    require_extra()
    output = output.rstrip("/") or "/"
    source = shipped_images() if folder is None else find_images(fm, folder, pattern, limit)
    sheet, table = f"{output}/contact_sheet.png", f"{output}/counts.csv"
    able, skipped = storage_backends(fm)
    targets = {
        backend: [
            f"{output}/{backend}/{kind}/{name}.tif" for kind in ("planes", "labels") for name in source.names
        ]
        for backend in able
    }
    claim_files(fm, output, {**targets, "disk": [*targets.get("disk", ()), sheet, table]})

    planes, labels, transfers = _processed(fm, source)
    for backend, paths in targets.items():
        try:
            transfers += round_trip(fm, backend, [*planes, *labels], paths)
        except PolyStoreError as error:
            skipped.append(Skipped(backend, str(error), is_failure=True))

    counts = count_objects(source, [int(image.max()) for image in labels])
    fm.save(as_table(counts), table, backend="disk")
    fm.save(contact_sheet(source, planes, labels), sheet, backend="disk")
    seconds = perf_counter() - begin
    return DemoReport(source, tuple(transfers), tuple(counts), tuple(skipped), sheet, table, seconds)


def _processed(fm: FileManager, source: Source) -> tuple[list[Any], list[Any], list[Transfer]]:
    """Give the corrected planes, which pass through memory, and their label images."""
    import numpy as np

    fm.load(source.paths[0], backend="disk")
    images, loaded = measured(
        "load", "disk", "pipeline", lambda: fm.load_batch(source.paths, backend="disk", progress=True)
    )

    def correct(index: int) -> Any:
        return correct_background(plane_of(images[index], source.paths[index]))

    between = [f"intermediate/{name}.npy" for name in source.names]
    corrected = Batch().run(source.paths, correct)

    def put() -> Sequence[Any]:
        fm.save_batch(corrected, between, backend="memory", copy=False)
        return corrected

    _, kept = measured("keep", "pipeline", "memory", put)
    planes, fetched = measured(
        "fetch", "memory", "pipeline", lambda: fm.load_batch(between, backend="memory", copy=False)
    )
    if all(map(np.shares_memory, planes, corrected)):
        kept, fetched = (replace(transfer, verdict="no copy") for transfer in (kept, fetched))
    labels = Batch().run(source.paths, lambda index: label_objects(planes[index]))
    return planes, labels, [loaded, kept, fetched]
