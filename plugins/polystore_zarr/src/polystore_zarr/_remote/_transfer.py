"""Copying and moving nodes within a bucket, object by object in the object store itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from polystore_core import PathNotFound, StorageError
from polystore_zarr._ngff import ngff_of, zarr_format_of
from polystore_zarr._nodes import DOCUMENTS, group_files
from polystore_zarr._remote._addresses import joined
from polystore_zarr._remote._buckets import at_once
from polystore_zarr._remote._commits import commit, delete_below, staged
from polystore_zarr._remote._nodes import array_pointer, children_of, document_name, level_names, node_of

if TYPE_CHECKING:
    from polystore_zarr._remote._namespace import Namespace
    from polystore_zarr._remote._nodes import Node

__all__ = ["copy_array", "copy_directory", "move_array"]


def copy_array(
    space: Namespace, source: str, target: str, *, overwrite: bool, shown: str, shown_target: str
) -> None:
    """Copy an array; the copy counts when all of it is there. What is replaced meanwhile is copied anew."""
    while True:
        node = space.require(source, "copy", shown=shown)
        with staged(space.bucket, target) as version:
            if not _copied(space, node, joined(target, version)):
                delete_below(space.bucket, joined(target, version))
                continue
            replaced = commit(
                space.bucket, target, array_pointer(version), overwrite=overwrite, shown=shown_target
            )
        space.discard_versions(target, replaced)
        return


def move_array(
    space: Namespace, source: str, target: str, *, overwrite: bool, shown: str, shown_target: str
) -> None:
    """Copy an array, then delete it. One of several movers claims the source; it is read on until it is gone.

    A claim older than the time after which a writer is taken for dead is taken over.
    """
    while True:
        node = _claimed(space, source, shown=shown)
        with staged(space.bucket, target) as version:
            if not _copied(space, node, joined(target, version)):
                delete_below(space.bucket, joined(target, version))
                continue
            try:
                replaced = commit(
                    space.bucket, target, array_pointer(version), overwrite=overwrite, shown=shown_target
                )
            except BaseException:
                _release(space, source, node)
                raise
        space.discard_versions(target, replaced)
        break
    now = node_of(space.bucket, source)
    if now is not None and now.token == node.token:
        delete_below(space.bucket, source)


def copy_directory(space: Namespace, source: str, target: str, *, shown: str) -> None:
    """Copy a directory, its own document last, so that a plate is one when all of it is there."""
    node = node_of(space.bucket, source, root=space.root)
    while node is not None:
        parts = level_names(node).values()
        levels = [(node._replace(base=joined(source, part)), joined(target, part)) for part in parts]
        if all(_copied(space, level, place) for level, place in levels):
            break
        for _, place in levels:
            delete_below(space.bucket, place)
        node = node_of(space.bucket, source, root=space.root)
    if node is None:
        return
    for name in children_of(space.bucket, source):
        if name in parts:
            continue
        child = node_of(space.bucket, joined(source, name))
        if child is None or child.kind == "foreign":
            continue
        if child.kind == "array":
            copy_array(
                space,
                joined(source, name),
                joined(target, name),
                overwrite=False,
                shown=joined(source, name),
                shown_target=shown,
            )
        else:
            copy_directory(space, joined(source, name), joined(target, name), shown=shown)
    space.make_group(target, node.attributes, zarr_format_of(ngff_of(node.document)))


def _copied(space: Namespace, node: Node, target: str) -> bool:
    """Copy the objects of a version, documents last; False if it was replaced meanwhile."""
    found = [meta["path"] for meta in space.bucket.walk(node.base)]
    prefix = f"{node.base}/"
    last = [path for path in found if path.rpartition("/")[2] in DOCUMENTS]

    def copy(path: str) -> None:
        space.bucket.copy(path, joined(target, path.removeprefix(prefix)))

    try:
        at_once(copy, [path for path in found if path not in set(last)])
        at_once(copy, last)
    except FileNotFoundError:
        return _is_current(space, node, missing=True)
    return _is_current(space, node, missing=False)


def _is_current(space: Namespace, node: Node, *, missing: bool) -> bool:
    try:
        current = not node.decisive or space.bucket.get(node.decisive).token == node.token
    except FileNotFoundError:
        current = False
    if current and missing:
        raise StorageError(f"objects of '{space.bucket.url}/{node.base}' went missing while it was copied")
    return current


def _claimed(space: Namespace, key: str, *, shown: str) -> Node:
    """Mark the source of a move; one mover alone gets it."""
    while True:
        node = space.require(key, "move", shown=shown)
        if node.version is None or node.token is None:
            return node
        ours = node.attributes["polystore"]
        claim = ours.get("moving_since")
        if isinstance(claim, (int, float)) and time.time() - claim < space.abandoned_after:
            raise PathNotFound(f"cannot move {shown!r}: somebody else is moving it", path=shown)
        attributes = {**node.attributes, "polystore": {**ours, "moving_since": time.time()}}
        marked = group_files(attributes, 3)["zarr.json"]
        if space.bucket.replace(node.decisive, marked, node.token) is not None:
            return space.require(key, "move", shown=shown)


def _release(space: Namespace, key: str, node: Node) -> None:
    """Take the mark off a source that could not be moved."""
    if node.version is not None and node.token is not None:
        space.bucket.replace(joined(key, document_name(3)), array_pointer(node.version), node.token)
