"""Keeping tifffile's log to itself while a codec of ours is at work."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["quiet_tifffile"]

_depth = threading.local()


class _OutsideOnly(logging.Filter):
    """Drops the records of threads that are inside :func:`quiet_tifffile`; others log as they did."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(_depth, "value", 0) == 0


_FILTER = _OutsideOnly()


@contextmanager
def quiet_tifffile() -> Iterator[None]:
    """Silence tifffile in this thread: what it complains about, the codec raises.

    Examples
    --------
    >>> import logging
    >>> from polystore_disk.formats._tiff_quiet import quiet_tifffile
    >>> with quiet_tifffile():
    ...     logging.getLogger("tifffile").error("never seen")
    """
    logging.getLogger("tifffile").addFilter(_FILTER)
    _depth.value = getattr(_depth, "value", 0) + 1
    try:
        yield
    finally:
        _depth.value -= 1
