"""Paths below a root that neither they nor a link leave."""

from __future__ import annotations

import os

from polystore_core import AccessDenied
from polystore_zarr._names import array_directory

__all__ = ["locate_below"]


def locate_below(root: str, path: str) -> str:
    """Return a path for the operating system.

    Parameters
    ----------
    root
        Absolute path of a directory.
    path
        Normalised, relative to the root or absolute below it.

    Raises
    ------
    AccessDenied
        If it, or the directory of an array of that name, leads out of the root, by ``..`` or by a link.

    Examples
    --------
    >>> locate_below("/tmp", "plate.zarr/A01")
    '/tmp/plate.zarr/A01'
    """
    located = os.path.normpath(os.path.join(root, path)).replace(os.sep, "/")
    base = os.path.realpath(root)
    below = located == root or located.startswith(root.rstrip("/") + "/")
    places = {located, located if located == root else array_directory(located)}
    inside = all(_is_inside(os.path.realpath(place), base) for place in places)
    if path.split("/", 1)[0] == ".." or not (below and inside):
        raise AccessDenied(f"{path!r} leads out of the root of its store; name a path below it", path=path)
    return located


def _is_inside(real: str, base: str) -> bool:
    return real == base or real.startswith(base.rstrip(os.sep) + os.sep)
