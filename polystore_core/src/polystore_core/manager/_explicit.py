"""What every call that names a backend has in common: its name cannot be forgotten, and errors carry it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from polystore_core.errors import PolyStoreError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["explicit_backend"]

P = ParamSpec("P")
R = TypeVar("R")


def explicit_backend(operation: str | None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let errors of a method, also those about its arguments, say which backend and operation was meant.

    A call without ``backend=`` reaches the registry, which refuses it and lists what is installed: Python's
    own message for a missing keyword cannot say which backends exist. Type checkers and
    :func:`inspect.signature` still see a required argument.

    Parameters
    ----------
    operation
        Of the plugin that the method asks.
    """
    import inspect

    def decorate(method: Callable[P, R]) -> Callable[P, R]:
        @wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if "backend" not in kwargs:
                kwargs["backend"] = ""
            try:
                return method(*args, **kwargs)
            except PolyStoreError as error:
                if error.backend is None:
                    error.backend = cast("str", kwargs["backend"]) or None
                if error.operation is None:
                    error.operation = operation
                raise

        call.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
        return call

    return decorate
