"""Paths below a root that neither they nor a link leave."""

from __future__ import annotations

import os

from polystore_core import AccessDenied

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
        If it leads out of the root, by ``..`` or by a link.

    Examples
    --------
    >>> locate_below("/tmp", "plate.zarr/A01")
    '/tmp/plate.zarr/A01'
    """
    located = os.path.normpath(os.path.join(root, path)).replace(os.sep, "/")
    base, real = os.path.realpath(root), os.path.realpath(located)
    below = located == root or located.startswith(root.rstrip("/") + "/")
    inside = real == base or real.startswith(base.rstrip(os.sep) + os.sep)
    if path.split("/", 1)[0] == ".." or not (below and inside):
        raise AccessDenied(f"{path!r} leads out of the root of its store; name a path below it", path=path)
    return located
