"""Saving and loading values, one at a time and in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.data import normalize, to_framework
from polystore_core.errors import PolyStoreError
from polystore_core.manager._arguments import (
    Path,
    batch_names,
    batch_values,
    check_flag,
    checked_cancel,
    checked_workers,
)
from polystore_core.manager._explicit import explicit_backend
from polystore_core.manager._progress import reporting
from polystore_core.paths import normalize_path
from polystore_core.plugins import BackendRegistry, Batch, ReadRequest, WriteRequest
from polystore_core.plugins._calls import ask, ask_batch, one_for_each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_core.data import SupportedData
    from polystore_core.plugins import CancelToken, Progress

__all__ = ["Values"]


class Values:
    """What a file manager does with values."""

    _registry: BackendRegistry

    @explicit_backend("write")
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
        check_flag("overwrite", overwrite)
        check_flag("copy", copy)
        name = normalize_path(path)
        try:
            value = normalize(data)
        except PolyStoreError as error:
            error.locate(backend=backend, operation="write", path=name)
            raise
        request = WriteRequest((name,), (value,), overwrite, copy, options)
        ask(self._registry.open(backend), "write", name, request=request)

    @explicit_backend("read")
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
        check_flag("copy", copy)
        name = normalize_path(path)
        request = ReadRequest((name,), copy, options)
        values = ask(self._registry.open(backend), "read", name, request=request)
        (value,) = one_for_each(values, (name,), backend)
        if framework is not None or device is not None:
            return to_framework(value, framework or "numpy", device=device)
        return value

    @explicit_backend("write")
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
        check_flag("overwrite", overwrite)
        check_flag("copy", copy)
        names = batch_names(paths, distinct=True)
        values = batch_values(data, names)
        with reporting(progress, f"save to {backend}", len(names)) as report:
            batch = Batch(checked_workers(workers), report, checked_cancel(cancel))
            request = WriteRequest(names, values, overwrite, copy, options, batch)
            ask_batch(self._registry.open(backend), "write", names, request=request)

    @explicit_backend("read")
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
        check_flag("copy", copy)
        names = batch_names(paths)
        with reporting(progress, f"load from {backend}", len(names)) as report:
            batch = Batch(checked_workers(workers), report, checked_cancel(cancel))
            request = ReadRequest(names, copy, options, batch)
            values = ask_batch(self._registry.open(backend), "read", names, request=request)
        values = one_for_each(values, names, backend)
        if framework is not None or device is not None:
            return [to_framework(value, framework or "numpy", device=device) for value in values]
        return list(values)
