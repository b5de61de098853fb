"""The file manager: one call per thing to do, always with the backend that shall do it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

from polystore_core.data import normalize, to_framework
from polystore_core.errors import InvalidOption, NotADirectory, PathNotFound, PluginError, PolyStoreError
from polystore_core.manager._arguments import batch_names, batch_values, checked_workers, posix
from polystore_core.manager._explicit import explicit_backend
from polystore_core.manager._progress import reporting
from polystore_core.manager._transfer import Transfer
from polystore_core.paths import natural_sorted, normalize_path, select_paths
from polystore_core.plugins import (
    OPERATIONS,
    BackendInfo,
    BackendRegistry,
    Batch,
    Entry,
    Listing,
    ListRequest,
    ReadRequest,
    Sink,
    StreamRequest,
    WriteRequest,
)
from polystore_core.plugins._calls import ask, ask_batch, locating, one_for_each

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from polystore_core.data import SupportedData
    from polystore_core.paths import PathPattern
    from polystore_core.plugins import CancelToken, Progress

__all__ = ["IMAGE_EXTENSIONS", "FileManager"]

Path = str | os.PathLike[str]

IMAGE_EXTENSIONS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".npy")
"""What ``list_image_files`` lists unless ``extensions`` says otherwise."""

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


class FileManager:
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

    @explicit_backend
    def save(
        self,
        data: SupportedData,
        path: Path,
        *,
        backend: str,
        overwrite: bool = True,
        copy: bool = True,
        **options: Any,
    ) -> None:
        """Store one value.

        Parameters
        ----------
        data
            An array of any shape and axis order (numpy, or anything that speaks DLPack or ``__array__``),
            bytes, text, a JSON value or a table of named columns. It is not changed.
        path
            Where to; missing parents are created.
        backend
            Name of the backend.
        overwrite
            True replaces an existing file atomically; False leaves it and raises.
        copy
            False lets a backend that keeps values in memory adopt the array: no copy is made, and the
            array becomes read-only.
        **options
            What this backend, or the format of this path, understands beyond that.

        Raises
        ------
        PathExists
            If the path exists and ``overwrite`` is false.
        UnsupportedData
            If the value cannot be held without changing it; ``None`` and object arrays never can.
        IsADirectory, NotADirectory
            If the path is a directory, or one of its parents is a file.
        StorageFull
            If there is no room; what was there before stays.
        InvalidOption
            For an unknown option; the message lists the valid ones.

        Examples
        --------
        >>> import numpy as np
        >>> from polystore_core import FileManager
        >>> fm = FileManager()
        >>> fm.save(np.zeros((2, 2)), "a.npy", backend="memory")
        >>> fm.save(np.ones((2, 2)), "a.npy", backend="memory", overwrite=False)
        Traceback (most recent call last):
        ...
        polystore_core.errors.PathExists: 'a.npy' exists already; pass overwrite=True to replace it
        """
        name = normalize_path(path)
        try:
            value = normalize(data)
        except PolyStoreError as error:
            error.locate(backend=backend, operation="write", path=name)
            raise
        request = WriteRequest((name,), (value,), overwrite, copy, options)
        ask(self._registry.open(backend), "write", name, request=request)

    @explicit_backend
    def load(
        self,
        path: Path,
        *,
        backend: str,
        copy: bool = True,
        framework: str | None = None,
        device: str | None = None,
        **options: Any,
    ) -> Any:
        """Return one value.

        Parameters
        ----------
        path
            Where from.
        backend
            Name of the backend.
        copy
            True gives an independent, writable array; False allows a read-only view of what is stored,
            without a copy where the backend can (memory, memory-mapped ``.npy``).
        framework
            ``"torch"``, ``"jax"``, ``"tensorflow"`` or ``"cupy"`` gives that framework's array instead of
            a numpy array; dtype and values are those stored.
        device
            Where the framework shall put it, in its own words: ``"cpu"``, ``"cuda:0"``.
        **options
            What this backend, or the format of this path, understands beyond that.

        Returns
        -------
        object
            What was saved: same kind, dtype, shape and values, byte order native.

        Raises
        ------
        PathNotFound, IsADirectory
            If there is no such file.
        CorruptData
            If what is stored cannot be decoded.
        BackendUnavailable
            If the framework is not installed.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> fm = FileManager()
        >>> fm.save({"exposure_ms": 20}, "settings.json", backend="memory")
        >>> fm.load("settings.json", backend="memory")
        {'exposure_ms': 20}
        """
        name = normalize_path(path)
        request = ReadRequest((name,), copy, options)
        values = ask(self._registry.open(backend), "read", name, request=request)
        (value,) = one_for_each(values, (name,), backend)
        if framework is not None or device is not None:
            return to_framework(value, framework or "numpy", device=device)
        return value

    @explicit_backend
    def save_batch(
        self,
        data: Sequence[SupportedData],
        paths: Sequence[Path],
        *,
        backend: str,
        overwrite: bool = True,
        copy: bool = True,
        workers: int | None = None,
        progress: bool | Progress = False,
        cancel: CancelToken | None = None,
        **options: Any,
    ) -> None:
        """Store many values, in parallel inside the backend.

        Every path is tried, also after another one failed.

        Parameters
        ----------
        data
            One value per path; an array counts as the sequence of its first axis.
        paths
            All different.
        backend, overwrite, copy
            As for :meth:`save`.
        workers
            Thread budget of the whole call; by default the processors this process may use.
        progress
            True shows a bar; a function is called with (done, total) from this thread.
        cancel
            Anything with ``is_set()``, a :class:`threading.Event` for example; once set, no further path
            is started.
        **options
            As for :meth:`save`, for every path.

        Raises
        ------
        BatchError
            If any path failed or the batch was cancelled; it tells, path by path, what was done.
        InvalidOption, UnknownBackend, UnsupportedOperation
            About the call as a whole, before anything is written.

        Examples
        --------
        >>> import numpy as np
        >>> from polystore_core import FileManager
        >>> fm = FileManager()
        >>> stack = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
        >>> fm.save_batch(stack, ["z0.npy", "z1.npy"], backend="memory")
        >>> [plane.tolist() for plane in fm.load_batch(["z1.npy", "z0.npy"], backend="memory")]
        [[[4, 5], [6, 7]], [[0, 1], [2, 3]]]
        """
        names = batch_names(paths, distinct=True)
        values = batch_values(data, names)
        with reporting(progress, f"save to {backend}", len(names)) as report:
            batch = Batch(checked_workers(workers), report, cancel)
            request = WriteRequest(names, values, overwrite, copy, options, batch)
            ask_batch(self._registry.open(backend), "write", names, request=request)

    @explicit_backend
    def load_batch(
        self,
        paths: Sequence[Path],
        *,
        backend: str,
        copy: bool = True,
        framework: str | None = None,
        device: str | None = None,
        workers: int | None = None,
        progress: bool | Progress = False,
        cancel: CancelToken | None = None,
        **options: Any,
    ) -> list[Any]:
        """Return many values, read in parallel inside the backend, in the order of ``paths``.

        Parameters
        ----------
        paths
            Where from; a path may occur more than once.
        backend, copy, framework, device
            As for :meth:`load`.
        workers, progress, cancel
            As for :meth:`save_batch`.
        **options
            As for :meth:`load`, for every path.

        Raises
        ------
        BatchError
            If any path failed or the batch was cancelled.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> fm = FileManager()
        >>> fm.save_batch(["first", "second"], ["1.txt", "2.txt"], backend="memory")
        >>> fm.load_batch(["2.txt", "1.txt"], backend="memory")
        ['second', 'first']
        """
        names = batch_names(paths)
        with reporting(progress, f"load from {backend}", len(names)) as report:
            batch = Batch(checked_workers(workers), report, cancel)
            request = ReadRequest(names, copy, options, batch)
            values = ask_batch(self._registry.open(backend), "read", names, request=request)
        values = one_for_each(values, names, backend)
        if framework is not None or device is not None:
            return [to_framework(value, framework or "numpy", device=device) for value in values]
        return list(values)

    @explicit_backend
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

    @explicit_backend
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

    @explicit_backend
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

    @explicit_backend
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

    @explicit_backend
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

    @explicit_backend
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

    @explicit_backend
    def exists(self, path: Path, *, backend: str) -> bool:
        """Whether there is a file or directory under the path."""
        return self._entry(path, backend) is not None

    @explicit_backend
    def is_file(self, path: Path, *, backend: str) -> bool:
        """Whether there is a file under the path."""
        entry = self._entry(path, backend)
        return entry is not None and entry.is_file

    @explicit_backend
    def is_dir(self, path: Path, *, backend: str) -> bool:
        """Whether there is a directory under the path."""
        entry = self._entry(path, backend)
        return entry is not None and entry.is_directory

    @explicit_backend
    def ensure_directory(self, path: Path, *, backend: str) -> None:
        """Create a directory and its parents; one that exists is left as it is.

        Raises
        ------
        PathExists, NotADirectory
            If the path, or one of its parents, is a file.
        """
        name = normalize_path(path)
        ask(self._registry.open(backend), "make_directory", name, path=name)

    @explicit_backend
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
        name = normalize_path(path)
        try:
            ask(self._registry.open(backend), "delete", name, path=name, recursive=recursive)
        except PathNotFound:
            if not missing_ok:
                raise

    @explicit_backend
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

    @explicit_backend
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

    def backends(self) -> list[BackendInfo]:
        """Describe every installed and registered backend without importing any.

        Examples
        --------
        >>> from polystore_core import FileManager
        >>> [info.name for info in FileManager().backends() if info.name in ("disk", "memory")]
        ['disk', 'memory']
        """
        return self._registry.backends()

    @explicit_backend
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

    def _listed(self, directory: Path, backend: str, *, recursive: bool) -> tuple[str, Listing]:
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
        source_name, target_name = normalize_path(source), normalize_path(target)
        opened = self._registry.open(backend)
        receiver = opened if target_backend is None else self._registry.open(target_backend)
        transfer = Transfer(opened, receiver, overwrite=overwrite)
        with locating(backend, operation, source_name):
            getattr(transfer, operation)(source_name, target_name)


def _checked(registry: object) -> BackendRegistry:
    if registry is None:
        return BackendRegistry()
    if not isinstance(registry, BackendRegistry):
        raise InvalidOption(
            f"FileManager takes a BackendRegistry; got {type(registry).__name__}. "
            "Write FileManager(BackendRegistry({name: {option: value}}))"
        )
    return registry
