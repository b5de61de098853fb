"""The virtual workspace backend."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from polystore_core import Entry, NotADirectory, PolyStoreError, hookimpl
from polystore_workspace._document import METADATA_NAME
from polystore_workspace._lookup import Lookup, Plates
from polystore_workspace._nesting import nested, nesting_level
from polystore_workspace._reading import about_target, read_targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_core.data import Data
    from polystore_core.plugins import Backend, Listing, ListRequest, ReadRequest
    from polystore_workspace._target import Target

__all__ = ["WorkspaceBackend"]


class WorkspaceBackend:
    """A plate under other names, read-only and without copies.

    Which name shows what is said by the metadata file of the plate, a JSON file in the plate's own
    directory; see :func:`create_workspace`. A virtual path is a path below the plate. Without
    configuration the plate of each path is the nearest directory on that path whose metadata file has
    a workspace; for a relative path, the current directory is the last of them.

    A value that several paths of a batch show parts of is read once. With ``copy=True`` every path gives
    an array of its own; with ``copy=False`` planes of one stack are read-only views of it.

    Parameters
    ----------
    open_backend
        Given by the registry: opens the backends of the targets.
    plate
        Directory of the only plate; paths are then relative to it, or absolute paths below it.
    metadata
        Name of the metadata file.
    allow_outside
        Reads targets that lie outside their plate. A metadata file decides what is read: allow it for
        plates that you trust.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_core import FileManager
    >>> from polystore_workspace import create_workspace
    >>> fm = FileManager()
    >>> fm.save(np.arange(24, dtype="uint8").reshape(4, 2, 3), "plate/raw/B02_s1.tif", backend="disk")
    >>> create_workspace("plate", pattern="{well}_s{site:d}.tif", axes={"z": 4}).files
    4
    >>> fm.list_files("plate/workspace/B02", backend="virtual_workspace")[0]
    'plate/workspace/B02/s001_z000.tif'
    >>> fm.load("plate/workspace/B02/s001_z003.tif", backend="virtual_workspace")
    array([[18, 19, 20],
           [21, 22, 23]], dtype=uint8)
    """

    def __init__(
        self,
        *,
        open_backend: Callable[[str], Backend],
        plate: str | os.PathLike[str] | None = None,
        metadata: str = METADATA_NAME,
        allow_outside: bool = False,
    ) -> None:
        self._open_backend = open_backend
        root = None if plate is None else os.path.abspath(plate)
        self._plates = Plates(root, metadata, allow_outside=allow_outside)

    @hookimpl
    def polystore_read(self, request: ReadRequest) -> list[Data]:
        """Read the targets; options are those of the targets' backends and formats."""
        lookup = Lookup(self._plates)
        targets: dict[int, Target] = {}
        failed: dict[int, Exception] = {}
        for position, path in enumerate(request.paths):
            try:
                targets[position] = lookup.target(path)
            except PolyStoreError as error:
                if error.path != path:
                    raise
                failed[position] = error
        return read_targets(request, targets, failed, self._open_backend)

    @hookimpl
    def polystore_list(self, request: ListRequest) -> Listing:
        """List a virtual directory; nothing is asked about the targets."""
        lookup = Lookup(self._plates)
        found = lookup.find(request.directory)
        if not lookup.is_directory(found, request.directory):
            raise NotADirectory(
                f"{request.directory!r} is a virtual file, not a directory; load it", path=request.directory
            )
        return found.tree.listing(found.name, recursive=request.recursive)

    @hookimpl
    def polystore_stat(self, path: str) -> Entry:
        """Describe a virtual directory, or the target of a virtual file; a plane of a stack has no size."""
        lookup = Lookup(self._plates)
        found = lookup.find(path)
        if lookup.is_directory(found, path):
            return Entry(path, is_directory=True, modified=found.tree.modified)
        target = lookup.target(path)
        with nested(nesting_level(), path):
            try:
                backend = self._open_backend(target.backend)
                entry = backend.stat(path=target.address) if backend.can("stat") else None
            except Exception as error:
                raise about_target(error, path, target.address, target.backend) from error
        if entry is None:
            return Entry(path, is_directory=False)
        return Entry(path, False, None if target.index else entry.size, entry.modified)
