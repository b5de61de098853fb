"""Base classes for authors who would rather write methods than hooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from polystore_core.plugins._hooks import hookimpl
from polystore_core.plugins._options import check_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_core.data import Data
    from polystore_core.plugins._requests import Entry, Listing, ListRequest, ReadRequest, WriteRequest

__all__ = ["DataSink", "DataSource", "StorageBackend"]


class DataSource(ABC):
    """A backend that is read from: implement :meth:`read`, :meth:`list_directory` and :meth:`stat`.

    Batches come for free: the paths of a request are read in parallel by ``request.batch``. Further
    keyword-only parameters of :meth:`read` are the options of a load; their annotations are checked.
    """

    @abstractmethod
    def read(self, path: str, *, copy: bool) -> Data:
        """Return what is stored under a normalised path.

        Parameters
        ----------
        path
            Normalised path.
        copy
            True asks for an independent, writable value; False allows a read-only view.

        Raises
        ------
        PathNotFound, IsADirectory, CorruptData
        """

    @abstractmethod
    def list_directory(self, directory: str, *, recursive: bool) -> Listing:
        """Return what a directory holds, relative to it, in any order.

        Raises
        ------
        PathNotFound, NotADirectory
        """

    @abstractmethod
    def stat(self, path: str) -> Entry:
        """Describe a file or directory.

        Raises
        ------
        PathNotFound
        """

    @hookimpl
    def polystore_read(self, request: ReadRequest) -> list[Data]:
        """Read every path of the request with :meth:`read`."""
        read: Callable[..., Data] = self.read
        paths, options = request.paths, request.options
        check_options(read, options, owner="load", given=("copy",))
        return request.batch.run(paths, lambda index: read(paths[index], copy=request.copy, **options))

    @hookimpl
    def polystore_list(self, request: ListRequest) -> Listing:
        """List with :meth:`list_directory`."""
        return self.list_directory(request.directory, recursive=request.recursive)

    @hookimpl
    def polystore_stat(self, path: str) -> Entry:
        """Describe with :meth:`stat`."""
        return self.stat(path)


class DataSink(ABC):
    """A backend that is written to: implement :meth:`write`.

    Further keyword-only parameters that a subclass gives :meth:`write` are the options of a save; their
    annotations are checked.
    """

    @abstractmethod
    def write(self, data: Data, path: str, *, overwrite: bool, copy: bool) -> int:
        """Store a value under a normalised path, creating parents; return the bytes stored.

        Parameters
        ----------
        data
            A value of one of the data kinds; neither to be changed nor, when ``copy``, to be kept.
        path
            Normalised path.
        overwrite
            False makes an existing path an error, decided atomically.
        copy
            False allows to adopt the caller's memory.

        Raises
        ------
        PathExists, IsADirectory, UnsupportedData, StorageFull
        """

    @hookimpl
    def polystore_write(self, request: WriteRequest) -> list[int]:
        """Write every path of the request with :meth:`write`."""
        write: Callable[..., int] = self.write
        paths, options = request.paths, request.options
        check_options(write, options, owner="save", given=("overwrite", "copy"))
        write = partial(write, overwrite=request.overwrite, copy=request.copy, **options)
        moved = request.known_bytes if request.copy else int  # what is adopted takes no time
        return request.batch.run(paths, lambda index: write(request.data[index], paths[index]), nbytes=moved)


class StorageBackend(DataSource, DataSink):
    """A backend that is read and written: add :meth:`delete` and :meth:`make_directory`.

    Implement the hooks ``polystore_move`` and ``polystore_copy`` too where the store can rename or copy
    without decoding; otherwise the file manager reads, writes and deletes.

    Examples
    --------
    The memory backend in ``plugins/polystore_memory`` is a complete one; the smallest possible is built
    step by step in the plugin guide.
    """

    @abstractmethod
    def delete(self, path: str, *, recursive: bool) -> int:
        """Remove a file or directory; return how many files went.

        Raises
        ------
        PathNotFound, DirectoryNotEmpty
        """

    @abstractmethod
    def make_directory(self, path: str) -> bool:
        """Create a directory and its parents; return False if it was there already.

        Raises
        ------
        PathExists, NotADirectory
            If the path, or one of its parents, is a file.
        """

    @hookimpl
    def polystore_delete(self, path: str, recursive: bool) -> int:
        """Remove with :meth:`delete`."""
        return self.delete(path, recursive=recursive)

    @hookimpl
    def polystore_make_directory(self, path: str) -> bool:
        """Create with :meth:`make_directory`."""
        return self.make_directory(path)
