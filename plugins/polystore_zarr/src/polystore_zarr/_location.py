"""Paths below a root that neither they nor a link leave."""

from __future__ import annotations

import os

from polystore_core import AccessDenied
from polystore_zarr._names import array_directory
from polystore_zarr._nodes import kind_of

__all__ = ["locate_below", "refuse_links_out"]


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
    below = located == root or located.startswith(root.rstrip("/") + "/")
    if path.split("/", 1)[0] == ".." or not below or _leads_out(root, located):
        raise AccessDenied(f"{path!r} leads out of the root of its store; name a path below it", path=path)
    return located


def _leads_out(root: str, located: str) -> bool:
    """Whether a link below the root leads out of it, on the way to a path or to an array of that name."""
    if located == root:
        return False
    step, directory = root.rstrip("/"), array_directory(located)
    steps = [directory]
    for name in located[len(step) + 1 :].split("/"):
        step = f"{step}/{name}"
        steps.append(step)
    if not any(map(os.path.islink, steps)):
        return False
    base = os.path.realpath(root)
    return not all(_is_inside(os.path.realpath(place), base) for place in (located, directory))


def refuse_links_out(root: str, located: str, *, shown: str) -> None:
    """Refuse to copy what holds links that lead out of the root, to arrays or to parts of them.

    Links to other directories are not followed by a copy, and may lead anywhere.

    Parameters
    ----------
    root
        Absolute path of a directory.
    located, shown
        The directory, and how the caller named it.

    Raises
    ------
    AccessDenied
        Naming the link.
    """
    base = os.path.realpath(root)
    pending, seen = [(located, kind_of(located) == "array")], set()
    while pending:
        directory, is_array = pending.pop()
        real = os.path.realpath(directory)
        if real in seen:
            continue
        seen.add(real)
        with os.scandir(directory) as entries:
            for entry in entries:
                is_part = is_array or kind_of(entry.path) == "array"
                is_directory = entry.is_dir()
                if entry.is_symlink():
                    if is_directory and not is_part:
                        continue
                    _refuse_link_out(entry.path, root, base, shown=shown)
                if is_directory:
                    pending.append((entry.path, is_part))


def _refuse_link_out(path: str, root: str, base: str, *, shown: str) -> None:
    if not _is_inside(os.path.realpath(path), base):
        link = os.path.relpath(path, root).replace(os.sep, "/")
        raise AccessDenied(
            f"{shown!r} is not copied: the link {link!r} leads out of the root of its store; remove the link",
            path=shown,
        )


def _is_inside(real: str, base: str) -> bool:
    return real == base or real.startswith(base.rstrip(os.sep) + os.sep)
