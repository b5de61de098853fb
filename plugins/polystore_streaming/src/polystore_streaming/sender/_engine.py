"""What runs from the first frame of a stream on: memory, frames, and the thread that sends them."""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from polystore_core.errors import InvalidOption, StorageFull, UnsupportedData, ViewerUnreachable
from polystore_streaming.memory import Arena
from polystore_streaming.sender import _exit
from polystore_streaming.sender._frames import Frames, Outgoing
from polystore_streaming.sender._pump import Pump
from polystore_streaming.sender._questions import Question
from polystore_streaming.wire import DTYPES, check_sendable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from polystore_streaming.memory import Block
    from polystore_streaming.sender._frames import Policy
    from polystore_streaming.sender._link import Link
    from polystore_streaming.sender._prepare import Prepared
    from polystore_streaming.sender._target import Target
    from polystore_streaming.wire import Frame, Request

__all__ = ["Ended", "Engine"]

_SLICE_SECONDS = 1.0
_STALLED_SECONDS = 5.0
_LITTLE_MEMORY = (
    "the system grants {granted} of the {wanted} bytes for frames; larger frames are dropped. Raise the "
    "limit of memory, or lower max_bytes in the configuration of this backend"
)


class Ended(Exception):
    """The engine was closed while a frame was being appended."""


class Engine:
    """Frames to the viewers of one backend, from the first one to :meth:`close`.

    It ends by itself, after :meth:`retire`, when everything has arrived. Thread-safe.

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
        Seconds to wait at the end for a viewer that is still starting.
    display_options
        What a started viewer gets to know.
    """

    def __init__(
        self,
        backend: str,
        targets: Sequence[Target],
        *,
        max_bytes: int,
        autostart: bool,
        linger: float,
        display_options: Mapping[str, Any],
    ) -> None:
        self.has_ended = False
        self._linger = linger
        self._arena = Arena(max_bytes)
        self._frames = Frames(self._arena, tuple(target.name for target in targets), max_bytes)
        self._numbers = itertools.count(1)
        self._last = 0
        self._copies = 0
        self._bytes = 0
        self._allocated: dict[int, tuple[weakref.ref[Any], Block]] = {}
        self._lock = threading.Lock()
        self._is_retired = False
        self._has_told = False
        self._trouble = ""
        if self._arena.size < max_bytes:
            self._trouble = _LITTLE_MEMORY.format(granted=self._arena.size, wanted=max_bytes)
        _exit.watch(self)
        self._pump = Pump(
            backend,
            display_options,
            tuple(targets),
            self._frames,
            self._arena,
            autostart=autostart,
            ended=self._ended,
        )

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong, by viewer; by the empty name what is wrong here."""
        found = {name: self._trouble_with(name, link) for name, link in self._pump.links.items()}
        return {name: trouble for name, trouble in {"": self._trouble, **found}.items() if trouble}

    def _trouble_with(self, name: str, link: Link) -> str:
        if link.state != "unreachable":
            return link.complaint
        return "" if link.is_dismissed and not self._frames.missing(name) else link.reason

    def append(self, prepared: Prepared, policy: Policy, timeout: float) -> None:
        """Copy a frame into the memory that viewers read and queue it; what was allocated is not copied.

        Raises
        ------
        StorageFull
            As :meth:`Frames.room` says.
        Ended
            If the engine was closed; the frame is not queued.
        """
        message = prepared.message
        block = self._adopted(prepared)
        if block is None:
            block = self._room(message, policy, timeout)
            if block is None:
                self._frames.drop_new()
                return
            self._copy(prepared, block)
        with self._lock:
            if self.has_ended:
                raise Ended
            self._last = next(self._numbers)
            placed = msgspec.structs.replace(
                message, seq=self._last, place=block.offset, sent=time.monotonic()
            )
            self._frames.put(Outgoing(placed, block), policy)
            self._bytes += message.size
        self._pump.ring()

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any], policy: Policy, timeout: float) -> Any:
        """Return an uninitialised array that lies in the memory that viewers read.

        Raises
        ------
        StorageFull
            If there is no room.
        UnsupportedData
            For a dtype that viewers do not show.
        InvalidOption
            For a negative shape.
        """
        if dtype.name not in DTYPES:
            raise UnsupportedData(f"viewers do not show {dtype}; they show {', '.join(DTYPES)}")
        if min(shape, default=0) < 0:
            raise InvalidOption(f"a shape has no negative numbers; got {shape}")
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        block = self._frames.room(None, size, policy, timeout)
        if block is None:
            raise StorageFull(
                f"no room for an array of {size} bytes: the viewer reads all there is; try again later"
            )
        array = self._arena.array(block, 0, shape, dtype)
        key, allocated, arena = id(array), self._allocated, self._arena

        def unused(_: object) -> None:
            if allocated.pop(key, None) is not None:
                arena.give_back(block)

        allocated[key] = weakref.ref(array, unused), block
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
        name, link = next(iter(self._pump.links.items()))
        _require_reachable(link)
        with self._lock:
            question = Question(make(next(self._numbers)), self._last)
        check_sendable(question.request)
        link.questions.append(question)
        self._pump.ring()
        return question.wait(timeout, name)

    def flush(self, timeout: float | None) -> int:
        """Wait until the viewers that can be reached have everything; return how many frames they have not.

        Raises
        ------
        ViewerUnreachable
            If frames wait for a viewer that nobody starts.
        """
        self.wait(timeout)
        for name, link in self._pump.links.items():
            if self._frames.missing(name):
                _require_reachable(link)
        return sum(self._frames.undelivered(link.target.name) for link in self._pump.undelivered())

    def wait(self, timeout: float | None) -> None:
        """Wait until the viewers that can be reached have taken everything."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self._wait(lambda _: deadline)

    def _wait(self, deadline_for: Callable[[list[Link]], float | None]) -> None:
        while links := self._pump.undelivered():
            deadline = deadline_for(links)
            left = _SLICE_SECONDS if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return
            self._frames.wait_delivered([link.target.name for link in links], min(left, _SLICE_SECONDS))

    def check(self) -> None:
        """Raise what went wrong at the viewers, if anything did.

        Raises
        ------
        ViewerUnreachable
            If a viewer cannot be reached.
        UnsupportedData
            If a viewer refused a frame.
        """
        for name, link in self._pump.links.items():
            _require_reachable(link)
            if link.complaint:
                complaint, link.complaint = link.complaint, ""
                raise UnsupportedData(f"viewer {name!r} refused: {complaint}")

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return state and counts per viewer; see ``docs/how-to/live-view.md``."""
        return {name: self._metrics_of(name, link) for name, link in self._pump.links.items()}

    def end(self) -> dict[str, int]:
        """Close; count what has not arrived, by what there is to say about it."""
        losses = self._losses()
        self.close()
        return losses

    def _losses(self) -> dict[str, int]:
        with self._lock:
            if self._has_told:
                return {}
            self._has_told = True
        return {
            f"never reached viewer {link.target.name!r}" + (f": {link.reason}" if link.reason else ""): count
            for link in self._pump.links.values()
            # What a viewer has in hand in shared memory is its own to show, also after we have ended.
            if (count := self._frames.missing(link.target.name, in_hand=not link.shares_memory))
        }

    def linger(self) -> None:
        """Wait a bounded time for what has not arrived, longer for a viewer that is still starting."""
        begin = ready = time.monotonic()

        def deadline_for(links: list[Link]) -> float:
            nonlocal ready
            if any(map(self._pump.is_starting, links)):
                ready = time.monotonic()
                return begin + self._linger
            return min(begin + self._linger, ready + _STALLED_SECONDS)

        self._wait(deadline_for)

    def close(self) -> None:
        """Say goodbye and let memory, thread and sockets go; what has not arrived is dropped."""
        self.stop()
        self._pump.join()

    def stop(self) -> None:
        """As :meth:`close`, but soon; from any thread, at any moment."""
        self.has_ended = True
        self._pump.stop()

    def retire(self) -> None:
        """End when every viewer that can be reached has everything; from any thread, at any moment."""
        self._is_retired = True
        self._pump.retire()

    def forget(self) -> None:
        """Close, in a forked child, its copies of the descriptors of its parent."""
        self._pump.forget()
        self._arena.close()

    def _ended(self) -> None:
        self.has_ended = True
        _exit.let_go(self, self._losses() if self._is_retired else {})
        with self._lock:
            self._arena.close()

    def _adopted(self, prepared: Prepared) -> Block | None:
        if len(prepared.arrays) != 1:
            return None
        (array,) = prepared.arrays
        known = self._allocated.get(id(array))
        if known is None or known[0]() is not array or self._allocated.pop(id(array), None) is None:
            return None
        array.flags.writeable = False
        return known[1]

    def _room(self, message: Frame, policy: Policy, timeout: float) -> Block | None:
        try:
            return self._frames.room(message.subject, message.size, policy, timeout)
        except ValueError:
            if self.has_ended:
                raise Ended from None
            raise

    def _copy(self, prepared: Prepared, block: Block) -> None:
        try:
            for spec, array in zip(prepared.message.arrays, prepared.arrays, strict=True):
                dtype = np.dtype(spec.dtype).newbyteorder("<")
                np.copyto(self._arena.array(block, spec.offset, spec.shape, dtype), array)
        except BaseException:
            self._arena.give_back(block)
            if self.has_ended:
                raise Ended from None
            raise
        self._copies += 1

    def _metrics_of(self, name: str, link: Link) -> dict[str, Any]:
        counters, waiting = self._frames.census(name)
        return {
            "state": "silent" if link.is_silent else link.state,
            "reason": link.reason or None,
            "shares_memory": link.shares_memory,
            "offered": counters.offered,
            "sent": counters.sent,
            "dropped": counters.dropped,
            "waiting": waiting,
            "replayed": counters.replayed,
            "shown": counters.shown,
            "superseded": counters.superseded,
            "refused": counters.refused,
            "bytes": self._bytes,
            "copies": self._copies,
            "latency": self._frames.latency(name),
        }


def _require_reachable(link: Link) -> None:
    if not link.may_answer:
        raise ViewerUnreachable(link.reason)
