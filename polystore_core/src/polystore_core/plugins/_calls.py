"""Letting one backend answer: whatever it raises or fails to return leaves as an error of ours."""

from __future__ import annotations

from contextlib import contextmanager
from types import NoneType
from typing import TYPE_CHECKING, Any

from polystore_core.errors import BatchError, PluginError
from polystore_core.plugins._located import as_batch_error, located

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from polystore_core.plugins._backend import Backend

__all__ = ["ask", "ask_batch", "locating", "one_for_each"]


def ask(backend: Backend, operation: str, path: str | None, /, **arguments: Any) -> Any:
    """Call one operation of a backend about one path, or about none, as the file manager does.

    Parameters
    ----------
    backend
        Of a registry.
    operation
        Name of the operation: ``"read"``, ``"stat"`` and so on.
    path
        What it is about; the error names it.
    **arguments
        Of the operation.

    Returns
    -------
    object
        What the backend returned.

    Raises
    ------
    PolyStoreError
        Whatever the backend raised, as an error of PolyStore that says where it happened; one about a single
        path of a batch as the error about that path.

    Examples
    --------
    >>> from polystore_core import BackendRegistry
    >>> from polystore_core.plugins import ReadRequest, ask
    >>> memory = BackendRegistry().open("memory")
    >>> ask(memory, "read", "a.npy", request=ReadRequest(("a.npy",)))
    Traceback (most recent call last):
        ...
    polystore_core.errors.PathNotFound: cannot read 'a.npy': ...
    """
    function: Callable[..., Any] = getattr(backend, operation)
    try:
        result = function(**arguments)
    except BatchError as error:
        only = next(iter(error.failed.values()), error)
        raised = located(only, backend=backend.name, operation=operation, path=path)
        raise raised from raised.__cause__
    except Exception as error:
        raised = located(error, backend=backend.name, operation=operation, path=path)
        raise raised from raised.__cause__
    if result is None:
        raise _unanswered(backend, operation, path)
    return result


def ask_batch(backend: Backend, operation: str, paths: tuple[str, ...], /, **arguments: Any) -> Any:
    """Call one operation of a backend about many paths; what is raised about one is a batch error."""
    function: Callable[..., Any] = getattr(backend, operation)
    if not paths and backend.can(operation):
        return []
    try:
        result = function(**arguments)
    except Exception as error:
        only = paths[0] if len(paths) == 1 else None
        raised = located(error, backend=backend.name, operation=operation, path=only)
        raised = as_batch_error(raised, paths)
        raise raised from raised.__cause__
    if result is None:
        raise _unanswered(backend, operation, None)
    return result


def one_for_each(values: Sequence[Any], paths: tuple[str, ...], backend: str) -> Sequence[Any]:
    """Return what a backend read, if it is one value for each path."""
    if len(values) != len(paths) or NoneType in map(type, values):
        raise PluginError(
            f"backend {backend!r} did not return one value for each of {len(paths)} paths",
            backend=backend,
            operation="read",
        )
    return values


@contextmanager
def locating(backend: str, operation: str, path: str) -> Iterator[None]:
    """Tell an error that leaves the block where it happened."""
    try:
        yield
    except Exception as error:
        raised = located(error, backend=backend, operation=operation, path=path)
        raise raised from raised.__cause__


def _unanswered(backend: Backend, operation: str, path: str | None) -> PluginError:
    return PluginError(
        f"backend {backend.name!r} answered {operation} with None; a hook must return its result",
        backend=backend.name,
        operation=operation,
        path=path,
    )
