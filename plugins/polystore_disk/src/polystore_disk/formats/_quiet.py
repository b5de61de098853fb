"""Keeping the logs of imaging libraries to themselves while a codec of ours is at work."""

from __future__ import annotations

import logging
import threading

__all__ = ["quiet_libraries"]


class _Depth(threading.local):
    value = 0


_depth = _Depth()


class _OutsideOnly(logging.Filter):
    """Drops the records of threads that are inside :func:`quiet_libraries`; others log as they did."""

    def filter(self, record: logging.LogRecord) -> bool:
        return _depth.value == 0


for _library in ("tifffile", "imagecodecs"):
    logging.getLogger(_library).addFilter(_OutsideOnly())


class quiet_libraries:  # noqa: N801 - reads as a function
    """Silence tifffile and imagecodecs in this thread: what they complain about, the codec raises.

    Examples
    --------
    >>> import logging
    >>> from polystore_disk.formats._quiet import quiet_libraries
    >>> with quiet_libraries():
    ...     logging.getLogger("tifffile").error("never seen")
    """

    __slots__ = ()

    def __enter__(self) -> None:
        _depth.value += 1

    def __exit__(self, *_: object) -> None:
        _depth.value -= 1
