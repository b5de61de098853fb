"""Reading what a backend has stored, in the viewer's process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.plugins import BackendRegistry, ReadRequest, ask
from polystore_streaming.sender import prepare
from polystore_streaming.viewer._showing import content_of

if TYPE_CHECKING:
    from polystore_streaming.viewer._content import Content, Stored

__all__ = ["StoredReader", "read_stored"]


class StoredReader:
    """Reads values with the backend that has stored them; they are views where the backend has some.

    Parameters
    ----------
    stored
        What is to be read.
    """

    def __init__(self, stored: Stored) -> None:
        self._options = stored.options
        self._backend = BackendRegistry().open(stored.backend)

    def read(self, path: str, **options: Any) -> Any:
        """Return the value under a path, with further options of the load.

        Raises
        ------
        PolyStoreError
            If it cannot be read; what is missing is a ``PathNotFound``, as it is for the file manager.
        """
        request = ReadRequest((path,), copy=False, options={**options, **self._options})
        return ask(self._backend, "read", path, request=request)[0]


def read_stored(stored: Stored, layer: str | None = None) -> Content:
    """Read a stored value as what a save of it to the viewer would have sent.

    Parameters
    ----------
    stored
        What is to be read.
    layer
        Title of its layer; by default the path.

    Raises
    ------
    PolyStoreError
        If it cannot be read, or is nothing that viewers show.
    """
    prepared = prepare(StoredReader(stored).read(stored.path), stored.path, layer=layer)
    named = {spec.name: array for spec, array in zip(prepared.message.arrays, prepared.arrays, strict=True)}
    return content_of(prepared.message, named)
