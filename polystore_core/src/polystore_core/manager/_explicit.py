"""Letting a forgotten ``backend=`` be answered with the backends there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["explicit_backend"]

P = ParamSpec("P")
R = TypeVar("R")


def explicit_backend(method: Callable[P, R]) -> Callable[P, R]:
    """Let a call without ``backend=`` reach the registry, which refuses it and lists what is installed.

    Python's own message for a missing keyword cannot say which backends exist. The empty name lives only
    in the function's defaults: type checkers and :func:`inspect.signature` still see a required argument.
    """
    import inspect

    method.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    method.__kwdefaults__ = {**(method.__kwdefaults__ or {}), "backend": ""}
    return method
