"""Frames to the viewers of one backend, whatever becomes of processes and threads."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from polystore_streaming.sender import _exit
from polystore_streaming.sender._engine import Ended, Engine
from polystore_streaming.sender._warn import warn_caller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from polystore_streaming.sender._frames import Policy
    from polystore_streaming.sender._prepare import Prepared
    from polystore_streaming.sender._target import Target
    from polystore_streaming.wire import Request

__all__ = ["Stream"]

_streams: weakref.WeakSet[Stream] = weakref.WeakSet()


class Stream:
    """An :class:`Engine` that is made at first use, and made anew in a forked child and after a close.

    Once nobody holds the stream any more, its engine goes on until everything has arrived.

    Parameters
    ----------
    backend, targets, max_bytes, autostart, linger, display_options
        As for :class:`Engine`.
    """

    def __init__(
        self,
        backend: str,
        targets: tuple[Target, ...],
        *,
        max_bytes: int,
        autostart: bool,
        linger: float,
        display_options: Mapping[str, Any],
    ) -> None:
        self._backend = backend
        self._make: Callable[[], Engine] = lambda: Engine(
            backend,
            targets,
            max_bytes=max_bytes,
            autostart=autostart,
            linger=linger,
            display_options=display_options,
        )
        self._engine: Engine | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None
        self._told: dict[str, str] = {}
        self._lock = threading.Lock()
        _streams.add(self)

    def append(self, prepared: Prepared, policy: Policy, timeout: float) -> int:
        """Queue a frame, as :meth:`Engine.append` does; return its bytes."""
        while True:
            engine = self._started()
            try:
                engine.append(prepared, policy, timeout)
            except Ended:
                self._detach(engine)
                continue
            self._warn(engine)
            return prepared.message.size

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any], policy: Policy, timeout: float) -> Any:
        """Return an array that lies in the memory that viewers read; see :meth:`Engine.allocate`."""
        return self._started().allocate(shape, dtype, policy, timeout)

    def ask(self, make: Callable[[int], Request], timeout: float) -> tuple[Any, dict[str, Any]]:
        """Ask the first viewer something; see :meth:`Engine.ask`."""
        return self._started().ask(make, timeout)

    def flush(self, timeout: float | None) -> int:
        """Wait until the viewers have taken everything; see :meth:`Engine.flush`."""
        engine = self._engine
        if engine is None:
            return 0
        undelivered = engine.flush(timeout)
        self._warn(engine)
        return undelivered

    def settle(self, timeout: float) -> None:
        """Wait, for a bounded time, for what has not arrived; warn of viewers that cannot be reached."""
        engine = self._engine
        if engine is not None:
            engine.wait(timeout)
            self._warn(engine)

    def check(self) -> None:
        """Raise what went wrong at the viewers, if anything did; see :meth:`Engine.check`."""
        if self._engine is not None:
            self._engine.check()

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return state and counts per viewer; nothing before first use."""
        return {} if self._engine is None else self._engine.metrics()

    def close(self) -> None:
        """Send goodbye and let memory, thread and sockets go; what has not arrived is dropped."""
        engine = self._engine
        if engine is not None:
            self._detach(engine)
            engine.close()

    def linger(self) -> None:
        """Wait a bounded time for what has not arrived, warn of what never did, and close."""
        engine = self._engine
        if engine is not None:
            self._detach(engine)
            for loss, count in engine.linger().items():
                warn_caller(f"{self._backend}: {count} of the last frames {loss}")

    def forget(self) -> None:
        """Forget, in a forked child, what belongs to the parent."""
        engine, self._engine, self._told, self._lock = self._engine, None, {}, threading.Lock()
        if engine is not None:
            assert self._finalizer is not None
            self._finalizer.detach()
            engine.forget()

    def _started(self) -> Engine:
        engine = self._engine
        if engine is not None:
            return engine
        with self._lock:
            if self._engine is None:
                self._engine = self._make()
                self._finalizer = weakref.finalize(self, _exit.retire, self._engine)
                self._finalizer.atexit = False
            return self._engine

    def _detach(self, engine: Engine) -> None:
        with self._lock:
            if self._engine is engine:
                assert self._finalizer is not None
                self._finalizer.detach()
                self._engine = None
                self._told = {}

    def _warn(self, engine: Engine) -> None:
        """Warn of what is wrong, once for as long as it is."""
        troubles = engine.troubles
        if troubles == self._told:
            return
        with self._lock:
            new = [trouble for name, trouble in troubles.items() if self._told.get(name) != trouble]
            self._told = troubles
        for trouble in new:
            warn_caller(f"{self._backend}: {trouble}")


def _forget() -> None:
    for stream in list(_streams):
        stream.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
