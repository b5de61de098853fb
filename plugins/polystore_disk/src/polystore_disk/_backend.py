"""The disk backend."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from polystore_core import (
    BatchError,
    Entry,
    InvalidOption,
    InvalidPath,
    NotADirectory,
    PathExists,
    PathNotFound,
    PolyStoreError,
    hookimpl,
)
from polystore_core.files import (
    AtomicBatch,
    Durability,
    atomic_writer,
    check_durability,
    locate,
    make_directories,
    translate_os_error,
)
from polystore_disk._codec import Codecs
from polystore_disk._deletion import delete
from polystore_disk._listing import list_tree, open_directory, sweep
from polystore_disk._opening import open_file
from polystore_disk._transfer import copy_file, copy_tree, crosses_file_systems, is_directory, move

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_core.data import Data
    from polystore_core.plugins import Listing, ListRequest, ReadRequest, WriteRequest
    from polystore_disk._codec import Codec

__all__ = ["DiskBackend"]


class DiskBackend:
    """Files on disk, each in the format that its suffix names.

    Every write is old-or-new: a file is written beside its target and renamed. What a writer that was
    killed leaves behind is removed when its directory is next listed or written to. Which formats there
    are, and their options, is up to the entry-point group ``polystore.formats``.

    Parameters
    ----------
    root
        Directory that paths are relative to and that neither a path nor a link may leave. Without it,
        paths are those of the operating system.
    durability
        ``"atomic"``: old or new after any end of the process. ``"durable"``: a finished save also survives
        the loss of power; a batch is forced to the medium once, not file by file.
    max_bytes
        What a file may decode to; by default 512 MiB or 64 times the size of the file, whichever is more.
        Also an option of each load.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from polystore_core import BackendRegistry, FileManager
    >>> fm = FileManager(BackendRegistry({"disk": {"root": tempfile.mkdtemp()}}))
    >>> fm.save(np.zeros((2, 3), np.uint16), "plate/A01.tif", backend="disk", compression="zstd")
    >>> fm.load("plate/A01.tif", backend="disk").shape
    (2, 3)
    >>> fm.load("../secret.tif", backend="disk")
    Traceback (most recent call last):
    ...
    polystore_core.errors.AccessDenied: '../secret.tif' leads out of the root of its store; \
name a path below it
    """

    def __init__(
        self,
        *,
        root: str | os.PathLike[str] | None = None,
        durability: Durability = "atomic",
        max_bytes: int | None = None,
    ) -> None:
        if max_bytes is not None and max_bytes < 0:
            raise InvalidOption(f"max_bytes takes a number of bytes or None; got {max_bytes}")
        self._root = None if root is None else os.path.abspath(root)
        self._durability: Durability = durability
        self._codecs = Codecs(max_bytes)
        self._swept: set[str] = set()

    @hookimpl
    def polystore_read(self, request: ReadRequest) -> list[Data]:
        """Decode files; several in parallel, one with all threads."""
        paths, batch = request.paths, request.batch
        codecs = list(map(self._codecs.find, paths))
        for codec in dict.fromkeys(codecs):
            if codec is not None:
                codec.check_read(request.options)
        threads = batch.threads_each(len(paths))

        def read(index: int) -> Data:
            return self._read(
                paths[index], codecs[index], copy=request.copy, threads=threads, options=request.options
            )

        return batch.run(paths, read, parallel=_gain_from_threads(codecs))

    @hookimpl
    def polystore_write(self, request: WriteRequest) -> list[int]:
        """Encode files and put them in their place atomically.

        The option ``durability`` overrides the configured one; the others are those of the format.
        """
        options, durability = request.options, self._durability
        if "durability" in options:
            options = dict(options)
            durability = check_durability(options.pop("durability"))
        codecs = list(map(self._codecs.find, request.paths))
        for codec in dict.fromkeys(codecs):
            if codec is not None:
                codec.check_write(options)
        if durability == "durable" and len(request.paths) > 1:
            return self._write_behind_barrier(request, codecs, options)
        threads = partial(request.batch.threads_each, len(request.paths))

        def write(index: int) -> int:
            path = request.paths[index]
            codec = codecs[index] or self._refused(path)
            self._sweep_around(path)
            writer = atomic_writer(path, overwrite=request.overwrite, durability=durability, root=self._root)
            return codec.encode(request.data[index], writer, threads=threads, options=options)

        return request.batch.run(
            request.paths, write, parallel=_gain_from_threads(codecs), nbytes=request.known_bytes
        )

    @hookimpl
    def polystore_list(self, request: ListRequest) -> Listing:
        """List a directory; links to directories are not descended into."""
        directory = request.directory
        if self._root is None:
            self._swept.add(directory)
        try:
            return list_tree(directory, root=self._root, recursive=request.recursive)
        except NotADirectoryError as error:
            self._stat(directory, "list")
            raise NotADirectory(
                f"{directory!r} is a file, not a directory; load it", path=directory
            ) from error

    @hookimpl
    def polystore_stat(self, path: str) -> Entry:
        """Describe a file or directory, links followed."""
        status = self._stat(path, "stat")
        directory = stat.S_ISDIR(status.st_mode)
        return Entry(path, directory, None if directory else status.st_size, status.st_mtime)

    @hookimpl
    def polystore_delete(self, path: str, recursive: bool) -> int:
        """Remove a file, a link (not what it points to) or a directory."""
        try:
            return delete(path, root=self._root, recursive=recursive)
        except NotADirectoryError as error:
            raise _missing(path, "delete") from error

    @hookimpl
    def polystore_move(self, source: str, target: str, overwrite: bool) -> int:
        """Rename; between formats the value is decoded and encoded, between file systems it is copied."""
        directory = self._is_directory(source, "move")
        if not directory and self._changes_format(source, target):
            self._transcode(source, target, overwrite=overwrite)
            return delete(source, root=self._root, recursive=False)
        try:
            move(source, target, root=self._root, overwrite=overwrite)
        except NotADirectoryError as error:
            raise _blocked(target, "move") from error
        except OSError as error:
            if not crosses_file_systems(error):
                raise
            self.polystore_copy(source, target, overwrite)
            return delete(source, root=self._root, recursive=directory)
        return len(list_tree(target, root=self._root, recursive=True).files) if directory else 1

    @hookimpl
    def polystore_copy(self, source: str, target: str, overwrite: bool) -> int:
        """Copy the bytes; between formats the value is decoded and encoded."""
        if self._is_directory(source, "copy"):
            try:
                return copy_tree(source, target, root=self._root, durability=self._durability)
            except NotADirectoryError as error:
                raise _blocked(target, "copy") from error
        if self._changes_format(source, target):
            self._transcode(source, target, overwrite=overwrite)
        else:
            copy_file(source, target, root=self._root, overwrite=overwrite, durability=self._durability)
        return 1

    @hookimpl
    def polystore_make_directory(self, path: str) -> bool:
        """Create a directory and its parents."""
        try:
            existed = self._is_directory(path, "create")
        except PathNotFound:
            existed = False
        else:
            if not existed:
                raise PathExists(f"{path!r} is a file; delete it, or choose another path", path=path)
        if not existed:
            if self._root is None:
                _make_directories(path)
            else:
                with locate(path, root=self._root, make_parents=True) as place, suppress(FileExistsError):
                    os.mkdir(place.name, dir_fd=place.dir_fd)
        return not existed

    def _read(
        self, path: str, codec: Codec | None, *, copy: bool, threads: int, options: Mapping[str, Any]
    ) -> Data:
        try:
            file = open_file(path, root=self._root)
        except NotADirectoryError as error:
            raise _missing(path, "read") from error
        with file:
            codec = codec or self._codecs.of(path)
            return codec.decode(path, file, copy=copy, threads=threads, options=options)

    def _write_behind_barrier(
        self, request: WriteRequest, codecs: Sequence[Codec | None], options: Mapping[str, Any]
    ) -> list[int]:
        """Write all, then force all to the medium and rename all."""
        barrier = AtomicBatch(root=self._root)

        def stage(index: int) -> int:
            path = request.paths[index]
            codec = codecs[index] or self._refused(path)
            self._sweep_around(path)
            writer = barrier.writer(path, overwrite=request.overwrite)
            return codec.encode(request.data[index], writer, threads=_one, options=options)

        unfinished: BatchError | None = None
        sizes: list[int] = []
        try:
            try:
                sizes = request.batch.run(
                    request.paths, stage, parallel=_gain_from_threads(codecs), nbytes=request.known_bytes
                )
            except BatchError as error:
                unfinished = error
            uncommitted = barrier.commit()
        finally:
            barrier.discard()
        if unfinished or uncommitted:
            failed = {**(unfinished.failed if unfinished else {}), **uncommitted}
            staged = unfinished.done if unfinished else request.paths
            raise BatchError.from_outcome(
                done=[path for path in staged if path not in uncommitted],
                failed=failed,
                not_started=unfinished.not_started if unfinished else (),
            ) from unfinished
        return sizes

    def _refused(self, path: str) -> Codec:
        """Say why a path without a known suffix cannot be written: a directory is refused as one."""
        if self._is_existing_directory(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return self._codecs.of(path)

    def _transcode(self, source: str, target: str, *, overwrite: bool) -> None:
        value = self._read(source, self._codecs.of(source), copy=False, threads=1, options={})
        writer = atomic_writer(target, overwrite=overwrite, durability=self._durability, root=self._root)
        self._codecs.of(target).encode(value, writer, threads=_one, options={})

    def _changes_format(self, source: str, target: str) -> bool:
        formats = {self._codecs.suffix_of(source), self._codecs.suffix_of(target)}
        return len(formats) == 2 and None not in formats

    def _is_directory(self, path: str, operation: str) -> bool:
        try:
            return is_directory(path, root=self._root)
        except NotADirectoryError as error:
            raise _missing(path, operation) from error
        except FileNotFoundError as error:
            raise _missing(path, operation) from error

    def _is_existing_directory(self, path: str) -> bool:
        try:
            return self._is_directory(path, "write")
        except PathNotFound:
            return False

    def _stat(self, path: str, operation: str) -> os.stat_result:
        try:
            with locate(path, root=self._root) as place:
                return os.stat(place.name, dir_fd=place.dir_fd)
        except NotADirectoryError as error:
            raise _missing(path, operation) from error

    def _sweep_around(self, path: str) -> None:
        """Remove orphaned temporaries the first time that this backend writes into a directory."""
        directory = path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")
        if directory in self._swept:
            return
        self._swept.add(directory)
        with suppress(OSError, InvalidPath), open_directory(directory, root=self._root) as handle:
            sweep(handle)


def _make_directories(path: str) -> None:
    try:
        make_directories(path)
    except NotADirectoryError as error:
        raise _blocked(path, "create") from error


def _blocked(path: str, operation: str) -> PolyStoreError:
    """Return the error for a path below a file."""
    return translate_os_error(NotADirectoryError(errno.ENOTDIR, ""), path=path, operation=operation)


def _one() -> int:
    """How many threads a codec may use beside others, or for a single copy."""
    return 1


def _gain_from_threads(codecs: Sequence[Codec | None]) -> bool:
    """Whether several files at once are faster in several threads."""
    return len(codecs) > 1 and any(codec is None or codec.parallel for codec in codecs)


def _missing(path: str, operation: str) -> PathNotFound:
    return PathNotFound(f"cannot {operation} {path!r}: there is no such file or directory", path=path)
