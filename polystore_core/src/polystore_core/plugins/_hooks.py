"""The hook specifications: everything a plugin can implement.

Four hooks are the heart (read, write, list, stream); the others serve a namespace. A backend can do
what it implements. Every operation hook returns something: ``None`` is an error, never "not mine".
Each class is a :class:`typing.Protocol`, so that a type checker can check an implementer as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_core.data import Data
    from polystore_core.plugins._requests import (
        Entry,
        Listing,
        ListRequest,
        ReadRequest,
        StreamRequest,
        WriteRequest,
    )
    from polystore_core.plugins._sink import Sink

__all__ = [
    "HOOK_SPECIFICATIONS",
    "PROJECT",
    "SupportsClose",
    "SupportsCopy",
    "SupportsDelete",
    "SupportsFlush",
    "SupportsList",
    "SupportsMakeDirectory",
    "SupportsMetrics",
    "SupportsMove",
    "SupportsRead",
    "SupportsStat",
    "SupportsStream",
    "SupportsWrite",
    "hookimpl",
]

PROJECT = "polystore"

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a method as the implementation of the hook of the same name."""

_operation = pluggy.HookspecMarker(PROJECT)(firstresult=True)
_notification = pluggy.HookspecMarker(PROJECT)


class SupportsRead(Protocol):
    """A backend that can be read from."""

    @_operation
    def polystore_read(self, request: ReadRequest) -> Sequence[Data]:
        """Return the values stored under ``request.paths``, in that order.

        Raises
        ------
        PathNotFound, IsADirectory, CorruptData
            About one path.
        BatchError
            About several; ``request.batch.run`` raises it by itself.
        """


class SupportsWrite(Protocol):
    """A backend that can be written to."""

    @_operation
    def polystore_write(self, request: WriteRequest) -> Sequence[int]:
        """Store ``request.data`` under ``request.paths``, creating parents; return the bytes stored for each.

        Each write is old-or-new: whoever reads meanwhile, or after a crash, finds either value whole.
        """


class SupportsList(Protocol):
    """A backend whose directories can be listed."""

    @_operation
    def polystore_list(self, request: ListRequest) -> Listing:
        """Return what ``request.directory`` holds; the caller filters and sorts.

        Raises
        ------
        PathNotFound, NotADirectory
            If there is no such directory.
        """


class SupportsStream(Protocol):
    """A backend that values can be streamed to, a live viewer for example."""

    @_operation
    def polystore_stream(self, request: StreamRequest) -> Sink:
        """Open a sink."""


class SupportsStat(Protocol):
    """A backend that knows its entries without reading them."""

    @_operation
    def polystore_stat(self, path: str) -> Entry:
        """Describe the file or directory; a missing one is a ``PathNotFound``."""


class SupportsDelete(Protocol):
    """A backend that can forget."""

    @_operation
    def polystore_delete(self, path: str, recursive: bool) -> int:
        """Remove the file or directory; return how many files went.

        Raises
        ------
        DirectoryNotEmpty
            For a directory with content, unless ``recursive``.
        """


class SupportsMove(Protocol):
    """A backend that can rename without reading. Without it the file manager copies and deletes."""

    @_operation
    def polystore_move(self, source: str, target: str, overwrite: bool) -> int:
        """Rename a file or a whole directory; return how many files moved."""


class SupportsCopy(Protocol):
    """A backend that can copy without decoding. Without it the file manager reads and writes."""

    @_operation
    def polystore_copy(self, source: str, target: str, overwrite: bool) -> int:
        """Copy a file or a whole directory; return how many files were copied."""


class SupportsMakeDirectory(Protocol):
    """A backend with directories of their own."""

    @_operation
    def polystore_make_directory(self, path: str) -> bool:
        """Create the directory and its parents; return False if it was there already."""


class SupportsFlush(Protocol):
    """A backend that delivers later than it accepts."""

    @_operation
    def polystore_flush(self, timeout: float | None) -> int:
        """Wait up to ``timeout`` seconds for delivery; return how many values have not arrived."""


class SupportsMetrics(Protocol):
    """A backend that counts what it does."""

    @_operation
    def polystore_metrics(self) -> Mapping[str, Any]:
        """Return names and values: numbers, text, ``None``, and mappings of them."""


class SupportsClose(Protocol):
    """A backend that holds resources."""

    @_notification
    def polystore_close(self) -> None:
        """Release everything; called once, when the registry closes."""


HOOK_SPECIFICATIONS: tuple[type, ...] = (
    SupportsRead,
    SupportsWrite,
    SupportsList,
    SupportsStream,
    SupportsStat,
    SupportsDelete,
    SupportsMove,
    SupportsCopy,
    SupportsMakeDirectory,
    SupportsFlush,
    SupportsMetrics,
    SupportsClose,
)
