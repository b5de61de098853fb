"""Keeping the logs of imaging libraries to themselves while a codec of ours is at work."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["quiet_libraries"]

_depth = threading.local()


class _OutsideOnly(logging.Filter):
    """Drops the records of threads that are inside :func:`quiet_libraries`; others log as they did."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(_depth, "value", 0) == 0


_LIBRARIES = ("tifffile", "imagecodecs")
_FILTER = _OutsideOnly()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Silence tifffile and imagecodecs in this thread: what they complain about, the codec raises.

    Examples
    --------
    >>> import logging
    >>> from polystore_disk.formats._quiet import quiet_libraries
    >>> with quiet_libraries():
    ...     logging.getLogger("tifffile").error("never seen")
    """
    for name in _LIBRARIES:
        logging.getLogger(name).addFilter(_FILTER)
    _depth.value = getattr(_depth, "value", 0) + 1
    try:
        yield
    finally:
        _depth.value -= 1
