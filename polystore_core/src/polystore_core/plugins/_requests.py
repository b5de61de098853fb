"""The values that travel from the file manager to a plugin and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_core.data._sizes import known_bytes
from polystore_core.plugins._batch import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_core.data import Data

__all__ = ["Entry", "ListRequest", "Listing", "ReadRequest", "StreamRequest", "WriteRequest"]


class ReadRequest(NamedTuple):
    """Read one or more files.

    Attributes
    ----------
    paths
        Normalised paths; a single load is a batch of one.
    copy
        True asks for independent, writable values; False allows read-only views of the stored ones.
    options
        What the caller gave beyond the common arguments; an option the backend does not know is
        an :class:`~polystore_core.InvalidOption`.
    batch
        Thread budget, progress and cancellation: ``request.batch.run(request.paths, task)``.
    """

    paths: tuple[str, ...]
    copy: bool = True
    options: Mapping[str, Any] = {}
    batch: Batch = Batch()


class WriteRequest(NamedTuple):
    """Write one or more files.

    Attributes
    ----------
    paths
        Normalised paths, all different; a single save is a batch of one.
    data
        One value per path, already one of the data kinds: arrays are native-endian numpy arrays
        without object dtype, of any memory layout. Not to be changed, and not to be kept when
        ``copy`` is true.
    overwrite
        False makes an existing path a :class:`~polystore_core.PathExists`, decided atomically.
    copy
        False lets the backend adopt the caller's memory.
    options
        As in :class:`ReadRequest`.
    batch
        As in :class:`ReadRequest`.
    """

    paths: tuple[str, ...]
    data: Sequence[Data]
    overwrite: bool = True
    copy: bool = True
    options: Mapping[str, Any] = {}
    batch: Batch = Batch()

    def known_bytes(self) -> int:
        """Return the bytes of the arrays to write, as far as they are known before any is looked at."""
        return known_bytes(self.data)


class ListRequest(NamedTuple):
    """List one directory; with ``recursive`` everything below it."""

    directory: str
    recursive: bool = False


class StreamRequest(NamedTuple):
    """Open a sink for values that keep coming."""

    options: Mapping[str, Any] = {}


class Listing(NamedTuple):
    """What a directory holds, as POSIX-style paths relative to it, in any order."""

    files: Sequence[str]
    directories: Sequence[str]


class Entry(NamedTuple):
    """What a backend knows about one path without reading it.

    Attributes
    ----------
    path
        The path as it was asked for.
    is_directory
        True for a directory, False for a file.
    size
        Bytes as stored (compressed, if the format compresses); ``None`` for directories.
    modified
        Time of the last change in seconds since the epoch; ``None`` where the backend keeps none.
    """

    path: str
    is_directory: bool
    size: int | None = None
    modified: float | None = None

    @property
    def is_file(self) -> bool:
        """True for a file, False for a directory."""
        return not self.is_directory
