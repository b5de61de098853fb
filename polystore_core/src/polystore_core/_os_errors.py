"""One mapping from the operating system's errors to PolyStore's."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from polystore_core.errors import (
    AccessDenied,
    DirectoryNotEmpty,
    InvalidPath,
    IsADirectory,
    NotADirectory,
    PathExists,
    PathNotFound,
    PolyStoreError,
    StorageError,
    StorageFull,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TypeGuard

__all__ = ["NO_ROOM", "OsErrorTranslation", "is_foreign", "translate_os_error"]

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers that mean: what was to be written does not fit."""

_KNOWN: dict[int | None, tuple[type[PolyStoreError], str]] = {
    errno.ENOENT: (PathNotFound, "cannot {operation} {path!r}: there is no such file or directory"),
    errno.EEXIST: (PathExists, "{path!r} exists already; pass overwrite=True to replace it"),
    errno.EISDIR: (
        IsADirectory,
        "cannot {operation} {path!r}: it is a directory; name a file in it, or list it",
    ),
    errno.ENOTDIR: (
        NotADirectory,
        "cannot {operation} {path!r}: a directory is needed where there is a file; choose another path",
    ),
    errno.ENOTEMPTY: (
        DirectoryNotEmpty,
        "directory {path!r} is not empty; pass recursive=True to delete it with all it holds",
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        (AccessDenied, "not allowed to {operation} {path!r}: {reason}; check owner, mode and mount"),
    ),
    **dict.fromkeys(
        NO_ROOM,
        (StorageFull, "no room to {operation} {path!r}: {reason}; free some space, inodes or quota"),
    ),
}
_OTHER: tuple[type[PolyStoreError], str] = (StorageError, "cannot {operation} {path!r}: {reason}")


def translate_os_error(
    error: OSError | ValueError, *, path: str | os.PathLike[str], operation: str
) -> PolyStoreError:
    """Turn an error of the operating system into the PolyStore error of the same meaning.

    Parameters
    ----------
    error
        What the system call raised. A PolyStore error is handed back unchanged; a bare ``ValueError``
        is what Python raises for a path with a NUL byte.
    path
        The path as the caller knows it.
    operation
        A verb for the message: ``"write"``, ``"read"``, ``"delete"``.

    Returns
    -------
    PolyStoreError
        To be raised ``from error``; ``errno`` is kept.

    Examples
    --------
    >>> translate_os_error(FileExistsError(17, "File exists"), path="a.npy", operation="write")
    PathExists("'a.npy' exists already; pass overwrite=True to replace it")
    """
    if isinstance(error, PolyStoreError):
        return error
    path = os.fspath(path)
    if not isinstance(error, OSError):
        return InvalidPath(f"cannot {operation} {path!r}: {error}", path=path, operation=operation)
    number = error.errno
    cls, template = _KNOWN.get(number, _OTHER)
    reason = error.strerror or str(error) or type(error).__name__
    message = template.format(operation=operation, path=path, reason=reason)
    return cls(message, operation=operation, path=path, errno=number)


def is_foreign(error: BaseException | None) -> TypeGuard[OSError]:
    """Whether it is an error of the operating system that nobody has translated yet."""
    return isinstance(error, OSError) and not issubclass(type(error), PolyStoreError)


class OsErrorTranslation:
    """Context manager that translates what the operating system raises inside its block.

    Parameters
    ----------
    path, operation
        As in :func:`translate_os_error`.

    Examples
    --------
    >>> with OsErrorTranslation("/no/such/file", "read"):
    ...     open("/no/such/file")
    Traceback (most recent call last):
        ...
    polystore_core.errors.PathNotFound: cannot read '/no/such/file': there is no such file or directory
    """

    __slots__ = ("_operation", "_path")

    def __init__(self, path: str | os.PathLike[str], operation: str) -> None:
        self._path = path
        self._operation = operation

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if is_foreign(exc):
            raise translate_os_error(exc, path=self._path, operation=self._operation) from exc
