"""A temporary on its way to becoming a file."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import BinaryIO, Literal, get_args

from polystore_core._os_errors import is_foreign, translate_os_error
from polystore_core.errors import InvalidOption, StorageError
from polystore_core.files._descriptors import write_all
from polystore_core.files._place import Place, find_place, make_directories
from polystore_core.files._platform import THIS_PLATFORM, Platform
from polystore_core.files._temporary import temporary_name

__all__ = ["Durability", "StagedFile", "check_durability"]

Durability = Literal["atomic", "durable"]
"""How much a finished write survives: the end of the process, or also the loss of power."""

_CREATE = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_DURABILITIES: tuple[Durability, ...] = get_args(Durability)
_BUFFER_BYTES = 1 << 16
_CLOSED = -1


def check_durability(durability: object) -> Durability:
    """Refuse a level that there is not: a misspelled ``"durable"`` would promise less than was meant.

    Raises
    ------
    InvalidOption
    """
    for known in _DURABILITIES:
        if durability == known:
            return known
    raise InvalidOption(f"durability takes {' or '.join(map(repr, _DURABILITIES))}; got {durability!r}")


class StagedFile:
    """An open temporary beside its target; publish it or discard it.

    Parameters
    ----------
    path, overwrite, durability, root
        As in :func:`~polystore_core.files.atomic_writer`.
    platform
        The calls that differ between platforms.
    """

    __slots__ = ("_durable", "_fd", "_file", "_overwrite", "_place", "_platform", "_temporary")

    _fd: int
    _file: BinaryIO | None

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = True,
        durability: Durability = "atomic",
        root: str | os.PathLike[str] | None = None,
        platform: Platform = THIS_PLATFORM,
    ) -> None:
        self._overwrite = overwrite
        self._durable = durability == "durable"
        self._platform = platform
        shown = os.fspath(path)
        place: Place | None = None
        try:
            place = find_place(path, root=root, make_parents=root is not None, sync=self._durable)
            self._open(place)
        except BaseException as error:
            if place is not None and place.dir_fd is not None:
                os.close(place.dir_fd)
            if is_foreign(error) or type(error) is ValueError:
                raise translate_os_error(error, path=shown, operation="write") from error
            raise

    @property
    def path(self) -> str:
        """The target as the caller gave it."""
        return self._place.path

    @property
    def place(self) -> Place:
        """Where the target is."""
        return self._place

    @property
    def file(self) -> BinaryIO:
        """The temporary as a buffered file, made when it is first asked for; who gets it may close it."""
        if self._file is None:
            self._file = open(self._fd, "w+b", _BUFFER_BYTES, closefd=False)
        return self._file

    def write(self, content: bytes | memoryview) -> int:
        """Write everything at once, without a buffer; return the number of bytes."""
        write_all(self._fd, content)
        return len(content)

    def _open(self, place: Place) -> None:
        mode: int | None = None
        try:
            status = os.stat(place.name, dir_fd=place.dir_fd, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                place = place._replace(name=os.path.realpath(place.name))
                status = os.stat(place.name)
        except FileNotFoundError:
            if not place.has_name:
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), place.name) from None
        else:
            mode = self._checked_mode(place, status)
        self._place = place
        self._temporary = place.beside(temporary_name())
        self._file = None
        self._fd = self._create()
        if mode is not None and hasattr(os, "fchmod"):
            try:
                self._keep_mode(mode)
            except BaseException:
                self.discard()
                raise

    def _checked_mode(self, place: Place, status: os.stat_result) -> int:
        """Refuse what a plain ``open(path, "wb")`` refuses too; return the mode to keep."""
        if not self._overwrite:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), place.name)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), place.name)
        if not stat.S_ISREG(status.st_mode):
            raise StorageError(
                f"{place.path!r} is a device, pipe or socket and is not replaced; choose another path",
                path=place.path,
                operation="write",
                errno=errno.EINVAL,
            )
        if not status.st_mode & 0o222 and not os.access(place.name, os.W_OK, dir_fd=place.dir_fd):
            raise PermissionError(errno.EACCES, "the file is write-protected", place.name)
        return stat.S_IMODE(status.st_mode)

    def _create(self) -> int:
        try:
            return os.open(self._temporary, _CREATE, 0o666, dir_fd=self._place.dir_fd)
        except FileNotFoundError:
            if self._place.dir_fd is not None:
                raise
        make_directories(self._place.directory, sync=self._durable)
        return os.open(self._temporary, _CREATE, 0o666, dir_fd=self._place.dir_fd)

    def _keep_mode(self, mode: int) -> None:
        if mode != stat.S_IMODE(os.fstat(self._fd).st_mode):
            os.fchmod(self._fd, mode)

    def finish(self) -> None:
        """Push what is buffered to the operating system."""
        if self._file is not None and not self._file.closed:
            self._file.flush()

    def sync(self) -> None:
        """Force the content to the medium. A failure is final: the kernel forgets what it could not write."""
        self._platform.sync_file(self._fd)

    def release(self) -> None:
        """Push what is buffered to the operating system and close the temporary."""
        try:
            if self._file is not None:
                self._file.close()
        finally:
            fd, self._fd = self._fd, _CLOSED
            if fd != _CLOSED:
                os.close(fd)

    def publish(self) -> None:
        """Give the finished file its name."""
        self.release()
        publish = self._platform.replace if self._overwrite else self._platform.publish_new
        publish(self._temporary, self._place.name, self._place.dir_fd)

    def sync_directory(self) -> None:
        """Force the new name to the medium."""
        self._platform.sync_directory(self._place.directory, self._place.dir_fd)

    def discard(self) -> None:
        """Remove the temporary; the target stays as it was."""
        with contextlib.suppress(OSError, ValueError):
            self.release()
        with contextlib.suppress(OSError):
            os.unlink(self._temporary, dir_fd=self._place.dir_fd)

    def close(self) -> None:
        """Release the directory."""
        if self._place.dir_fd is not None:
            os.close(self._place.dir_fd)

    def translate(self, error: BaseException) -> BaseException:
        """Make of an error that came out of writing the file what a user can act on.

        An error of the operating system about another file (it carries that file's name) is not ours
        and stays as it is.
        """
        if not is_foreign(error):
            return error
        if error.errno is None:
            if not self._is_full():
                return error
            error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        elif error.filename not in {None, self._temporary, self._place.name, self._place.directory}:
            return error
        if isinstance(error, FileExistsError) and self._overwrite:
            return StorageError(str(error), path=self.path, operation="write", errno=error.errno)
        return translate_os_error(error, path=self.path, operation="write")

    def _is_full(self) -> bool:
        """Whether an error without a number (``ndarray.tofile`` raises such) may mean: no space."""
        try:
            return os.fstatvfs(self._fd).f_bavail == 0
        except (OSError, AttributeError):
            return False
