"""A directory that would hold itself."""

from __future__ import annotations

import os

from polystore_core.errors import InvalidPath

__all__ = ["refuse_inside_itself"]


def refuse_inside_itself(source: str, target: str, *, shown: str, shown_target: str) -> None:
    """Refuse to copy or move a directory to a place in it, whatever names and links lead there.

    Parameters
    ----------
    source, target
        Where both are in the file system; the target need not exist.
    shown, shown_target
        The paths as the caller gave them.

    Raises
    ------
    InvalidPath

    Examples
    --------
    >>> refuse_inside_itself("/data/a", "/data/ab", shown="a", shown_target="ab")
    >>> refuse_inside_itself("/data", "/data/../data/a", shown="data", shown_target="data/a")
    Traceback (most recent call last):
    polystore_core.errors.InvalidPath: 'data' cannot be put inside itself, at 'data/a'
    """
    around = os.path.join(os.path.realpath(source), "")
    if os.path.join(os.path.realpath(target), "").startswith(around):
        raise InvalidPath(f"{shown!r} cannot be put inside itself, at {shown_target!r}", path=shown_target)
