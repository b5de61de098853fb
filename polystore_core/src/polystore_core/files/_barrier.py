"""One barrier for many files: write all, sync all, rename all, sync each directory once."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Self

from polystore_core.errors import BatchError
from polystore_core.files._staged import StagedFile
from polystore_core.files._writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["AtomicBatch"]

_MOST_OPEN_FILES = 64


class AtomicBatch:
    """Write many files durably at the price of one barrier instead of one per file.

    Files are staged by :meth:`writer`, from any number of threads, and keep their old content until
    :meth:`commit`, which forces all of them to the medium, gives all of them their names, and forces
    each directory once. A crash before or within ``commit`` leaves each file old or new, never torn;
    when it has returned all files survive the loss of power. Leaving the block commits; an error in
    the block leaves all files as they were.

    Parameters
    ----------
    root
        As in :func:`atomic_writer`.

    Examples
    --------
    >>> import os, tempfile
    >>> directory = tempfile.mkdtemp()
    >>> with AtomicBatch() as batch:
    ...     for name in ("a.bin", "b.bin"):
    ...         with batch.writer(os.path.join(directory, name)) as file:
    ...             _ = file.write(b"pixels")
    >>> sorted(os.listdir(directory))
    ['a.bin', 'b.bin']
    """

    def __init__(self, *, root: str | os.PathLike[str] | None = None) -> None:
        self._root = root
        self._guard = threading.Lock()
        self._open: list[StagedFile] = []
        self._synced: list[StagedFile] = []
        self._failed: dict[str, Exception] = {}

    def writer(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> Writer:
        """Stage one file; like :func:`atomic_writer`, except that the target changes only in :meth:`commit`.

        Parameters
        ----------
        path, overwrite
            As in :func:`atomic_writer`.

        Raises
        ------
        PathExists, IsADirectory, NotADirectory, StorageFull, AccessDenied, StorageError
            As in :func:`atomic_writer`; the other files of the batch are not affected.
        """
        stage = partial(StagedFile, path, overwrite=overwrite, durability="durable", root=self._root)
        return _BatchWriter(stage, self._add)

    def commit(self) -> dict[str, Exception]:
        """Make everything staged so far durable and visible.

        Returns
        -------
        dict of str to Exception
            The paths that failed, as they were given, each with its error; they keep their old content. All
            other staged paths are done.
        """
        with self._guard:
            waiting = self._take_open()
        self._sync(waiting)
        with self._guard:
            staged, self._synced = self._synced, []
            failed, self._failed = self._failed, {}
        directories: dict[tuple[int, int], list[StagedFile]] = {}
        for file in staged:
            try:
                file.publish()
                status = os.stat(file.place.directory, dir_fd=file.place.dir_fd)
                directories.setdefault((status.st_dev, status.st_ino), []).append(file)
            except Exception as error:
                failed[file.path] = _translated(file, error)
                _drop(file)
        for files in directories.values():
            try:
                files[0].sync_directory()
            except OSError as error:
                failed |= {file.path: _translated(file, error) for file in files}
            for file in files:
                file.close()
        return failed

    def discard(self) -> None:
        """Remove what is staged; every target stays as it was."""
        with self._guard:
            staged = self._take_open() + self._synced
            self._synced = []
        for file in staged:
            _drop(file)

    def _add(self, staged: StagedFile) -> None:
        """Take a written file, and force those that wait to the medium before they are too many."""
        staged.finish()
        with self._guard:
            self._open.append(staged)
            full = self._take_open() if len(self._open) >= _MOST_OPEN_FILES else []
        self._sync(full)

    def _take_open(self) -> list[StagedFile]:
        taken, self._open = self._open, []
        return taken

    def _sync(self, staged: list[StagedFile]) -> None:
        """Force files to the medium and close them; each keeps its descriptor until then, for its errors."""
        for file in staged:
            try:
                file.sync()
                file.release()
            except Exception as error:
                _drop(file)
                with self._guard:
                    self._failed[file.path] = _translated(file, error)
            else:
                with self._guard:
                    self._synced.append(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if exc is not None:
            self.discard()
            return
        staged = [file.path for file in (*self._synced, *self._open)]
        failed = self.commit()
        if failed:
            done = [path for path in staged if path not in failed]
            raise BatchError.from_outcome(done=done, failed=failed)


class _BatchWriter(Writer):
    """Leaves a written file to its batch."""

    __slots__ = ("_add", "_make")

    def __init__(self, make: Callable[[], StagedFile], add: Callable[[StagedFile], None]) -> None:
        self._make = make
        self._add = add

    def _stage(self) -> StagedFile:
        return self._make()

    def _complete(self, staged: StagedFile) -> None:
        self._add(staged)


def _drop(staged: StagedFile) -> None:
    staged.discard()
    staged.close()


def _translated(staged: StagedFile, error: Exception) -> Exception:
    translated = staged.translate(error)
    if translated is not error:
        translated.__cause__ = error
    return translated if isinstance(translated, Exception) else error
