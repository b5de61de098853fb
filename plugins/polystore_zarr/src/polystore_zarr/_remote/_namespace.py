"""Arrays and directories below a root in a bucket: every operation but those on plates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core import (
    DirectoryNotEmpty,
    Entry,
    InvalidPath,
    IsADirectory,
    NotADirectory,
    PathExists,
    PathNotFound,
    StorageError,
    UnsupportedOperation,
)
from polystore_core.plugins import Listing
from polystore_zarr._array_reading import read_array
from polystore_zarr._array_writing import write_array
from polystore_zarr._lazy import lazy_array
from polystore_zarr._ngff import ngff_of, zarr_format_of
from polystore_zarr._nodes import DOCUMENTS, group_files
from polystore_zarr._remote._addresses import joined
from polystore_zarr._remote._buckets import at_once
from polystore_zarr._remote._commits import (
    commit,
    delete_below,
    discard_versions,
    refuse_to_replace,
    staged,
)
from polystore_zarr._remote._nodes import (
    array_pointer,
    children_of,
    level_names,
    node_of,
    version_in,
)
from polystore_zarr._remote._plates import enter_plate, leave_plate
from polystore_zarr._remote._snapshots import ObjectSource
from polystore_zarr._remote._transfer import copy_array, copy_directory, move_array
from polystore_zarr._remote._writers import ObjectWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from polystore_zarr._array_reading import Missing
    from polystore_zarr._codecs import Encoding
    from polystore_zarr._grid import Grid
    from polystore_zarr._ngff import ZarrFormat
    from polystore_zarr._remote._buckets import Bucket
    from polystore_zarr._remote._nodes import Node

__all__ = ["Namespace"]


class Namespace:
    """A bucket, or what lies below a key of it.

    Parameters
    ----------
    bucket
        Where.
    root
        Key that nothing is looked at above; ``""`` for the whole bucket.
    abandoned_after
        Seconds without a new object after which a version that does not count may be deleted.
    """

    def __init__(self, bucket: Bucket, root: str, *, abandoned_after: float) -> None:
        self.bucket = bucket
        self.root = root
        self.abandoned_after = abandoned_after

    def node(self, key: str) -> Node | None:
        """Tell what there is under a key."""
        return node_of(self.bucket, key, root=self.root)

    def require(self, key: str, operation: str, *, shown: str) -> Node:
        """Return the array or directory under a key.

        Raises
        ------
        PathNotFound
        """
        node = self.node(key)
        if node is None or node.kind == "foreign" or not self._is_reachable(key, node):
            raise PathNotFound(
                f"cannot {operation} {shown!r}: there is no such array or directory", path=shown
            )
        return node

    def read(
        self,
        key: str,
        *,
        shown: str,
        max_bytes: int | None,
        missing: Missing,
        lazy: bool,
        region: Sequence[Any] | None,
        threads: int,
    ) -> Any:
        """Read an array, or a region of it.

        Raises
        ------
        PathNotFound, IsADirectory, CorruptData
        """
        source = ObjectSource(self.bucket, key, shown)
        try:
            if lazy:
                return lazy_array(source, shown=shown, fill=missing == "fill")
            return read_array(
                source, shown=shown, max_bytes=max_bytes, missing=missing, region=region, threads=threads
            )
        except IsADirectory as error:
            self.require(key, "read", shown=shown)
            raise IsADirectory(
                f"cannot read {shown!r}: it is a directory; name an array in it, or list it", path=shown
            ) from error
        except FileNotFoundError as error:
            if isinstance(error, PathNotFound):
                raise
            raise PathNotFound(f"cannot read {shown!r}: there is no such array", path=shown) from error

    def write(
        self,
        data: np.ndarray[Any, Any],
        key: str,
        *,
        grid: Grid,
        encoding: Encoding,
        attributes: Mapping[str, Any] | None,
        overwrite: bool,
        shown: str,
        threads: int,
    ) -> int:
        """Write an array; it counts when all of it is there.

        Raises
        ------
        PathExists, IsADirectory, NotADirectory
        """
        there = self.node(key)
        refuse_to_replace(there, overwrite=overwrite, shown=shown)
        if there is not None:
            self.refuse_level(key, there, "write", shown=shown)
        self.make_parents(key, shown=shown)
        with staged(self.bucket, key) as version:
            target = ObjectWriter(self.bucket, joined(key, version))
            size = write_array(
                data, target, grid=grid, encoding=encoding, attributes=attributes, threads=threads
            )
            replaced = commit(self.bucket, key, array_pointer(version), overwrite=overwrite, shown=shown)
        self.discard_versions(key, replaced)
        return size

    def discard_versions(self, key: str, replaced: Node | None) -> None:
        """Delete the version that was replaced, and those that dead writers left."""
        discard_versions(self.bucket, key, replaced, abandoned_after=self.abandoned_after)

    def list(self, key: str, *, recursive: bool, shown: str) -> Listing:
        """List arrays as files, groups and other prefixes as directories.

        Raises
        ------
        PathNotFound, NotADirectory
        """
        node = self.require(key, "list", shown=shown)
        if node.kind == "array":
            raise NotADirectory(f"{shown!r} is an array, not a directory; load it", path=shown)
        files: list[str] = []
        directories: list[str] = []
        pending = [("", node)]
        while pending:
            found = at_once(lambda place: self.children(joined(key, place[0]), place[1]), pending)
            below = [
                (joined(prefix, name), child)
                for (prefix, _), children in zip(pending, found, strict=True)
                for name, child in children.items()
            ]
            files += [name for name, child in below if child.kind == "array"]
            deeper = [(name, child) for name, child in below if child.kind == "directory"]
            directories += [name for name, _ in deeper]
            pending = deeper if recursive else []
        return Listing(files, directories)

    def stat(self, key: str, *, shown: str) -> Entry:
        """Describe an array or directory.

        Raises
        ------
        PathNotFound
        """
        node = self.require(key, "stat", shown=shown)
        modified = None
        if node.decisive:
            modified = self.bucket.head(node.decisive)["last_modified"].timestamp()
        if node.kind == "directory":
            return Entry(shown, is_directory=True, modified=modified)
        size = sum(meta["size"] for meta in self.bucket.walk(node.base))
        return Entry(shown, is_directory=False, size=size, modified=modified)

    def delete(self, key: str, *, recursive: bool, shown: str) -> int:
        """Remove an array, which vanishes in one step, or a directory, array by array.

        Raises
        ------
        PathNotFound, DirectoryNotEmpty
        """
        node = self.require(key, "delete", shown=shown)
        if key == self.root:
            raise InvalidPath(f"{shown!r} is not deleted as a whole; name what is in it", path=shown)
        self.refuse_level(key, node, "delete", shown=shown)
        if node.kind == "array":
            delete_below(self.bucket, key)
            return 1
        if not recursive and self._holds_anything(key):
            raise DirectoryNotEmpty(
                f"directory {shown!r} is not empty; pass recursive=True to delete it with all it holds",
                path=shown,
            )
        count = len(self.list(key, recursive=True, shown=shown).files)
        if recursive:
            leave_plate(self, key)
        delete_below(self.bucket, key)
        return count

    def make_directory(self, key: str, *, shown: str) -> bool:
        """Make a directory and its parents; return False if it was there.

        Raises
        ------
        PathExists, NotADirectory
        """
        node = self.node(key)
        if node is not None and node.kind == "directory":
            return False
        if node is not None:
            raise PathExists(f"{shown!r} is an array; delete it, or choose another path", path=shown)
        self.make_parents(joined(key, "_"), shown=shown)
        return True

    def make_parents(self, key: str, *, shown: str, zarr_format: ZarrFormat = 3) -> None:
        """Make the groups above a key, and below the root; ``zarr_format`` is that of what is put there.

        Raises
        ------
        NotADirectory
            If one of them is an array or another object.
        UnsupportedOperation
            If one of them is a group of Zarr v2, and what is put there is not of it.
        """
        below = key.removeprefix(self.root).strip("/").split("/")
        missing: list[str] = []
        inside: ZarrFormat = 3
        for count in range(1, len(below)):
            parent = joined(self.root, "/".join(below[:count]))
            node = self.node(parent)
            if node is None:
                missing.append(parent)
            elif node.kind != "directory":
                raise NotADirectory(
                    f"cannot use {shown!r}: {below[count - 1]!r} in it is an array, not a directory; choose "
                    "another path",
                    path=shown,
                )
            elif node.document.get("zarr_format") != 2:
                inside = 3
            elif zarr_format == 2:
                inside = 2
            else:
                raise UnsupportedOperation(
                    f"cannot put {shown!r} into a group of Zarr v2, as an OME-NGFF 0.4 plate is one: arrays "
                    "are saved as Zarr v3; choose another store",
                    path=shown,
                )
        for parent in missing:
            self.make_group(parent, zarr_format=inside)

    def make_group(
        self, key: str, attributes: Mapping[str, Any] | None = None, zarr_format: ZarrFormat = 3
    ) -> None:
        """Write the documents of a group; what is there already stays."""
        for name, content in group_files(attributes or {}, zarr_format).items():
            self.bucket.create(joined(key, name), content)

    def copy(self, source: str, target: str, *, overwrite: bool, shown: str, shown_target: str) -> int:
        """Copy an array, or a directory array by array, within the object store and without decoding.

        Raises
        ------
        PathNotFound, PathExists, IsADirectory, NotADirectory
        """
        node, files = self._prepared(
            source, target, overwrite=overwrite, shown=(shown, shown_target), operation="copy"
        )
        if node.kind == "array":
            copy_array(self, source, target, overwrite=overwrite, shown=shown, shown_target=shown_target)
        else:
            copy_directory(self, source, target, shown=shown_target)
            enter_plate(self, target)
        return files

    def move(self, source: str, target: str, *, overwrite: bool, shown: str, shown_target: str) -> int:
        """Copy an array or a directory and delete it: an object store cannot rename.

        Raises
        ------
        PathNotFound, PathExists, IsADirectory, NotADirectory
        """
        self.refuse_level(source, self.require(source, "move", shown=shown), "move", shown=shown)
        node, files = self._prepared(
            source, target, overwrite=overwrite, shown=(shown, shown_target), operation="move"
        )
        if node.kind == "array":
            move_array(self, source, target, overwrite=overwrite, shown=shown, shown_target=shown_target)
        else:
            before = self._state(source)
            copy_directory(self, source, target, shown=shown_target)
            if self._state(source) != before:
                delete_below(self.bucket, target)
                raise StorageError(f"{shown!r} was changed while it was moved; move it again", path=shown)
            enter_plate(self, target)
            leave_plate(self, source)
            delete_below(self.bucket, source)
        return files

    def _state(self, key: str) -> set[tuple[str, str | None]]:
        """Return what tells the state of all that is below a key."""
        return {(meta["path"], meta["e_tag"]) for meta in self.bucket.walk(key)}

    def _prepared(
        self, source: str, target: str, *, overwrite: bool, shown: tuple[str, str], operation: str
    ) -> tuple[Node, int]:
        """Check source and target, make what is above the target; return the source and its arrays' count."""
        node = self.require(source, operation, shown=shown[0])
        there = self.node(target)
        if node.kind == "directory" and there is not None:
            raise PathExists(
                f"{shown[1]!r} exists already; delete it, or choose another target", path=shown[1]
            )
        refuse_to_replace(there, overwrite=overwrite, shown=shown[1])
        if there is not None:
            self.refuse_level(target, there, "replace", shown=shown[1])
        zarr_format = zarr_format_of(ngff_of(node.document))
        self.make_parents(target, shown=shown[1], zarr_format=zarr_format)
        files = 1 if node.kind == "array" else len(self.list(source, recursive=True, shown=shown[0]).files)
        return node, files

    def children(self, key: str, node: Node) -> dict[str, Node]:
        """Return what is directly below a key; the levels of an image are not looked at."""
        levels = {
            name: node._replace(kind="array", base=joined(key, place))
            for name, place in level_names(node).items()
        }
        names = [name for name in children_of(self.bucket, key) if name not in levels]
        found = at_once(lambda name: self.node(joined(key, name)), names)
        nodes = {name: child for name, child in zip(names, found, strict=True) if child is not None}
        return levels | {name: child for name, child in nodes.items() if child.kind != "foreign"}

    def _is_reachable(self, key: str, node: Node) -> bool:
        """Whether nothing above a directory without a document is an array, whose chunks these are."""
        if node.kind != "directory" or node.decisive or key == self.root:
            return True
        parts = key.removeprefix(self.root).strip("/").split("/")
        parents = [joined(self.root, "/".join(parts[:count])) for count in range(1, len(parts))]
        if any(version_in(part) is not None for part in parts):
            return False
        return all(parent is None or parent.kind == "directory" for parent in at_once(self.node, parents))

    def _holds_anything(self, key: str) -> bool:
        prefixes, objects = self.bucket.children(key)
        return any(version_in(name) is None for name in prefixes) or any(
            name not in DOCUMENTS for name in objects
        )

    def refuse_level(self, key: str, node: Node, operation: str, *, shown: str) -> None:
        """Refuse to take one level out of an image: its document names it."""
        parent, _, name = key.rpartition("/")
        image = self.node(parent) if node.kind == "array" and len(parent) > len(self.root) else None
        if image is not None and name in level_names(image):
            raise UnsupportedOperation(
                f"cannot {operation} {shown!r}: it is a level of an image, which is replaced whole",
                path=shown,
            )
