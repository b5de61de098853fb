"""Stores: directories that a plugin knows how to describe, check and mend.

A distribution names what it can do in the group ``polystore.stores``: the entry point's name is the suffix of
its directories without the dot, what it loads is a :class:`Store`. Nothing is imported before a path has the
suffix.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["STORES", "Store", "store_for"]

STORES = "polystore.stores"
"""Entry-point group: suffix of a directory -> :class:`Store`."""


class Store(Protocol):
    """What a plugin knows of a kind of directory."""

    def describe(self, path: str) -> Iterable[str]:
        """Describe a directory line by line, as a tree."""

    def problems(self, path: str) -> Sequence[str]:
        """Say what is wrong with a directory, a line for each; nothing is changed."""

    def repair(self, path: str) -> Sequence[str]:
        """Mend what can be mended without losing anything; say what was done, a line for each."""


def store_for(path: str) -> Store | None:
    """Return what knows a directory by a suffix of one of its components; ``None`` if nothing does.

    What was saved as ``result.npy`` may be the directory ``result.npy.zarr``: it is known by both names.

    Raises
    ------
    PluginError
        If what claims the suffix cannot be used.
    """
    from polystore_core.plugins import discover, load_plugin, only_claimant

    is_directory = os.path.isdir(path)
    if os.path.exists(path) and not is_directory:
        return None
    suffixes = {part.rpartition(".")[2] for part in os.path.normpath(path).split(os.sep) if "." in part}
    for name, claimants in discover(STORES).items():
        known = name in suffixes if is_directory else os.path.isdir(f"{path}.{name}")
        if known:
            return cast("Store", load_plugin(only_claimant("store", claimants)))
    return None
