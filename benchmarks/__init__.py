"""Side by side with the bare libraries: ``python -m benchmarks [NAME ...] [--quick]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import arrays, batches, files, imports, listing, memory, metadata, regions, routing

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
    "arrays": arrays,
    "regions": regions,
}
"""Name -> module whose ``cases(folder, quick)`` yields what to compare."""
