"""Workspaces that stand on workspaces, but not in a circle."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from polystore_core import CorruptData

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["nested", "nesting_level"]

_MOST_LEVELS = 4

_levels = threading.local()


def nesting_level() -> int:
    """How many workspaces the request that this thread works at has come through."""
    return getattr(_levels, "value", 0)


@contextlib.contextmanager
def nested(level: int, path: str) -> Iterator[None]:
    """Count, while the block runs, one workspace more that this thread works for.

    Parameters
    ----------
    level
        Of the request that is being served, which may have come from another thread.
    path
        For the message.

    Raises
    ------
    CorruptData
        If there are so many that they must run in a circle.
    """
    if level >= _MOST_LEVELS:
        raise CorruptData(
            f"{path!r} is a virtual file behind {_MOST_LEVELS} others: the workspaces show one another in a "
            "circle",
            path=path,
        )
    outer = nesting_level()
    _levels.value = level + 1
    try:
        yield
    finally:
        _levels.value = outer
