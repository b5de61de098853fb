"""The stream of one backend: memory, frames and the thread that sends them, made at first use."""

from __future__ import annotations

import itertools
import threading
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from polystore_core.errors import PolyStoreError, UnsupportedData, ViewerUnreachable
from polystore_streaming.memory import Arena
from polystore_streaming.sender._exit import watch
from polystore_streaming.sender._frames import Frames, Outgoing
from polystore_streaming.sender._pump import Pump
from polystore_streaming.sender._questions import Question
from polystore_streaming.wire import check_sendable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polystore_streaming.memory import Block
    from polystore_streaming.sender._frames import Policy
    from polystore_streaming.sender._prepare import Prepared
    from polystore_streaming.sender._target import Target
    from polystore_streaming.wire import Request

__all__ = ["Stream"]

_SLICE_SECONDS = 1.0
_STALLED_SECONDS = 5.0


class _Engine:
    """What exists once something is sent: gone in a forked child, and made anew there."""

    def __init__(self, stream: Stream) -> None:
        names = tuple(target.name for target in stream.targets)
        self.arena = Arena(stream.max_bytes)
        self.frames = Frames(self.arena, names)
        self.pump = Pump(
            stream.backend,
            stream.display_options,
            stream.targets,
            self.frames,
            self.arena,
            autostart=stream.autostart,
        )
        self.numbers = itertools.count(1)
        self.last = 0
        self.copies = 0
        self.bytes = 0
        self.warned: set[str] = set()


class Stream:
    """Frames to the viewers of one backend.

    Nothing exists before first use: no thread, socket or memory. A forked child starts with nothing.

    Parameters
    ----------
    backend
        Name of the backend, for messages and for the viewer that is started.
    targets
        The viewers.
    max_bytes
        Memory for all frames together.
    autostart
        Whether to start a viewer that does not run.
    linger
        Seconds to wait at exit for a viewer that is still starting.
    display_options
        What a started viewer gets to know.
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
        self.backend = backend
        self.targets = targets
        self.max_bytes = max_bytes
        self.autostart = autostart
        self.display_options = display_options
        self._linger = linger
        self._engine: _Engine | None = None
        self._allocated: dict[int, tuple[weakref.ref[Any], Block]] = {}
        self._lock = threading.Lock()

    def append(self, prepared: Prepared, policy: Policy, timeout: float) -> int:
        """Copy a frame into the memory that viewers read and queue it; return its bytes.

        An array from :meth:`allocate` is not copied.

        Raises
        ------
        StorageFull
            As :meth:`Frames.room` says.
        """
        engine = self._started()
        block = self._adopted(prepared)
        if block is None:
            block = engine.frames.room(prepared.message.size, policy, timeout)
            if block is not None:
                self._copy(engine, prepared, block)
        if block is None:
            engine.frames.drop_new()
        else:
            with self._lock:
                engine.last = next(engine.numbers)
                message = msgspec.structs.replace(
                    prepared.message, seq=engine.last, place=block.offset, sent=time.monotonic()
                )
                engine.frames.put(Outgoing(message, block), policy)
                engine.bytes += message.size
        engine.pump.ring()
        self._warn(engine)
        return prepared.message.size

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any], policy: Policy, timeout: float) -> Any:
        """Return an uninitialised array that lies in the memory that viewers read.

        Raises
        ------
        StorageFull
            If there is no room.
        """
        engine = self._started()
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        block = engine.frames.room(size, policy, timeout)
        if block is None:
            block = engine.frames.room(size, "error", 0)
            assert block is not None
        array = engine.arena.array(block, 0, shape, dtype)
        key, arena = id(array), engine.arena

        def unused(_: object) -> None:
            if self._allocated.pop(key, None) is not None:
                arena.give_back(block)

        self._allocated[key] = weakref.ref(array, unused), block
        return array

    def ask(self, make: Callable[[int], Request], timeout: float) -> tuple[Any, dict[str, Any]]:
        """Ask the first viewer something, after everything appended so far has been shown.

        Raises
        ------
        ViewerUnreachable
            If there is no answer within ``timeout`` seconds.
        StorageError
            If the viewer could not do it.
        InvalidOption
            If no viewer takes such a question.
        """
        engine = self._started()
        target = self.targets[0]
        link = engine.pump.links[target.name]
        with self._lock:
            question = Question(make(next(engine.numbers)), engine.last)
        check_sendable(question.request)
        if link.state == "unreachable":
            raise ViewerUnreachable(link.reason)
        link.questions.append(question)
        engine.pump.ring()
        return question.wait(timeout, target.name)

    def flush(self, timeout: float | None) -> int:
        """Wait until the viewers have taken everything; return how many frames they have not.

        Raises
        ------
        ViewerUnreachable
            If frames wait for a viewer that nobody starts.
        """
        engine = self._engine
        if engine is None:
            return 0
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            open_names = tuple(name for name in engine.pump.links if engine.frames.undelivered(name))
            for name in open_names:
                self._require_reachable(engine, name)
            left = _SLICE_SECONDS if deadline is None else min(_SLICE_SECONDS, deadline - time.monotonic())
            if not open_names or left <= 0:
                self._warn(engine)
                return sum(map(engine.frames.undelivered, open_names))
            engine.frames.wait_delivered(open_names, left)

    def check(self) -> None:
        """Raise what went wrong at the viewers, if anything did.

        Raises
        ------
        ViewerUnreachable
            If a viewer cannot be reached.
        UnsupportedData
            If a viewer refused a frame.
        """
        engine = self._engine
        if engine is None:
            return
        for name, link in engine.pump.links.items():
            self._require_reachable(engine, name)
            if link.complaint:
                complaint, link.complaint = link.complaint, ""
                raise UnsupportedData(f"viewer {name!r} refused: {complaint}")

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return state and counts per viewer; see ``docs/how-to/live-view.md``."""
        engine = self._engine
        if engine is None:
            return {}
        return {name: self._metrics_of(engine, name) for name in engine.pump.links}

    def close(self) -> None:
        """Send goodbye and let memory, thread and sockets go; frames that were not delivered are dropped."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.pump.close()
            engine.arena.close()

    def linger(self) -> str | None:
        """Wait a bounded time for what has not arrived; say what never did."""
        engine = self._engine
        if engine is None:
            return None
        begin = time.monotonic()
        try:
            while True:
                waited = time.monotonic() - begin
                patience = self._linger if engine.pump.is_starting else min(self._linger, _STALLED_SECONDS)
                if waited >= patience or not self.flush(min(0.25, patience - waited)):
                    break
        except PolyStoreError:
            pass
        lost = {name: engine.frames.undelivered(name) for name in engine.pump.links}
        told = [
            f"{count} of the last frames never reached viewer {name!r}"
            + (f": {engine.pump.links[name].reason}" if engine.pump.links[name].reason else "")
            for name, count in lost.items()
            if count
        ]
        self.close()
        return "; ".join(told) or None

    def forget(self) -> None:
        """Forget, in a forked child, what belongs to the parent."""
        self._engine = None
        self._allocated = {}
        self._lock = threading.Lock()

    def _started(self) -> _Engine:
        engine = self._engine
        if engine is not None:
            return engine
        with self._lock:
            if self._engine is None:
                self._engine = _Engine(self)
                watch(self)
            return self._engine

    def _adopted(self, prepared: Prepared) -> Block | None:
        if len(prepared.arrays) != 1:
            return None
        (array,) = prepared.arrays
        known = self._allocated.get(id(array))
        if known is None or known[0]() is not array:
            return None
        del self._allocated[id(array)]
        array.flags.writeable = False
        return known[1]

    def _copy(self, engine: _Engine, prepared: Prepared, block: Block) -> None:
        try:
            for spec, array in zip(prepared.message.arrays, prepared.arrays, strict=True):
                target = engine.arena.array(
                    block, spec.offset, spec.shape, np.dtype(spec.dtype).newbyteorder("<")
                )
                np.copyto(target, array)
        except BaseException:
            engine.arena.give_back(block)
            raise
        engine.copies += 1

    def _require_reachable(self, engine: _Engine, name: str) -> None:
        link = engine.pump.links[name]
        if link.state == "unreachable":
            raise ViewerUnreachable(link.reason)

    def _warn(self, engine: _Engine) -> None:
        for name, link in engine.pump.links.items():
            trouble = link.reason if link.state == "unreachable" else link.complaint
            if trouble and trouble not in engine.warned:
                engine.warned.add(trouble)
                warnings.warn(f"{self.backend}: {trouble}", RuntimeWarning, stacklevel=4)
            elif name in engine.warned and not trouble:
                engine.warned.discard(name)

    def _metrics_of(self, engine: _Engine, name: str) -> dict[str, Any]:
        link, frames = engine.pump.links[name], engine.frames
        counters = frames.counters(name)
        return {
            "state": "silent" if link.is_silent else link.state,
            "reason": link.reason or None,
            "shares_memory": link.shares_memory,
            "offered": counters.offered,
            "sent": counters.sent,
            "dropped": counters.dropped,
            "waiting": frames.waiting(name),
            "replayed": counters.replayed,
            "shown": counters.shown,
            "superseded": counters.superseded,
            "refused": counters.refused,
            "bytes": engine.bytes,
            "copies": engine.copies,
            "latency": frames.latency(name),
        }
