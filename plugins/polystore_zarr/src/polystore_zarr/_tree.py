"""Listing, describing, copying and removing nodes."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

from polystore_core import DirectoryNotEmpty, Entry, NotADirectory, PathNotFound, StorageError
from polystore_core.files import is_companion_name, is_temporary_name
from polystore_core.plugins import Listing
from polystore_zarr._names import array_directory, refuse_inside_array, shown_names
from polystore_zarr._nodes import ASIDE, DOCUMENTS, kind_of, store_of
from polystore_zarr._snapshot import consistently

if TYPE_CHECKING:
    from polystore_zarr._nodes import NodeKind
    from polystore_zarr._snapshot import SnapshotLike
    from polystore_zarr._staging import Staging

__all__ = ["copy_node", "count_arrays", "list_tree", "node_entry", "remove_directory", "require"]


def require(path: str, operation: str, *, shown: str) -> NodeKind:
    """Return the kind of node under a path: ``"array"`` or ``"directory"``.

    Raises
    ------
    PathNotFound
    """
    kind = kind_of(path)
    if kind == "directory":
        try:
            refuse_inside_array(path, shown=shown)
        except NotADirectory:
            kind = None
    if kind in (None, "foreign"):
        raise PathNotFound(f"cannot {operation} {shown!r}: there is no such array or directory", path=shown)
    assert kind is not None
    return kind


def list_tree(directory: str, *, recursive: bool) -> Listing:
    """List arrays as files, groups and other directories as directories; nothing inside an array.

    Links to directories are not descended into.
    """
    files: list[str] = []
    directories: list[str] = []
    pending = [(directory, "")]
    while pending:
        path, prefix = pending.pop()
        for name, shown, kind in _children(path):
            if kind == "array":
                files.append(prefix + shown)
            else:
                directories.append(prefix + name)
                if recursive and not os.path.islink(f"{path}/{name}"):
                    pending.append((f"{path}/{name}", f"{prefix}{name}/"))
    return Listing(files, directories)


def _children(path: str) -> list[tuple[str, str, NodeKind]]:
    """List what is in a directory: what it is called there, the name that leads to it, what it is."""
    with os.scandir(path) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and not is_temporary_name(entry.name)]
    found = [(name, kind_of(f"{path}/{name}")) for name in names]
    kinds = {name: kind for name, kind in found if kind is not None and kind != "foreign"}
    return [(name, shown, kinds[name]) for name, shown in shown_names(path, kinds)]


def node_entry(path: str, kind: str, *, shown: str) -> Entry:
    """Describe a node; the size of an array is that of its files together."""
    if kind == "directory":
        return Entry(shown, is_directory=True, modified=os.stat(path).st_mtime)
    size = 0
    for directory, folders, names in os.walk(path):
        if ASIDE in folders:
            folders.remove(ASIDE)
        size += sum(os.lstat(os.path.join(directory, name)).st_size for name in names)
    document = f"{path}/zarr.json"
    changed = os.stat(document if os.path.exists(document) else path).st_mtime
    return Entry(shown, is_directory=False, size=size, modified=changed)


def count_arrays(path: str, kind: str) -> int:
    """Count the arrays of a node."""
    return 1 if kind == "array" else len(list_tree(path, recursive=True).files)


def copy_node(source: str, target: str, kind: str, *, in_store: bool) -> None:
    """Copy an array, or a directory with all arrays in it, to a directory that exists and is empty.

    Every array keeps its name; ``in_store`` tells whether the copy is for a store, which decides on the
    directory that this is. What a link to a directory leads to is not copied, as it is not listed.
    """
    if kind == "array":
        consistently(source, lambda snapshot: _copy_array(snapshot, target))
        return
    for document in DOCUMENTS:
        if os.path.exists(f"{source}/{document}"):
            shutil.copyfile(f"{source}/{document}", f"{target}/{document}")
    for name, shown, child in _children(source):
        place = shown if in_store or child != "array" else array_directory(shown)
        os.mkdir(f"{target}/{place}")
        if child == "array" or not os.path.islink(f"{source}/{name}"):
            copy_node(
                f"{source}/{name}",
                f"{target}/{place}",
                child,
                in_store=in_store or store_of(place) is not None,
            )


def _copy_array(snapshot: SnapshotLike, target: str) -> None:
    """Copy an array's files; if it was replaced meanwhile, start again."""
    shutil.rmtree(target)
    try:
        shutil.copytree(snapshot.path, target, copy_function=shutil.copyfile, ignore=_temporaries)
    except shutil.Error as error:
        raise StorageError(str(error), errno=errno.EIO) from error
    if not snapshot.is_current():
        raise StorageError("the array was replaced while it was copied", errno=errno.EAGAIN)


def _temporaries(_: str, names: list[str]) -> list[str]:
    return [name for name in names if is_temporary_name(name)]


def remove_directory(path: str, staging: Staging, *, recursive: bool, shown: str) -> int:
    """Remove a directory; return how many arrays went with it.

    Raises
    ------
    DirectoryNotEmpty
    """
    if recursive:
        count = count_arrays(path, "directory")
        staging.discard(path)
        return count
    left = [name for name in os.listdir(path) if not _is_bookkeeping(name)]
    if left:
        raise DirectoryNotEmpty(
            f"directory {shown!r} is not empty; pass recursive=True to delete it with all it holds",
            path=shown,
        )
    staging.discard(path)
    return 0


def _is_bookkeeping(name: str) -> bool:
    return name in DOCUMENTS or is_temporary_name(name) or is_companion_name(name)
