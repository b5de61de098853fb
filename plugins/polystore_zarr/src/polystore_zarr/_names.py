"""From the names of arrays to their directories, and back.

An array outside any store whose name has a suffix, ``result.npy``, is the store ``result.npy.zarr``: files of
that name can lie beside it. Every other name is that of its directory.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from polystore_core import NotADirectory
from polystore_zarr._nodes import kind_of, parents_of, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from polystore_zarr._nodes import NodeKind

__all__ = ["array_directory", "find", "place_for", "refuse_inside_array", "shown_names"]

_STORE = ".zarr"


def array_directory(path: str) -> str:
    """Return the directory that an array of a name is written to.

    Examples
    --------
    >>> array_directory("data/result.npy"), array_directory("data/result")
    ('data/result.npy.zarr', 'data/result')
    >>> array_directory("plate.zarr/A01/raw.npy")
    'plate.zarr/A01/raw.npy'
    """
    name = path.rpartition("/")[2]
    if "." not in name or name in (".", "..") or store_of(path):
        return path
    return path + _STORE


def find(path: str) -> str:
    """Return where the array or directory of a name is; the path itself if there is none.

    A directory of the very name comes first, then the array that :func:`array_directory` names, then one that
    another program stored under the very name.
    """
    directory = array_directory(path)
    if directory == path or kind_of(path) == "directory":
        return path
    return directory if kind_of(directory) == "array" else path


def place_for(path: str, kind: NodeKind) -> str:
    """Return where to put a node: where what it replaces is, else where its name leads."""
    found = find(path)
    if kind == "directory" or kind_of(found) in ("array", "directory"):
        return found
    return array_directory(path)


def shown_names(directory: str, kinds: Mapping[str, NodeKind]) -> Iterator[tuple[str, str]]:
    """Yield what is in a directory and the name that leads to it.

    Parameters
    ----------
    directory
        Its path.
    kinds
        The names of what is in it, and what that is.
    """
    outside = store_of(directory) is None
    for name, kind in kinds.items():
        if kind != "array" or not outside:
            yield name, name
            continue
        stem = name.removesuffix(_STORE)
        if stem != name and array_directory(stem) == name and kinds.get(stem) != "directory":
            yield name, stem
        elif array_directory(name) == name or kinds.get(array_directory(name)) != "array":
            yield name, name


def refuse_inside_array(path: str, *, shown: str) -> None:
    """Raise if something above the path is an array.

    Raises
    ------
    NotADirectory
    """
    for parent in parents_of(path):
        if kind_of(find(parent)) in ("array", "foreign"):
            raise NotADirectory(
                f"cannot use {shown!r}: {os.path.basename(parent)!r} in it is an array, not a directory; "
                "choose another path",
                path=shown,
                errno=errno.ENOTDIR,
            )
