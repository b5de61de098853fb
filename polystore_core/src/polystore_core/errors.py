"""The errors of PolyStore.

Each error is a :class:`PolyStoreError` and also the builtin that a Python user would catch:
``except FileNotFoundError`` works as well as ``except PathNotFound``. Each carries ``backend``,
``operation`` and ``path`` (``None`` where it does not apply) and a stable, machine-readable ``kind``.
"""

from __future__ import annotations

import errno as _errno
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "AccessDenied",
    "BackendUnavailable",
    "BatchError",
    "Cancelled",
    "CorruptData",
    "DirectoryNotEmpty",
    "InvalidOption",
    "InvalidPath",
    "IsADirectory",
    "LockTimeout",
    "NotADirectory",
    "PathExists",
    "PathNotFound",
    "PluginError",
    "PolyStoreError",
    "StorageError",
    "StorageFull",
    "UnknownBackend",
    "UnsupportedData",
    "UnsupportedOperation",
    "ViewerUnreachable",
]


class PolyStoreError(Exception):
    """Root of every error that PolyStore raises.

    Parameters
    ----------
    message
        One line for the person at the terminal: what was asked, what exists, what to type.
    backend, operation, path
        Where it happened. The file manager fills in what the raiser did not know.
    errno
        Operating-system error number, for the errors that are also an :class:`OSError`.

    Examples
    --------
    >>> from polystore_core import PathNotFound
    >>> error = PathNotFound("no file 'a.npy'", backend="disk", operation="read", path="a.npy")
    >>> isinstance(error, FileNotFoundError), error.kind, error.path
    (True, 'path_not_found', 'a.npy')
    """

    kind: ClassVar[str] = "error"
    default_errno: ClassVar[int | None] = None

    backend: str | None
    operation: str | None
    path: str | None

    def __init__(
        self,
        message: str,
        *,
        backend: str | None = None,
        operation: str | None = None,
        path: str | None = None,
        errno: int | None = None,
    ) -> None:
        super().__init__(message)
        self.backend = backend
        self.operation = operation
        self.path = path
        if isinstance(self, OSError):
            _fill_in(self, self.default_errno if errno is None else errno, path)

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        state = {**self.__dict__, "path": self.path}
        if isinstance(self, OSError):
            state |= _filled_in(self)
        return _restore, (type(self), self.args, state)

    def locate(self, *, backend: str, operation: str, path: str | None) -> None:
        """Fill in the circumstances that the raiser left out; never overwrite them."""
        if self.backend is None:
            self.backend = backend
        if self.operation is None:
            self.operation = operation
        if self.path is None:
            self.path = path


def _fill_in(error: OSError, number: int | None, path: str | None) -> None:
    error.errno, error.filename = number, path


def _filled_in(error: OSError) -> dict[str, Any]:
    return {"errno": error.errno, "filename": error.filename}


def _restore(cls: type[PolyStoreError], args: tuple[Any, ...], state: dict[str, Any]) -> PolyStoreError:
    """Rebuild a pickled error; errors cross process boundaries in worker pools."""
    error = cls.__new__(cls, *args)
    error.args = args
    for name, value in state.items():
        setattr(error, name, value)
    return error


class UnknownBackend(PolyStoreError, LookupError):
    """No installed or registered backend has that name."""

    kind = "unknown_backend"


class UnsupportedOperation(PolyStoreError, NotImplementedError):
    """The backend exists but cannot do what was asked."""

    kind = "unsupported_operation"


class PathNotFound(PolyStoreError, FileNotFoundError):
    """Nothing is stored under that path."""

    kind = "path_not_found"
    default_errno = _errno.ENOENT


class PathExists(PolyStoreError, FileExistsError):
    """Something is already stored under that path and overwriting was not allowed."""

    kind = "path_exists"
    default_errno = _errno.EEXIST


class IsADirectory(PolyStoreError, IsADirectoryError):
    """A file was needed, the path is a directory."""

    kind = "is_a_directory"
    default_errno = _errno.EISDIR


class NotADirectory(PolyStoreError, NotADirectoryError):
    """A directory was needed, the path (or one of its parents) is a file."""

    kind = "not_a_directory"
    default_errno = _errno.ENOTDIR


class DirectoryNotEmpty(PolyStoreError, OSError):
    """A directory with content is deleted only with ``recursive=True``."""

    kind = "directory_not_empty"
    default_errno = _errno.ENOTEMPTY


class AccessDenied(PolyStoreError, PermissionError):
    """The operating system, or a configured root, forbids the access."""

    kind = "access_denied"
    default_errno = _errno.EACCES


class StorageFull(PolyStoreError, OSError):
    """No room is left: disk, quota, file-size limit or a configured budget."""

    kind = "storage_full"
    default_errno = _errno.ENOSPC


class StorageError(PolyStoreError, OSError):
    """Any other input/output error of the operating system; ``errno`` tells which."""

    kind = "storage_error"
    default_errno = _errno.EIO


class InvalidPath(PolyStoreError, ValueError):
    """The text is not a usable path: empty, with a NUL byte, or leading out of the store."""

    kind = "invalid_path"


class InvalidOption(PolyStoreError, TypeError):
    """An argument is missing, unknown, of the wrong type or out of range."""

    kind = "invalid_option"


class UnsupportedData(PolyStoreError, TypeError):
    """The value cannot be held by that backend or format without changing it."""

    kind = "unsupported_data"


class CorruptData(PolyStoreError, ValueError):
    """What is stored cannot be decoded. It is left as it was found."""

    kind = "corrupt_data"


class LockTimeout(PolyStoreError, TimeoutError):
    """A lock was held by somebody else for longer than the caller wanted to wait."""

    kind = "lock_timeout"
    default_errno = _errno.ETIMEDOUT


class ViewerUnreachable(PolyStoreError, ConnectionError):
    """No viewer runs and none could be started."""

    kind = "viewer_unreachable"
    default_errno = _errno.ECONNREFUSED


class BackendUnavailable(PolyStoreError, ImportError):
    """The backend or format is known but something it needs is not installed."""

    kind = "backend_unavailable"


class PluginError(PolyStoreError):
    """A plugin breaks the plugin contract; the message names plugin, distribution and the mend."""

    kind = "plugin_error"


class Cancelled(PolyStoreError):
    """The caller cancelled a batch before every path was reached."""

    kind = "cancelled"


class BatchError(PolyStoreError, ExceptionGroup[Exception]):
    """Some paths of a batch failed; the others were done.

    Attributes
    ----------
    done : tuple of str
        Paths that were completed, in the order they were given.
    failed : dict of str to Exception
        Paths that failed, each with its error.
    not_started : tuple of str
        Paths that were never tried, because the batch was cancelled.

    Examples
    --------
    >>> from polystore_core import BatchError, PathNotFound
    >>> error = BatchError.from_outcome(done=("a.npy",), failed={"b.npy": PathNotFound("no file 'b.npy'")})
    >>> print(error)
    1 of 2 paths failed: no file 'b.npy' (1 sub-exception)
    >>> error.done, list(error.failed), error.not_started
    (('a.npy',), ['b.npy'], ())
    """

    kind = "batch_error"

    done: tuple[str, ...] = ()
    failed: Mapping[str, Exception]
    not_started: tuple[str, ...] = ()

    def __new__(cls, message: str, exceptions: Sequence[Exception], **_: Any) -> BatchError:
        """Let the exception group be made before its attributes are filled in."""
        return super().__new__(cls, message, exceptions)

    def __init__(
        self,
        message: str,
        exceptions: Sequence[Exception],
        *,
        done: Sequence[str] = (),
        failed: Mapping[str, Exception] | None = None,
        not_started: Sequence[str] = (),
        backend: str | None = None,
        operation: str | None = None,
    ) -> None:
        PolyStoreError.__init__(self, message, backend=backend, operation=operation)
        self.args = (message, list(exceptions))
        self.done = tuple(done)
        self.failed = dict(failed or {})
        self.not_started = tuple(not_started)

    @classmethod
    def from_outcome(
        cls,
        *,
        done: Sequence[str],
        failed: Mapping[str, Exception],
        not_started: Sequence[str] = (),
    ) -> BatchError:
        """Build the error and its message from what happened to each path."""
        total = len(done) + len(failed) + len(not_started)
        if failed:
            path, first = next(iter(failed.items()))
            about = "" if repr(path) in str(first) else f"{path!r}: "
            message = f"{len(failed)} of {total} paths failed: {about}{first}"
            exceptions = list(failed.values())
        else:
            message = f"cancelled: {len(done)} of {total} paths done"
            exceptions = [Cancelled(message)]
        if len(failed) > 1:
            message += f", and {len(failed) - 1} more (see .failed)"
        if failed and not_started:
            message += f"; {len(not_started)} not started"
        return cls(message, exceptions, done=done, failed=failed, not_started=not_started)

    def __str__(self) -> str:
        return ExceptionGroup.__str__(self)

    def derive(self, exceptions: Sequence[Exception]) -> BatchError:  # type: ignore[override]
        """Return the part that ``except*`` splits off; what was done is told by both."""
        kept = {path: error for path, error in self.failed.items() if error in exceptions}
        return BatchError(
            self.message,
            exceptions,
            done=self.done,
            failed=kept,
            not_started=self.not_started,
            backend=self.backend,
            operation=self.operation,
        )
