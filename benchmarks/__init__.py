"""Side by side with the bare libraries: ``python -m benchmarks [NAME ...] [--quick]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import (
    batches,
    fiji,
    files,
    imports,
    listing,
    memory,
    metadata,
    napari_paints,
    regions,
    routing,
    streaming,
    zarr_arrays,
    zarr_engine,
    zarr_plates,
)

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["BENCHMARKS"]

BENCHMARKS: dict[str, ModuleType] = {
    "routing": routing,
    "imports": imports,
    "files": files,
    "batches": batches,
    "listing": listing,
    "memory": memory,
    "metadata": metadata,
    "regions": regions,
    "streaming": streaming,
    "fiji": fiji,
    "napari": napari_paints,
    "zarr_arrays": zarr_arrays,
    "zarr_engine": zarr_engine,
    "zarr_plates": zarr_plates,
}
"""Name -> module whose ``cases(folder, quick)`` yields what to compare."""
