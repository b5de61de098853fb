"""The files and directories of a backend: finding, describing, removing, copying and moving them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_core.errors import NotADirectory, PathNotFound
from polystore_core.manager._arguments import Path, check_flag, posix
from polystore_core.manager._explicit import explicit_backend
from polystore_core.manager._transfer import Transfer
from polystore_core.paths import natural_sorted, normalize_path, select_paths
from polystore_core.plugins import BackendRegistry, Entry, Listing, ListRequest
from polystore_core.plugins._calls import ask, locating

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polystore_core.paths import PathPattern

__all__ = ["IMAGE_EXTENSIONS", "Namespace"]

IMAGE_EXTENSIONS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".npy")
"""What ``list_image_files`` lists unless ``extensions`` says otherwise."""


class Namespace:
    """What a file manager does with files and directories."""

    _registry: BackendRegistry

    @explicit_backend("list")
    def list_files(
        self,
        directory: Path,
        *,
        backend: str,
        pattern: str | PathPattern | None = None,
        extensions: str | Iterable[str] | None = None,
        recursive: bool = False,
    ) -> list[str]:
        """List the files of a directory.

        Parameters
        ----------
        directory
            Where to look.
        backend
            Name of the backend.
        pattern
            A glob for the file name (for the path below ``directory``, if it contains ``/``), or a
            :class:`~polystore_core.PathPattern`.
        extensions
            Suffixes to keep, with or without the leading dot, in any letter case; ``".roi.zip"`` works.
        recursive
            True descends into subdirectories.

        Returns
        -------
        list of str
            POSIX-style paths that start with ``directory`` as it was given, in natural order.

        Raises
        ------
        PathNotFound, NotADirectory
            If there is no such directory.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> fm = FileManager()
        >>> fm.save_batch([b"", b"", b""], ["out/t10.bin", "out/t2.bin", "out/log.txt"], backend="memory")
        >>> fm.list_files("out", backend="memory", extensions="bin")
        ['out/t2.bin', 'out/t10.bin']
        """
        prefix, listing = self._listed(directory, backend, recursive=recursive)
        files = select_paths(listing.files, pattern=pattern, extensions=extensions)
        return [prefix + name for name in natural_sorted(files)]

    @explicit_backend("list")
    def list_image_files(
        self,
        directory: Path,
        *,
        backend: str,
        pattern: str | PathPattern | None = None,
        extensions: str | Iterable[str] | None = None,
        recursive: bool = False,
    ) -> list[str]:
        """List the image files of a directory: :meth:`list_files` with image suffixes by default."""
        return self.list_files(
            directory,
            backend=backend,
            pattern=pattern,
            extensions=IMAGE_EXTENSIONS if extensions is None else extensions,
            recursive=recursive,
        )

    @explicit_backend("list")
    def list_dir(self, directory: Path, *, backend: str) -> list[str]:
        """List what lies directly in a directory, files and directories alike.

        Returns
        -------
        list of str
            POSIX-style paths that start with ``directory`` as it was given, in natural order.

        Raises
        ------
        PathNotFound, NotADirectory
            If there is no such directory.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> fm = FileManager()
        >>> fm.save_batch([b"", b""], ["plate/A01/z0.bin", "plate/notes.txt"], backend="memory")
        >>> fm.list_dir("plate", backend="memory")
        ['plate/A01', 'plate/notes.txt']
        """
        prefix, listing = self._listed(directory, backend, recursive=False)
        return [prefix + name for name in natural_sorted([*listing.files, *listing.directories])]

    @explicit_backend("stat")
    def stat(self, path: Path, *, backend: str) -> Entry:
        """Describe a file or directory without reading it.

        Raises
        ------
        PathNotFound
            If there is none.
        """
        name = normalize_path(path)
        entry: Entry = ask(self._registry.open(backend), "stat", name, path=name)
        return entry._replace(path=posix(path))

    @explicit_backend("stat")
    def exists(self, path: Path, *, backend: str) -> bool:
        """Whether there is a file or directory under the path."""
        return self._entry(path, backend) is not None

    @explicit_backend("stat")
    def is_file(self, path: Path, *, backend: str) -> bool:
        """Whether there is a file under the path."""
        entry = self._entry(path, backend)
        return entry is not None and entry.is_file

    @explicit_backend("stat")
    def is_dir(self, path: Path, *, backend: str) -> bool:
        """Whether there is a directory under the path."""
        entry = self._entry(path, backend)
        return entry is not None and entry.is_directory

    @explicit_backend("make_directory")
    def ensure_directory(self, path: Path, *, backend: str) -> None:
        """Create a directory and its parents; one that exists is left as it is.

        Raises
        ------
        PathExists, NotADirectory
            If the path, or one of its parents, is a file.
        """
        name = normalize_path(path)
        ask(self._registry.open(backend), "make_directory", name, path=name)

    @explicit_backend("delete")
    def delete(self, path: Path, *, backend: str, recursive: bool = False, missing_ok: bool = False) -> None:
        """Remove a file or directory.

        Parameters
        ----------
        path
            What to remove.
        backend
            Name of the backend.
        recursive
            True also removes a directory that is not empty, with everything in it.
        missing_ok
            True makes a missing path no error.

        Raises
        ------
        PathNotFound
            If there is nothing, unless ``missing_ok``.
        DirectoryNotEmpty
            For a directory with content, unless ``recursive``.
        """
        check_flag("recursive", recursive)
        check_flag("missing_ok", missing_ok)
        name = normalize_path(path)
        try:
            ask(self._registry.open(backend), "delete", name, path=name, recursive=recursive)
        except PathNotFound:
            if not missing_ok:
                raise

    @explicit_backend("copy")
    def copy(
        self,
        source: Path,
        target: Path,
        *,
        backend: str,
        target_backend: str | None = None,
        overwrite: bool = False,
    ) -> None:
        """Copy a file or a whole directory, within a backend or to another one.

        Between backends, and between suffixes of different formats, the value is decoded and encoded:
        copying ``a.tif`` to ``a.npy`` gives a valid ``.npy``.

        Parameters
        ----------
        source, target
            From where to where; missing parents of the target are created.
        backend
            Name of the source's backend.
        target_backend
            Name of the target's backend, if it is another one.
        overwrite
            True replaces an existing file. An existing directory is never replaced.

        Raises
        ------
        PathNotFound
            If there is no source.
        PathExists
            If the target exists and may not be replaced.
        UnsupportedOperation
            If a backend lacks what is needed.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> fm = FileManager()
        >>> fm.save("v1", "a.txt", backend="memory")
        >>> fm.copy("a.txt", "kept/a.txt", backend="memory")
        >>> fm.load("kept/a.txt", backend="memory")
        'v1'
        """
        self._transfer("copy", source, target, backend, target_backend, overwrite=overwrite)

    @explicit_backend("move")
    def move(
        self,
        source: Path,
        target: Path,
        *,
        backend: str,
        target_backend: str | None = None,
        overwrite: bool = False,
    ) -> None:
        """Move a file or a whole directory, within a backend or to another one.

        As :meth:`copy`; the source is removed only after the target is complete.

        Raises
        ------
        PathNotFound, PathExists, UnsupportedOperation
            As for :meth:`copy`.
        """
        self._transfer("move", source, target, backend, target_backend, overwrite=overwrite)

    def _listed(self, directory: Path, backend: str, *, recursive: bool) -> tuple[str, Listing]:
        check_flag("recursive", recursive)
        given = posix(directory)
        name = normalize_path(given or ".")
        listing: Listing = ask(
            self._registry.open(backend), "list", name, request=ListRequest(name, recursive)
        )
        return given if given.endswith("/") or not given else f"{given}/", listing

    def _entry(self, path: Path, backend: str) -> Entry | None:
        try:
            return self.stat(path, backend=backend)
        except (PathNotFound, NotADirectory):
            return None

    def _transfer(
        self,
        operation: str,
        source: Path,
        target: Path,
        backend: str,
        target_backend: str | None,
        *,
        overwrite: bool,
    ) -> None:
        check_flag("overwrite", overwrite)
        source_name, target_name = normalize_path(source), normalize_path(target)
        opened = self._registry.open(backend)
        receiver = opened if target_backend is None else self._registry.open(target_backend)
        transfer = Transfer(opened, receiver, overwrite=overwrite)
        with locating(backend, operation, source_name):
            getattr(transfer, operation)(source_name, target_name)
