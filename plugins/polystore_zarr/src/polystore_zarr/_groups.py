"""Directories: Zarr groups inside a store, plain directories elsewhere."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from polystore_core import PathExists, UnsupportedOperation
from polystore_core.files import atomic_writer, make_directories
from polystore_zarr._durable import sync_directory, sync_tree
from polystore_zarr._names import find, refuse_inside_array
from polystore_zarr._nodes import group_files, has_document, kind_of, parents_of, store_of
from polystore_zarr._staging import rename_new

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_core.files import Durability
    from polystore_zarr._ngff import ZarrFormat
    from polystore_zarr._staging import Staging

__all__ = ["make_directory", "make_group", "make_groups_below", "make_parents", "write_group"]


def make_parents(
    path: str,
    staging: Staging,
    *,
    shown: str,
    durability: Durability = "atomic",
    zarr_format: ZarrFormat = 3,
) -> None:
    """Make the directories above a path; durable ones survive the loss of power.

    Parameters
    ----------
    path, shown
        The path, and how the caller named it.
    staging
        Where groups are made.
    durability
        Whether they survive the loss of power.
    zarr_format
        Of what is put there.

    Raises
    ------
    NotADirectory
        If one of them is an array or a file.
    UnsupportedOperation
        If one of them is a group of Zarr v2, and what is put there is not of it.
    """
    parent = os.path.dirname(path)
    if not parent:
        return
    refuse_inside_array(path, shown=shown)
    store = store_of(parent)
    durable = durability == "durable"
    if store is None:
        make_directories(parent, sync=durable)
        return
    make_directories(os.path.dirname(store), sync=durable)
    for group in (*parents_of(parent), parent):
        if len(group) >= len(store):
            if zarr_format == 3:
                _refuse_v2(group, shown=shown)
            inside_v2 = os.path.exists(f"{store}/.zgroup")
            make_group(group, staging, 2 if inside_v2 else 3, durability)


def make_directory(path: str, staging: Staging, *, shown: str) -> bool:
    """Make a directory and its parents; return False if it was there.

    Raises
    ------
    PathExists, NotADirectory
    """
    kind = kind_of(find(path))
    if kind == "directory":
        return False
    if kind is not None:
        raise PathExists(f"{shown!r} is an array; delete it, or choose another path", path=shown)
    make_parents(f"{path}/_", staging, shown=shown)
    return True


def _refuse_v2(group: str, *, shown: str) -> None:
    if os.path.exists(f"{group}/.zgroup"):
        raise UnsupportedOperation(
            f"cannot put {shown!r} into a group of Zarr v2, as an OME-NGFF 0.4 plate is one: arrays are "
            "saved as Zarr v3; choose another store",
            path=shown,
        )


def make_group(
    path: str, staging: Staging, zarr_format: ZarrFormat = 3, durability: Durability = "atomic"
) -> None:
    """Make a group appear, document and all; whoever was first wins."""
    if has_document(path):
        return
    if not os.path.isdir(path):
        with staging.directory(path) as staged, contextlib.suppress(FileExistsError):
            write_group(staged, {}, zarr_format)
            sync_tree(staged, durability)
            rename_new(staged, path)
            sync_directory(os.path.dirname(path), durability)
            return
    for name, content in group_files({}, zarr_format).items():
        with (
            contextlib.suppress(PathExists),
            atomic_writer(f"{path}/{name}", overwrite=False, durability=durability) as file,
        ):
            file.write(content)


def make_groups_below(path: str, staging: Staging) -> None:
    """Make every plain directory of a tree a group, as is due in a store."""
    for directory, names, _ in os.walk(path):
        if kind_of(directory) != "directory":
            names.clear()
        else:
            make_group(directory, staging)


def write_group(path: str, attributes: Mapping[str, Any], zarr_format: ZarrFormat = 3) -> None:
    """Write the document of a group that nobody else sees yet."""
    for name, content in group_files(attributes, zarr_format).items():
        with open(f"{path}/{name}", "xb") as file:
            file.write(content)
