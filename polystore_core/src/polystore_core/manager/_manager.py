"""The file manager: one call per thing to do, always with the backend that shall do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from polystore_core.errors import InvalidOption, PluginError
from polystore_core.manager._explicit import explicit_backend
from polystore_core.manager._namespace import Namespace
from polystore_core.manager._values import Values
from polystore_core.plugins import (
    OPERATIONS,
    BackendInfo,
    BackendRegistry,
    Sink,
    StreamRequest,
)
from polystore_core.plugins._calls import ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["FileManager"]

_DOES = {
    "load": "read",
    "load_batch": "read",
    "save": "write",
    "save_batch": "write",
    "list_files": "list",
    "list_image_files": "list",
    "list_dir": "list",
    "exists": "stat",
    "is_file": "stat",
    "is_dir": "stat",
    "ensure_directory": "make_directory",
}
"""Which operation of the backend a method needs, where the names differ."""


class FileManager(Values, Namespace):
    """Saves and loads through named backends.

    ``backend`` is keyword-only and required everywhere: exactly the named backend answers, or there is
    an error. What a call means does not depend on the backend. All methods may be called from several
    threads. A file manager pickles small and works on in a spawned or forked worker.

    Parameters
    ----------
    registry
        The backends to choose from; by default a new registry over everything installed.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_core import BackendRegistry, FileManager
    >>> fm = FileManager(BackendRegistry())
    >>> image = np.arange(6, dtype=np.uint16).reshape(2, 3)
    >>> fm.save(image, "plate/A01.npy", backend="memory")
    >>> fm.load("plate/A01.npy", backend="memory")
    array([[0, 1, 2],
           [3, 4, 5]], dtype=uint16)
    >>> fm.list_files("plate", backend="memory")
    ['plate/A01.npy']
    """

    def __init__(self, registry: BackendRegistry | None = None) -> None:
        self._registry = _checked(registry)

    def __repr__(self) -> str:
        return f"FileManager({self._registry!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @explicit_backend("stream")
    def stream(self, *, backend: str, **options: Any) -> Sink:
        """Open a sink for values that keep coming, at a live viewer for example.

        Parameters
        ----------
        backend
            Name of the backend.
        **options
            What this backend understands.

        Returns
        -------
        Sink
            ``append(data, path)``, ``flush(timeout)`` and ``close()``; use it in a ``with`` block.

        Raises
        ------
        UnsupportedOperation
            If the backend cannot stream; the message says what it can do.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> FileManager().stream(backend="memory")
        Traceback (most recent call last):
        ...
        polystore_core.errors.UnsupportedOperation: backend 'memory' cannot stream; it can: read, write, \
list, stat, delete, move, copy, make_directory
        """
        sink = ask(self._registry.open(backend), "stream", None, request=StreamRequest(options))
        if not isinstance(sink, Sink):
            raise PluginError(f"backend {backend!r} streams to a {type(sink).__name__}, which is not a Sink")
        return sink

    @explicit_backend("flush")
    def flush(self, *, backend: str, timeout: float | None = None) -> int:
        """Wait until everything accepted so far has been delivered.

        Parameters
        ----------
        backend
            Name of the backend. One that stores before it returns has nothing to deliver.
        timeout
            Seconds to wait at most; ``None`` waits as long as it takes.

        Returns
        -------
        int
            Number of values that have not been delivered.
        """
        if not self._registry.open(backend).can("flush"):
            return 0
        undelivered: int = ask(self._registry.open(backend), "flush", None, timeout=timeout)
        return undelivered

    def metrics(self) -> dict[str, Mapping[str, Any]]:
        """Return what the open backends that count have counted.

        Returns
        -------
        dict of str to mapping
            Name of the backend -> its counts. A live viewer's are, per viewer: frames offered, sent, dropped,
            shown, and so on.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> FileManager().metrics()
        {}
        """
        return {
            backend.name: ask(backend, "metrics", None)
            for backend in self._registry.opened()
            if backend.can("metrics")
        }

    def close(self) -> None:
        """Close every backend that was opened; what the memory backend holds is gone."""
        self._registry.close()

    def backends(self) -> list[BackendInfo]:
        """Describe every installed and registered backend without importing any.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> [info.name for info in FileManager().backends() if info.name in ("disk", "memory")]
        ['disk', 'memory']
        """
        return self._registry.backends()

    @explicit_backend(None)
    def can(self, operation: str, *, backend: str) -> bool:
        """Whether a backend can do something.

        Parameters
        ----------
        operation
            An operation (``"read"``, ``"write"``, ``"list"``, ``"stream"``, ``"stat"``, ``"delete"``,
            ``"move"``, ``"copy"``, ``"make_directory"``, ``"flush"``, ``"metrics"``) or the name of a method
            of this class.
        backend
            Name of the backend.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> fm = FileManager()
        >>> fm.can("load", backend="memory"), fm.can("stream", backend="memory")
        (True, False)
        """
        needed = _DOES.get(operation, operation)
        if needed not in OPERATIONS:
            raise InvalidOption(f"no operation {operation!r}; operations: {', '.join(OPERATIONS)}")
        opened = self._registry.open(backend)
        if needed in ("copy", "move") and not opened.can(needed):
            return opened.can("read") and opened.can("write") and (needed == "copy" or opened.can("delete"))
        return opened.can(needed)


def _checked(registry: object) -> BackendRegistry:
    if registry is None:
        return BackendRegistry()
    if not isinstance(registry, BackendRegistry):
        raise InvalidOption(
            f"FileManager takes a BackendRegistry; got {type(registry).__name__}. "
            "Write FileManager(BackendRegistry({name: {option: value}}))"
        )
    return registry
