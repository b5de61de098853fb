"""What a backend has been configured with, and what its operations share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from polystore_zarr._engine import check_engine
from polystore_zarr._location import locate_below
from polystore_zarr._names import find

if TYPE_CHECKING:
    from polystore_core.files import Durability
    from polystore_zarr._engine import Engine
    from polystore_zarr._plate_targets import Plates
    from polystore_zarr._remote import ObjectStores
    from polystore_zarr._staging import Staging

__all__ = ["Setup"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What the operations of one backend share.

    Attributes
    ----------
    root
        Absolute path of the directory that paths are below; ``None`` for those of the operating system.
    remote
        Object stores that paths lead to.
    staging
        Where nodes are made aside.
    plates
        Plates in directories.
    max_bytes, durability, engine
        What holds where a call does not say otherwise.
    """

    root: str | None
    remote: ObjectStores
    staging: Staging
    plates: Plates
    max_bytes: int | None
    durability: Durability
    engine: Engine

    def locate(self, path: str) -> str:
        """Return the path for the operating system, below the root if there is one."""
        return path if self.root is None else locate_below(self.root, path)

    def find_node(self, path: str) -> str:
        """Return where the array or directory of a name is."""
        located = self.locate(path)
        return located if located == self.root else find(located)

    def checked_engine(self, engine: Engine | None) -> Engine:
        """Return the engine to use: the configured one unless another is asked for."""
        chosen = engine or self.engine
        check_engine(chosen)
        return chosen

    def limit(self, max_bytes: int | None) -> int | None:
        """Return what a load may decode to: the configured bytes unless others are asked for."""
        return self.max_bytes if max_bytes is None else max_bytes
