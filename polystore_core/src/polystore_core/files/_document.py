"""A JSON document that many processes change: one lock, one read, one write for all who wait."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from polystore_core._os_errors import OsErrorTranslation
from polystore_core.errors import CorruptData, PathNotFound, StorageError
from polystore_core.files._atomic import atomic_writer
from polystore_core.files._descriptors import (
    close_private,
    open_private,
    read_regular,
    require_regular,
    write_all,
)
from polystore_core.files._filesystem import is_local_directory
from polystore_core.files._json import JsonObject, encode_document, parse_document
from polystore_core.files._locks import file_lock
from polystore_core.files._queue import Queue, open_queue
from polystore_core.files._staged import check_durability

if TYPE_CHECKING:
    from polystore_core.files._staged import Durability

__all__ = ["Companions", "commit", "is_companion_name", "read_document", "submit", "write_document"]

_SUFFIXES = (".polystore-lock", ".polystore-queue", ".polystore-good")

Apply = Callable[[JsonObject, bytes, str], None]
"""``apply(document, request, path)`` carries out one request of the queue; the path is for messages."""

Read = Callable[[], JsonObject | None]

_DURABLE, _ATOMIC = b"D", b"A"
"""First byte of a queued request: what whoever waits for it was promised."""


class Companions(NamedTuple):
    """The hidden files beside a document.

    Attributes
    ----------
    document
        The document itself, links resolved, so that all its names share one set of companions.
    lock
        Locked by whoever changes the document.
    queue
        Requests that wait.
    good
        A copy of the document as it was last written here.
    """

    document: str
    lock: str
    queue: str
    good: str

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Companions:
        """Name the companions of a document."""
        with OsErrorTranslation(path, "read"):
            document = os.path.realpath(path)
        directory, name = os.path.split(document)
        return cls(document, *(os.path.join(directory, f".{name}{suffix}") for suffix in _SUFFIXES))


def is_companion_name(name: str) -> bool:
    """Whether a file of that name is the lock, queue or spare copy of a JSON document.

    Examples
    --------
    >>> is_companion_name(".metadata.json.polystore-lock"), is_companion_name("metadata.json")
    (True, False)
    """
    return name.startswith(".") and name.endswith(_SUFFIXES)


def read_document(path: str | os.PathLike[str]) -> JsonObject:
    """Read a document without waiting for anybody.

    Raises
    ------
    PathNotFound
        If there is none.
    CorruptData
        If it is damaged; it is left as it is.
    """
    companions = Companions.of(path)
    with OsErrorTranslation(path, "read"):
        content = read_regular(companions.document)
    try:
        return parse_document(content)
    except ValueError as error:
        raise CorruptData(_damaged(os.fspath(path), companions, error), path=os.fspath(path)) from error


def commit(
    path: str | os.PathLike[str],
    change: Callable[[Read], JsonObject],
    *,
    apply: Apply,
    timeout: float | None,
    durability: Durability,
) -> JsonObject:
    """Change a document alone, after everything that waits has been merged.

    Parameters
    ----------
    path
        The document.
    change
        Returns the new content; receives a function that reads the present one, with all that waits
        merged (``None`` if there is no document and nothing waits).
    apply
        Carries out what waits in the queue.
    timeout
        Seconds to wait for the lock; ``None`` waits for ever.
    durability
        What is promised when this returns.

    Returns
    -------
    dict
        The new content.
    """
    check_durability(durability)
    companions = Companions.of(path)
    with (
        file_lock(companions.lock, timeout=timeout),
        open_queue(companions.queue, path, create=False) as queue,
    ):
        with OsErrorTranslation(path, "update"):
            frames = queue.pending() if queue is not None else []
            before = _identity(companions.document)
        requests = [frame.payload for frame in frames]
        document = change(lambda: _applied(path, requests, apply))
        with OsErrorTranslation(path, "update"):
            after = _identity(companions.document)
        if after != before:
            raise StorageError(
                f"{os.fspath(path)!r} was changed by somebody who did not lock it, or by the update itself; "
                "nothing was written. Make one update at a time",
                path=os.fspath(path),
                operation="update",
                errno=errno.EBUSY,
            )
        write_document(path, companions, document, _strongest(requests, durability))
        if queue is not None:
            with OsErrorTranslation(path, "update"):
                queue.remove(frames)
        return document


def submit(
    path: str | os.PathLike[str],
    request: bytes,
    *,
    apply: Apply,
    timeout: float | None,
    durability: Durability,
) -> None:
    """Have one request carried out, together with those of all others who wait; return when it is done.

    The request is queued first, then the lock is awaited. Who gets the lock carries out all that is
    queued with one write; who then finds its own request done has nothing left to do. Where appends
    are not atomic (network file systems, Windows) everybody writes for itself.
    """
    companions = Companions.of(path)
    request = (_DURABLE if durability == "durable" else _ATOMIC) + request
    with OsErrorTranslation(path, "update"):
        shares_writes = is_local_directory(os.path.dirname(companions.document))
    if not shares_writes:
        commit(
            path,
            lambda read: _applied(path, [request], apply, read) or {},
            apply=apply,
            timeout=timeout,
            durability=durability,
        )
        return
    with OsErrorTranslation(path, "update"), open_queue(companions.queue, path, create=True) as queue:
        if queue is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), companions.queue)
        ticket = queue.append(request)
        try:
            with file_lock(companions.lock, timeout=timeout):
                if not queue.is_committed(ticket):
                    _commit_queue(path, companions, queue, request, apply)
        except BaseException:
            with contextlib.suppress(OSError):
                queue.withdraw(ticket)
            raise


def write_document(
    path: str | os.PathLike[str], companions: Companions, document: JsonObject, durability: Durability
) -> None:
    """Replace the document and keep a copy; the caller holds the lock.

    The copy is a file of its own, so that whoever damages the document in place does not reach it.
    """
    content = encode_document(document, f"the content of {os.fspath(path)!r}")
    atomic_writer(companions.document, durability=durability).write(content)
    with contextlib.suppress(OSError):  # the document is safe; the next write renews the copy
        _renew_copy(companions, content)


def _renew_copy(companions: Companions, content: bytes) -> None:
    """Write the copy in its place, unless other names (of snapshots made by linking) share that."""
    mode = stat.S_IMODE(os.stat(companions.document).st_mode)
    fd = open_private(companions.good, os.O_WRONLY | os.O_CREAT, mode)
    try:
        if require_regular(fd, companions.good).st_nlink > 1:
            os.unlink(companions.good)
            close_private(fd)
            fd = open_private(companions.good, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        write_all(fd, content)
        os.ftruncate(fd, len(content))
    finally:
        close_private(fd)


def _commit_queue(
    path: str | os.PathLike[str], companions: Companions, queue: Queue, request: bytes, apply: Apply
) -> None:
    frames = queue.pending()
    requests = [frame.payload for frame in frames]
    if request not in requests:  # somebody has damaged the queue
        requests.append(request)
    document = _applied(path, requests, apply) or {}
    write_document(path, companions, document, _strongest(requests, "atomic"))
    with contextlib.suppress(OSError):  # what stays in the queue is merged once more, to the same effect
        queue.remove(frames)


def _applied(
    path: str | os.PathLike[str], requests: Sequence[bytes], apply: Apply, read: Read | None = None
) -> JsonObject | None:
    document = read() if read is not None else _read_if_there(path)
    if not requests:
        return document
    document = {} if document is None else document
    for request in requests:
        apply(document, request[1:], os.fspath(path))
    return document


def _strongest(requests: Sequence[bytes], own: Durability) -> Durability:
    return "durable" if own == "durable" or any(request[:1] == _DURABLE for request in requests) else "atomic"


def _read_if_there(path: str | os.PathLike[str]) -> JsonObject | None:
    try:
        return read_document(path)
    except PathNotFound:
        return None


def _identity(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _damaged(path: str, companions: Companions, error: ValueError) -> str:
    kept = (
        f"the last good version is {companions.good!r}"
        if os.path.exists(companions.good)
        else "there is no earlier version beside it"
    )
    return f"{path!r} is damaged ({error}) and was left as it is; {kept}. See: polystore repair {path!r}"
