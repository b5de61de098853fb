"""A lock between processes and threads."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from typing import TYPE_CHECKING

from polystore_core._os_errors import translate_os_error
from polystore_core.errors import AccessDenied, LockTimeout, PolyStoreError, StorageError
from polystore_core.files._descriptors import (
    call_in_forked_child,
    close_private,
    duplicate_private,
    open_private,
)
from polystore_core.files._lock_calls import THIS_PLATFORM_LOCKS, LockCalls
from polystore_core.files._place import make_directories

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["file_lock"]


class _Held:
    """One lock that a thread holds, possibly several times over."""

    __slots__ = ("count", "fd", "identity")

    def __init__(self, fd: int, identity: tuple[int, int]) -> None:
        self.fd = fd
        self.identity = identity
        self.count = 1


class _HeldHere(threading.local):
    """What the current thread holds, by device and inode of the lock file."""

    def __init__(self) -> None:
        self.by_identity: dict[tuple[int, int], _Held] = {}

    def forget(self) -> None:
        self.by_identity.clear()


_here = _HeldHere()
call_in_forked_child(_here.forget)


class file_lock:
    """Hold a lock that excludes other processes and other threads, for the length of a block.

    A lock of the kernel: it goes with the process that holds it, however that ends. Who waits sleeps
    in the kernel and, on local Linux file systems, is served in the order of arrival. With a time-out
    the wait is left to a helper thread, because a wait in the kernel can be cut short only by
    signals; after a time-out the helper lets the lock go as soon as it gets it.

    Parameters
    ----------
    path
        The lock file, made if missing together with its parents; never removed, never written, and refused
        if it is a symbolic link. Lock ``"x.lock"`` rather than the file ``"x"`` that is to be replaced.
    timeout
        Seconds to wait; ``None`` waits for ever, 0 does not wait.
    calls
        The calls of the platform: ``flock`` on Unix, ``portalocker`` on Windows (polled there).

    Raises
    ------
    LockTimeout
        If somebody else held it all the time.
    AccessDenied
        At once, if the lock file may not be opened or is a link.

    Notes
    -----
    The thread that holds the lock may enter it again, through the same or another object. Other
    threads wait like other processes. A forked child does not hold what its parent holds. On network file
    systems the lock works as well as ``flock`` does there, without an order.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "plate.lock")
    >>> with file_lock(path, timeout=10):
    ...     os.path.exists(path)
    True
    """

    __slots__ = ("_calls", "_held", "_path", "_timeout")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float | None = None,
        calls: LockCalls = THIS_PLATFORM_LOCKS,
    ) -> None:
        self._path = os.fspath(path)
        self._timeout = timeout
        self._calls = calls
        self._held: dict[int, list[_Held]] = {}

    def __enter__(self) -> None:
        try:
            held = self._enter_again() or self._acquire()
        except (OSError, ValueError) as error:
            if isinstance(error, PolyStoreError):
                raise
            raise translate_os_error(error, path=self._path, operation="lock") from error
        self._held.setdefault(threading.get_ident(), []).append(held)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        held = self._held[threading.get_ident()].pop()
        held.count -= 1
        if held.count == 0 and _here.by_identity.pop(held.identity, None) is held:
            self._let_go(held.fd)

    def _enter_again(self) -> _Held | None:
        if not _here.by_identity:
            return None
        try:
            held = _here.by_identity.get(_identity(os.lstat(self._path)))
        except FileNotFoundError:
            return None
        if held is not None:
            held.count += 1
        return held

    def _acquire(self) -> _Held:
        while True:
            fd = self._open()
            try:
                status = os.fstat(fd)
                self._require_regular(status)
                self._lock(fd)
                current = self._is_current(status)
            except BaseException:
                self._let_go(fd)
                raise
            if current:
                held = _here.by_identity[_identity(status)] = _Held(fd, _identity(status))
                return held
            self._let_go(fd)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        try:
            return open_private(self._path, flags)
        except FileNotFoundError:
            make_directories(os.path.dirname(self._path))
            return open_private(self._path, flags)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise AccessDenied(
                    f"the lock file {self._path!r} is a symbolic link and is not followed; remove the link",
                    path=self._path,
                    operation="lock",
                ) from error
            raise

    def _require_regular(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise StorageError(
                f"cannot lock {self._path!r}: it is not a regular file; name another lock file",
                path=self._path,
                operation="lock",
                errno=errno.EINVAL,
            )

    def _is_current(self, status: os.stat_result) -> bool:
        """Whether the locked file still has the name; somebody may have removed it while we waited."""
        try:
            return _identity(os.lstat(self._path)) == _identity(status)
        except FileNotFoundError:
            return False

    def _lock(self, fd: int) -> None:
        """Lock; a helper that is left waiting has a descriptor of its own."""
        ticket = self._calls.join(fd)
        if self._timeout is None:
            self._calls.wait(fd, ticket)
            return
        if self._calls.attempt(fd, ticket):
            return
        if self._timeout > 0 and _Waiter(self._calls, fd, ticket).finished_within(self._timeout):
            return
        raise LockTimeout(
            f"{self._path!r} was locked by somebody else for {self._timeout:g} seconds; "
            "wait longer with timeout=, or see who holds it: lsof or fuser",
            path=self._path,
            operation="lock",
        )

    def _let_go(self, fd: int) -> None:
        with contextlib.suppress(OSError):
            self._calls.release(fd)
        close_private(fd)


class _Waiter:
    """A thread that waits in the kernel so that its owner can wait with a time-out."""

    def __init__(self, calls: LockCalls, fd: int, ticket: int | None) -> None:
        self._calls = calls
        self._fd = duplicate_private(fd)
        self._ticket = ticket
        self._finished = threading.Event()
        self._guard = threading.Lock()
        self._abandoned = False
        self._error: OSError | None = None

    def finished_within(self, timeout: float) -> bool:
        thread = threading.Thread(target=self._run, name="polystore-lock", daemon=True)
        thread.start()
        try:
            if self._finished.wait(timeout):
                thread.join()
        finally:
            with self._guard:
                self._abandoned = not self._finished.is_set()
        if self._error is not None:
            raise self._error
        return not self._abandoned

    def _run(self) -> None:
        try:
            self._calls.wait(self._fd, self._ticket)
        except OSError as error:
            self._error = error
        with self._guard:
            self._finished.set()
            abandoned = self._abandoned
        if abandoned:
            with contextlib.suppress(OSError):
                self._calls.release(self._fd)
        close_private(self._fd)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
