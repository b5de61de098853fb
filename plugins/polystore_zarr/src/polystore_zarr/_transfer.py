"""Copying and renaming nodes without decoding them."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from polystore_core import PathExists
from polystore_zarr._exchange import exchange
from polystore_zarr._groups import make_groups_below
from polystore_zarr._names import array_directory
from polystore_zarr._nodes import kind_of, store_of
from polystore_zarr._staging import publish, refuse_to_replace, rename_new
from polystore_zarr._tree import copy_node, list_tree

if TYPE_CHECKING:
    from polystore_zarr._staging import Staging

__all__ = ["check_target", "copy_to", "move_to"]


def copy_to(old: str, new: str, kind: str, staging: Staging, *, overwrite: bool, shown: str) -> None:
    """Copy an array or a directory; the copy takes its place in one step."""
    with staging.directory(new) as staged:
        copy_node(old, staged, kind, in_store=store_of(new) is not None)
        if kind == "array":
            publish(staged, new, overwrite=overwrite, shown=shown)
            return
        if store_of(new):
            make_groups_below(staged, staging)
        _rename(staged, new, kind, staging, overwrite=False, shown=shown)


def move_to(old: str, new: str, kind: str, staging: Staging, *, overwrite: bool, shown: str) -> None:
    """Rename an array or a directory; between file systems, or where names lead elsewhere, copy it."""
    if old == new:
        return
    try:
        if kind == "array" or _names_lead_alike(old, new):
            _rename(old, new, kind, staging, overwrite=overwrite, shown=shown)
            if kind == "directory" and store_of(new):
                make_groups_below(new, staging)
            return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    copy_to(old, new, kind, staging, overwrite=overwrite, shown=shown)
    staging.discard(old)


def _names_lead_alike(old: str, new: str) -> bool:
    """Whether every array below a directory has the same place in it outside a store and in one."""
    if (store_of(old) is None) == (store_of(new) is None):
        return True
    return all(array_directory(name) == name for name in list_tree(old, recursive=True).files)


def _rename(old: str, new: str, kind: str, staging: Staging, *, overwrite: bool, shown: str) -> None:
    """Rename an array or a directory; an array that is replaced changes places with it first."""
    try:
        rename_new(old, new)
    except FileExistsError:
        check_target(new, kind, overwrite=overwrite, shown=shown)
        exchange(old, new)
        staging.discard(old)


def check_target(target: str, kind: str, *, overwrite: bool, shown: str) -> None:
    """Refuse a target that may not be replaced: a directory never is, and never replaces.

    Raises
    ------
    PathExists, IsADirectory
    """
    if kind == "directory" and kind_of(target) is not None:
        raise PathExists(f"{shown!r} exists already; delete it, or choose another target", path=shown)
    refuse_to_replace(target, overwrite=overwrite, shown=shown)
