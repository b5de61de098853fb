"""Asking a viewer something and waiting for the answer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from polystore_core.errors import CorruptData, StorageError, ViewerUnreachable
from polystore_streaming.wire import arrays_in, extent

if TYPE_CHECKING:
    import numpy as np

    from polystore_streaming.wire import Reply, Request

__all__ = ["Question"]


class Question:
    """A request on its way, between the thread that asks and the thread that talks to the viewer.

    Parameters
    ----------
    request
        What to ask.
    after
        Number of the last frame that the viewer shall have got before.
    """

    def __init__(self, request: Request, after: int) -> None:
        self.request = request
        self.after = after
        self._answered = threading.Event()
        self._value: Any = None
        self._arrays: dict[str, np.ndarray[Any, Any]] = {}
        self._error: Exception | None = None

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._answered.is_set()

    def answer(self, reply: Reply, payload: memoryview) -> None:
        """Take the viewer's answer."""
        try:
            if reply.error:
                self._error = StorageError(f"the viewer answered: {reply.error}")
            else:
                size = max((array.offset + extent(array) for array in reply.arrays), default=0)
                if size > len(payload):
                    raise CorruptData(f"the viewer announced {size} bytes and sent {len(payload)}")
                self._value = msgspec.msgpack.decode(reply.value)
                self._arrays = arrays_in(payload, reply.arrays)
        except (ValueError, RecursionError, OverflowError) as error:
            self._error = CorruptData(f"the viewer answered what nobody understands: {error}")
        self._answered.set()

    def fail(self, error: Exception) -> None:
        """Let the asking thread raise an error, unless it has its answer."""
        if not self._answered.is_set():
            self._error = error
            self._answered.set()

    def wait(self, timeout: float, viewer: str) -> tuple[Any, dict[str, np.ndarray[Any, Any]]]:
        """Return the value and the arrays of the answer.

        Raises
        ------
        ViewerUnreachable
            If no answer comes within ``timeout`` seconds.
        StorageError
            If the viewer could not do it.
        """
        if not self._answered.wait(timeout):
            self.fail(ViewerUnreachable(f"viewer {viewer!r} has not answered within {timeout:g} s"))
        if self._error is not None:
            raise self._error
        return self._value, self._arrays
