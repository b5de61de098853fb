"""Finding the directory and name of a path, optionally confined to a root."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from polystore_core._os_errors import OsErrorTranslation
from polystore_core.errors import AccessDenied, InvalidPath, PathNotFound, StorageError
from polystore_core.paths import is_url

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Place", "locate", "make_directories"]

_DIRECTORY = getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_HAS_DIR_FD = os.open in os.supports_dir_fd
_ENDINGS = ("", os.sep, os.altsep)
_MOST_LINKS = 40
_MOST_ATTEMPTS = 10


class Place(NamedTuple):
    """Where a path is: a name and the directory it is relative to.

    ``os`` functions take it as ``os.stat(place.name, dir_fd=place.dir_fd)``, confined or not.

    Attributes
    ----------
    name
        With a descriptor a single component (``"."`` for the root itself), otherwise a whole path.
    dir_fd
        Descriptor of the directory, valid until the ``locate`` block ends; ``None`` without a root.
    path
        The path as the caller gave it, for messages.
    created
        Directories that were made on the way, as pairs of a name and an open descriptor or ``None``
        of what they were made in; for those who must force them to the medium.
    """

    name: str
    dir_fd: int | None
    path: str

    def beside(self, name: str) -> str:
        """``name`` in the same directory, to be used with the same ``dir_fd``."""
        if self.dir_fd is not None:
            return name
        start = self.name.rfind("/") + 1
        if os.altsep is not None:  # Windows
            start = max(start, self.name.rfind("\\") + 1)
        return self.name[:start] + name

    @property
    def directory(self) -> str:
        """The directory, to be used with the same ``dir_fd``."""
        return "." if self.dir_fd is not None else os.path.dirname(self.name) or "."

    @property
    def has_name(self) -> bool:
        """False where a path ends in a separator, and so can only be a directory."""
        return self.name[-1:] not in _ENDINGS


@contextlib.contextmanager
def locate(
    path: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    make_parents: bool = False,
    follow: bool = True,
) -> Iterator[Place]:
    """Find where a path is, without leaving ``root``.

    Without a root the path is taken as it is. With one, every component is opened relative to the
    directory before it and no link is followed by the kernel: links are read and resolved here, and a
    link or ``..`` that would lead out of the root is refused. What is then done relative to the
    descriptor cannot be redirected by links that change meanwhile. Two things are not prevented: a
    directory that somebody moves out of the root between the walk and the use, and hard links. Where
    the platform has no ``openat`` (Windows) the resolved path is checked once, before the use.

    Parameters
    ----------
    path
        Relative to the root, or an absolute path below it.
    root
        Directory that is not to be left; it may itself be reached through links.
    make_parents
        Create the directories on the way (and the root).
    follow
        Whether a link in the last component is resolved too; False for those who delete or rename it.

    Yields
    ------
    Place
        Its descriptor is closed when the block ends.

    Raises
    ------
    AccessDenied
        If the path leads out of the root.
    InvalidPath
        If it is a URL.
    PathNotFound, NotADirectory
        If a directory on the way is missing, or a file.

    Examples
    --------
    >>> import tempfile
    >>> with locate("../secret", root=tempfile.mkdtemp()) as place:
    ...     pass
    Traceback (most recent call last):
        ...
    polystore_core.errors.AccessDenied: '../secret' leads out of the root of its store; name a path below it
    """
    place = find_place(path, root=root, make_parents=make_parents, follow=follow)
    try:
        yield place
    finally:
        if place.dir_fd is not None:
            os.close(place.dir_fd)


def find_place(
    path: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    make_parents: bool = False,
    follow: bool = True,
    sync: bool = False,
) -> Place:
    """Like :func:`locate`, but the descriptor is the caller's to close."""
    shown = os.fspath(path)
    if "://" in shown and is_url(shown):
        raise InvalidPath(
            f"{shown!r} is a URL, not a path of this computer; name a backend that takes URLs, such as 'zarr'"
        )
    if root is None:
        if make_parents:
            make_directories(os.path.dirname(shown), sync=sync)
        return Place(shown, None, shown)
    root = os.fspath(root)
    relative = _relative_to_root(shown, root)
    if make_parents:
        make_directories(root, sync=sync)
    if not _HAS_DIR_FD:
        return Place(_checked_realpath(shown, relative, root, make_parents=make_parents), None, shown)
    with OsErrorTranslation(shown, "reach"):
        return _Walk(root, shown, make_parents=make_parents, sync=sync).to(relative, follow=follow)


def make_directories(directory: str, *, sync: bool = False) -> None:
    """Create a directory and its parents; several processes may do so at the same time.

    Parameters
    ----------
    directory
        May exist already; the empty string is the current directory.
    sync
        Force the names of the new directories to the medium.

    Raises
    ------
    NotADirectory
        If something on the way is a file.

    Examples
    --------
    >>> import os, tempfile
    >>> directory = os.path.join(tempfile.mkdtemp(), "plate", "well")
    >>> make_directories(directory)
    >>> os.path.isdir(directory)
    True
    """
    _make_directories(directory, sync=sync, attempts=_MOST_ATTEMPTS)


def _make_directories(directory: str, *, sync: bool, attempts: int) -> None:
    if not directory or _is_directory(directory):
        return
    parent = os.path.dirname(directory.rstrip("/")) or "."
    if parent != directory:
        _make_directories(parent, sync=sync, attempts=attempts)
    with OsErrorTranslation(directory, "create"):
        try:
            os.mkdir(directory)
        except FileExistsError:
            if not _is_directory(directory):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), directory) from None
        except (
            FileNotFoundError
        ):  # somebody removed a parent meanwhile, or the file system makes none (/proc)
            if attempts == 1:
                raise
            _make_directories(directory, sync=sync, attempts=attempts - 1)
            return
        if sync:
            from polystore_core.files._platform import THIS_PLATFORM

            THIS_PLATFORM.sync_directory(parent, None)


def _is_directory(path: str) -> bool:
    """Like ``os.path.isdir``, but an error is no answer."""
    with OsErrorTranslation(path, "reach"):
        try:
            return stat.S_ISDIR(os.stat(path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False


def _components(path: str) -> list[str]:
    """Split without normalising: what ``..`` means depends on the links before it."""
    return path.split("/")


def _leads_out(path: str) -> AccessDenied:
    return AccessDenied(f"{path!r} leads out of the root of its store; name a path below it", path=path)


def _relative_to_root(path: str, root: str) -> str:
    if not os.path.isabs(path):
        return path
    for base in (os.path.abspath(root), os.path.realpath(root)):
        if path == base or path.startswith(base.rstrip(os.sep) + os.sep):
            return path[len(base) :].lstrip(os.sep)
    raise _leads_out(path)


def _checked_realpath(shown: str, relative: str, root: str, *, make_parents: bool) -> str:
    base = os.path.realpath(root)
    real = os.path.realpath(os.path.join(base, relative))
    if os.path.commonpath([base, real]) != base:
        raise _leads_out(shown)
    if make_parents:
        make_directories(os.path.dirname(real))
    return real


class _Walk:
    """A stack of open directories from the root down to where the walk has come."""

    def __init__(self, root: str, shown: str, *, make_parents: bool, sync: bool) -> None:
        self._root = root
        self._shown = shown
        self._make_parents = make_parents
        self._sync = sync
        self._stack: list[int] = []

    def to(self, relative: str, *, follow: bool) -> Place:
        try:
            self._stack.append(self._open_root())
            name = self._descend(deque(_components(relative)), follow=follow)
            return Place(name, self._stack.pop(), self._shown)
        finally:
            for fd in self._stack:
                os.close(fd)

    def _open_root(self) -> int:
        try:
            return os.open(self._root, _DIRECTORY)
        except FileNotFoundError as error:
            raise PathNotFound(
                f"cannot reach {self._shown!r}: there is no directory {self._root!r}, the root of its store",
                path=self._shown,
            ) from error

    def _descend(self, parts: deque[str], *, follow: bool) -> str:
        links = 0
        while parts:
            part = parts.popleft()
            if part in {"", "."}:
                continue
            if part == "..":
                self._ascend()
                continue
            last = not any(rest not in {"", "."} for rest in parts)
            target = self._read_link(part) if follow or not last else None
            if target is not None:
                links += 1
                if links > _MOST_LINKS:
                    raise StorageError(
                        f"{self._shown!r} runs through a circle of links", path=self._shown, errno=errno.ELOOP
                    )
                parts.extendleft(reversed(self._target_parts(target)))
            elif last:
                return part
            else:
                self._enter(part)
        return "."

    def _ascend(self) -> None:
        if len(self._stack) == 1:
            raise _leads_out(self._shown)
        os.close(self._stack.pop())

    def _read_link(self, part: str) -> str | None:
        try:
            return os.readlink(part, dir_fd=self._stack[-1])
        except OSError as error:
            if error.errno in {errno.EINVAL, errno.ENOENT}:
                return None
            raise

    def _target_parts(self, target: str) -> list[str]:
        if os.path.isabs(target):
            try:
                target = _relative_to_root(target, self._root)
            except AccessDenied:
                raise _leads_out(self._shown) from None
            while len(self._stack) > 1:
                os.close(self._stack.pop())
        return _components(target)

    def _enter(self, part: str) -> None:
        parent = self._stack[-1]
        try:
            fd = os.open(part, _DIRECTORY | _NO_FOLLOW, dir_fd=parent)
        except FileNotFoundError:
            if not self._make_parents:
                raise
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=parent)
            if self._sync:
                from polystore_core.files._platform import THIS_PLATFORM

                THIS_PLATFORM.sync_directory(".", parent)
            fd = os.open(part, _DIRECTORY | _NO_FOLLOW, dir_fd=parent)
        self._stack.append(fd)
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), part)
