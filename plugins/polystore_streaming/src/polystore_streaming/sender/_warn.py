"""Warnings that point at the line of the caller."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn_caller"]

_OURS = ("polystore", "pluggy")


def warn_caller(message: str) -> None:
    """Warn as the code that called into PolyStore, so that the line shown is one of the caller's."""
    level = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
        level += 1
    warnings.warn(message, RuntimeWarning, stacklevel=level)
