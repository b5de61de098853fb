"""The namespace of a backend: listing, describing, removing, moving and copying nodes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from polystore_core import InvalidPath, NotADirectory
from polystore_core.files import refuse_inside_itself
from polystore_zarr import _groups as groups
from polystore_zarr import _tree as tree
from polystore_zarr._location import refuse_links_out
from polystore_zarr._names import place_for
from polystore_zarr._ngff import ngff_of, zarr_format_of
from polystore_zarr._nodes import format_of
from polystore_zarr._transfer import check_target, copy_to, move_to

if TYPE_CHECKING:
    from polystore_core import Entry
    from polystore_core.plugins import Listing, ListRequest
    from polystore_zarr._remote import Spot
    from polystore_zarr._setup import Setup

__all__ = ["Nodes"]


class Nodes:
    """The arrays and directories of a backend, wherever they are.

    Parameters
    ----------
    setup
        Of the backend.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def list_directory(self, request: ListRequest) -> Listing:
        """List arrays as files, groups and plain directories as directories."""
        spot = self._setup.remote.spot(request.directory)
        if spot is not None:
            return spot.space.list(spot.key, recursive=request.recursive, shown=request.directory)
        path = self._setup.find_node(request.directory)
        kind = tree.require(path, "list", shown=request.directory)
        if kind == "array":
            raise NotADirectory(
                f"{request.directory!r} is an array, not a directory; load it", path=request.directory
            )
        self._setup.staging.sweep(path)
        return tree.list_tree(path, recursive=request.recursive)

    def stat(self, path: str) -> Entry:
        """Describe an array or directory."""
        spot = self._setup.remote.spot(path)
        if spot is not None:
            return spot.space.stat(spot.key, shown=path)
        located = self._setup.find_node(path)
        return tree.node_entry(located, tree.require(located, "stat", shown=path), shown=path)

    def delete(self, path: str, recursive: bool) -> int:
        """Remove an array or directory: it vanishes in one step; in an object store, array by array."""
        spot = self._setup.remote.spot(path)
        if spot is not None:
            return spot.space.delete(spot.key, recursive=recursive, shown=path)
        located = self._setup.find_node(path)
        if os.path.normpath(path) in (".", os.sep) or located == self._setup.root:
            raise InvalidPath(f"{path!r} is not deleted as a whole; name what is in it", path=path)
        if tree.require(located, "delete", shown=path) == "directory":
            if recursive:
                self._setup.plates.leave(located)
            return tree.remove_directory(located, self._setup.staging, recursive=recursive, shown=path)
        with self._setup.plates.undisturbed(located):
            self._setup.staging.discard(located)
        return 1

    def move(self, source: str, target: str, overwrite: bool) -> int:
        """Rename an array or a whole directory; between file systems, and in object stores, it is copied."""
        here, there = self._setup.remote.pair(source, target, "move")
        if here is not None and there is not None:
            return here.space.move(
                here.key, there.key, overwrite=overwrite, shown=source, shown_target=target
            )
        if here is not None or there is not None:
            count = self._exchange(source, target, here, there, overwrite=overwrite)
            self.delete(source, recursive=True)
            return count
        old = self._setup.find_node(source)
        kind, new = self._pair(old, source, target, "move", overwrite=overwrite)
        if kind == "directory":
            self._setup.plates.leave(old)
        move_to(old, new, kind, self._setup.staging, overwrite=overwrite, shown=target)
        self._setup.plates.enter_below(new)
        return tree.count_arrays(new, kind)

    def copy(self, source: str, target: str, overwrite: bool) -> int:
        """Copy an array or a whole directory without decoding."""
        here, there = self._setup.remote.pair(source, target, "copy")
        if here is not None and there is not None:
            return here.space.copy(
                here.key, there.key, overwrite=overwrite, shown=source, shown_target=target
            )
        if here is not None or there is not None:
            return self._exchange(source, target, here, there, overwrite=overwrite)
        old = self._source_of_copy(source)
        kind, new = self._pair(old, source, target, "copy", overwrite=overwrite)
        copy_to(old, new, kind, self._setup.staging, overwrite=overwrite, shown=target)
        self._setup.plates.enter_below(new)
        return tree.count_arrays(new, kind)

    def make_directory(self, path: str) -> bool:
        """Create a directory and its parents: groups, if in a store."""
        spot = self._setup.remote.spot(path)
        if spot is not None:
            return spot.space.make_directory(spot.key, shown=path)
        return groups.make_directory(self._setup.locate(path), self._setup.staging, shown=path)

    def _source_of_copy(self, source: str) -> str:
        """Return where it is; a link in it that leads out of the root is refused, as it is in a path."""
        old, root = self._setup.find_node(source), self._setup.root
        if root is not None and os.path.isdir(old):
            refuse_links_out(root, old, shown=source)
        return old

    def _pair(
        self, old: str, source: str, target: str, operation: str, *, overwrite: bool
    ) -> tuple[str, str]:
        """Return what kind of node is to be copied or moved, and where to; the parents are there then."""
        kind = tree.require(old, operation, shown=source)
        new = place_for(self._setup.locate(target), kind)
        check_target(new, kind, overwrite=overwrite, shown=target)
        if kind == "directory":
            refuse_inside_itself(old, new, shown=source, shown_target=target)
        groups.make_parents(new, self._setup.staging, shown=target, zarr_format=format_of(old))
        return kind, new

    def _exchange(
        self, source: str, target: str, here: Spot | None, there: Spot | None, *, overwrite: bool
    ) -> int:
        """Copy between a directory and an object store."""
        from polystore_zarr._remote._exchange import download, upload

        if there is not None:
            old = self._source_of_copy(source)
            kind = tree.require(old, "copy", shown=source)
            return upload(old, kind, there.space, there.key, overwrite=overwrite, shown=target)
        assert here is not None
        node = here.space.require(here.key, "copy", shown=source)
        new = place_for(self._setup.locate(target), node.kind)
        check_target(new, node.kind, overwrite=overwrite, shown=target)
        zarr_format = zarr_format_of(ngff_of(node.document))
        groups.make_parents(new, self._setup.staging, shown=target, zarr_format=zarr_format)
        count = download(
            here.space, here.key, node, new, self._setup.staging, overwrite=overwrite, shown=target
        )
        self._setup.plates.enter_below(new)
        return count
