"""Naming types in messages."""

from __future__ import annotations

__all__ = ["type_name"]


def type_name(value: object) -> str:
    """Return the name of the value's type as one would write it, with its package unless builtin."""
    cls = type(value)
    package = cls.__module__.partition(".")[0]
    return cls.__qualname__ if package == "builtins" else f"{package}.{cls.__qualname__}"
