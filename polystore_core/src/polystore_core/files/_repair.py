"""Looking at a damaged JSON document, and putting the last good version back."""

from __future__ import annotations

import os
import time
from typing import Literal, NamedTuple

from polystore_core._os_errors import OsErrorTranslation
from polystore_core.errors import CorruptData, PathNotFound
from polystore_core.files._document import Companions, read_document, write_document
from polystore_core.files._locks import file_lock
from polystore_core.files._queue import open_queue

__all__ = ["RepairReport", "repair"]


class RepairReport(NamedTuple):
    """What :func:`repair` found and did.

    Attributes
    ----------
    path
        The document.
    state
        ``"good"``, ``"damaged"`` or ``"missing"``, before anything was restored.
    problem
        Why it cannot be read; ``None`` if it is good.
    good
        Path of a readable last good version; ``None`` if there is none.
    waiting
        Updates that were queued by processes which ended before they were merged; the next update of
        the document merges them.
    restored
        Whether the last good version was put in place.
    kept
        Where the damaged file was moved; ``None`` if nothing was moved.
    """

    path: str
    state: Literal["good", "damaged", "missing"]
    problem: str | None
    good: str | None
    waiting: int
    restored: bool = False
    kept: str | None = None


def repair(
    path: str | os.PathLike[str], *, restore: bool = False, timeout: float | None = None
) -> RepairReport:
    """Inspect a JSON document that several processes update; with ``restore`` mend it.

    Nothing is thrown away: a damaged file is renamed, and the last good version is put in its place.

    Parameters
    ----------
    path
        The document.
    restore
        False only looks. True restores a damaged or missing document if there is a good version.
    timeout
        Seconds to wait for others who are updating the document.

    Raises
    ------
    LockTimeout, AccessDenied, StorageFull
        If it cannot be locked, read or written.

    Examples
    --------
    >>> import os, tempfile
    >>> from polystore_core.files import atomic_write_json
    >>> path = os.path.join(tempfile.mkdtemp(), "metadata.json")
    >>> atomic_write_json(path, {"plate": "P1"})
    >>> os.truncate(path, 5)
    >>> report = repair(path, restore=True)
    >>> report.state, report.restored, os.path.getsize(report.kept)
    ('damaged', True, 5)
    """
    companions = Companions.of(path)
    with (
        file_lock(companions.lock, timeout=timeout),
        open_queue(companions.queue, path, create=False) as queue,
    ):
        with OsErrorTranslation(path, "read"):
            waiting = len(queue.pending()) if queue is not None else 0
        state, problem = _state(path)
        good = companions.good if _state(companions.good)[0] == "good" else None
        report = RepairReport(os.fspath(path), state, problem, good, waiting)
        if not restore or state == "good" or good is None:
            return report
        kept = None
        if state == "damaged":
            kept = f"{companions.document}.damaged-{time.time_ns()}"
            with OsErrorTranslation(path, "restore"):
                os.link(companions.document, kept)
        write_document(path, companions, read_document(good), "durable")
        return report._replace(restored=True, kept=kept)


def _state(path: str | os.PathLike[str]) -> tuple[Literal["good", "damaged", "missing"], str | None]:
    try:
        read_document(path)
    except PathNotFound as error:
        return "missing", str(error)
    except CorruptData as error:
        return "damaged", str(error.__cause__)
    return "good", None
