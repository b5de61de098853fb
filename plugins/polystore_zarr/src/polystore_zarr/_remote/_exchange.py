"""Copying nodes between directories and a bucket, file by file, without decoding them."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING, Any

from polystore_core import PathExists, StorageError
from polystore_zarr._groups import make_groups_below, write_group
from polystore_zarr._known import KEPT
from polystore_zarr._names import array_directory, find
from polystore_zarr._ngff import ngff_of, ome_of, with_ome, zarr_format_of
from polystore_zarr._nodes import ASIDE, DOCUMENTS, format_of, has_document, store_of
from polystore_zarr._remote._addresses import joined
from polystore_zarr._remote._buckets import at_once
from polystore_zarr._remote._commits import commit, delete_below, refuse_to_replace, staged
from polystore_zarr._remote._nodes import array_pointer, level_names
from polystore_zarr._remote._plates import enter_plate
from polystore_zarr._snapshot import consistently
from polystore_zarr._staging import publish, rename_new
from polystore_zarr._tree import list_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_zarr._remote._buckets import Bucket
    from polystore_zarr._remote._namespace import Namespace
    from polystore_zarr._remote._nodes import Node
    from polystore_zarr._snapshot import SnapshotLike
    from polystore_zarr._staging import Staging

__all__ = ["download", "upload"]


def upload(source: str, kind: str, space: Namespace, key: str, *, overwrite: bool, shown: str) -> int:
    """Copy an array of a directory, or a directory array by array, to a bucket; return how many arrays.

    Raises
    ------
    PathExists, IsADirectory, NotADirectory
    """
    there = space.node(key)
    if kind == "directory" and there is not None:
        raise PathExists(f"{shown!r} exists already; delete it, or choose another target", path=shown)
    refuse_to_replace(there, overwrite=overwrite, shown=shown)
    space.make_parents(key, shown=shown, zarr_format=format_of(source))
    if kind == "array":
        _upload_array(source, space, key, overwrite=overwrite, shown=shown)
        return 1
    listing = list_tree(source, recursive=True)
    try:
        for file in listing.files:
            _put_files(find(f"{source}/{file}"), space.bucket, joined(key, file))
        for directory in sorted(["", *listing.directories], key=lambda path: -path.count("/") - bool(path)):
            _put_group(f"{source}/{directory}" if directory else source, space, joined(key, directory))
    except BaseException:
        delete_below(space.bucket, key)
        raise
    enter_plate(space, key)
    return len(listing.files)


def _upload_array(source: str, space: Namespace, key: str, *, overwrite: bool, shown: str) -> None:
    def copy(snapshot: SnapshotLike) -> Node | None:
        with staged(space.bucket, key) as version:
            _put_files(source, space.bucket, joined(key, version))
            if not snapshot.is_current():
                raise StorageError("the array was replaced while it was copied", errno=errno.EAGAIN)
            return commit(space.bucket, key, array_pointer(version), overwrite=overwrite, shown=shown)

    space.discard_versions(key, consistently(source, copy))


def _put_files(directory: str, bucket: Bucket, key: str) -> None:
    """Copy the files of an array, its documents last."""
    found = []
    for path, folders, names in os.walk(directory):
        inside = os.path.relpath(path, directory).replace(os.sep, "/")
        if inside == ASIDE:
            folders.clear()
        found += [
            name if inside == "." else f"{inside}/{name}"
            for name in names
            if inside != ASIDE or name.endswith(KEPT)
        ]
    last = [name for name in found if name in DOCUMENTS]

    def put(name: str) -> None:
        with open(os.path.join(directory, name), "rb") as file:
            bucket.put(joined(key, name), file.read())

    at_once(put, [name for name in found if name not in DOCUMENTS])
    at_once(put, last)


def _put_group(directory: str, space: Namespace, key: str) -> None:
    if not has_document(directory):
        space.make_group(key)
        return
    for name in (".zgroup", ".zattrs", "zarr.json"):
        if os.path.exists(f"{directory}/{name}"):
            with open(f"{directory}/{name}", "rb") as file:
                space.bucket.put(joined(key, name), file.read())


def download(
    space: Namespace, key: str, node: Node, target: str, staging: Staging, *, overwrite: bool, shown: str
) -> int:
    """Copy an array or a directory of a bucket to a directory, where it appears in one step.

    Returns
    -------
    int
        How many arrays.

    Raises
    ------
    PathExists, IsADirectory
        If the target may not be replaced.
    StorageError
        If an image was replaced meanwhile.
    """
    with staging.directory(target) as made:
        if node.kind == "array":
            _fetch_array(space, key, made)
            publish(made, target, overwrite=overwrite, shown=shown)
            return 1
        count = _fetch_directory(space, key, node, made, in_store=store_of(target) is not None)
        if store_of(target):
            make_groups_below(made, staging)
        try:
            rename_new(made, target)
        except FileExistsError as error:
            raise PathExists(
                f"{shown!r} exists already; delete it, or choose another target", path=shown
            ) from error
        return count


def _fetch_array(space: Namespace, key: str, directory: str) -> None:
    """Copy the objects of an array; if it was replaced meanwhile, start again."""
    while True:
        node = space.require(key, "copy", shown=key)
        if _fetch(space.bucket, node, directory):
            return
        shutil.rmtree(directory)
        os.mkdir(directory)


def _fetch(bucket: Bucket, node: Node, directory: str) -> bool:
    """Copy the objects below a node's base; False if it was replaced meanwhile."""
    prefix = f"{node.base}/"

    def get(path: str) -> None:
        place = os.path.join(directory, path.removeprefix(prefix))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "xb") as file:
            file.write(bucket.get(path).data)

    try:
        at_once(get, [meta["path"] for meta in bucket.walk(node.base)])
        return not node.decisive or bucket.get(node.decisive).token == node.token
    except FileNotFoundError:
        return False


def _fetch_directory(space: Namespace, key: str, node: Node, directory: str, *, in_store: bool) -> int:
    """Copy a directory; the levels of an image get their plain names."""
    levels, count = level_names(node), 0
    for name, child in space.children(key, node).items():
        place = name if in_store or child.kind != "array" else array_directory(name)
        path = f"{directory}/{place}"
        os.mkdir(path)
        if child.kind != "array":
            inside = in_store or store_of(place) is not None
            count += _fetch_directory(space, joined(key, name), child, path, in_store=inside)
            continue
        count += 1
        if name not in levels:
            _fetch_array(space, joined(key, name), path)
        elif not _fetch(space.bucket, child, path):
            raise StorageError(f"image {key!r} was replaced while it was copied; copy it again")
    if node.attributes or (in_store and node.decisive):
        ngff = ngff_of(node.document)
        write_group(directory, _with_plain_levels(node), zarr_format_of(ngff))
    return count


def _with_plain_levels(node: Node) -> Mapping[str, Any]:
    if node.version is None:
        return node.attributes
    ngff, ome = ngff_of(node.document), dict(ome_of(node.attributes))
    names = {place: name for name, place in level_names(node).items()}
    first, *others = ome["multiscales"]
    datasets = [
        {**dataset, "path": names.get(dataset["path"], dataset["path"])} for dataset in first["datasets"]
    ]
    ours = {name: value for name, value in node.attributes["polystore"].items() if name != "version"}
    renamed = {**ome, "multiscales": [{**first, "datasets": datasets}, *others]}
    return {**with_ome(node.attributes, renamed, ngff), "polystore": ours}
