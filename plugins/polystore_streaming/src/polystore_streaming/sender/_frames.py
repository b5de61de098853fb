"""The frames of one stream: waiting, on their way, and kept for a viewer that comes late."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from polystore_core.errors import StorageFull
from polystore_streaming.sender._counters import Counters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_streaming.memory import Arena, Block
    from polystore_streaming.wire import Ack, Frame, Subject

__all__ = ["Frames", "Outgoing", "Policy"]

Policy: TypeAlias = Literal["latest", "drop_oldest", "block", "error"]
"""What to do when frames come faster than a viewer takes them.

``"latest"``: a newer frame of a path takes the place of the one that still waits; when there is no room the
oldest waiting frame is dropped. ``"drop_oldest"``: every frame of a path is sent, until there is no room.
``"block"``: the caller waits for room, for a bounded time and only for viewers that can be reached, then the
oldest is dropped. ``"error"``: no room is a :class:`~polystore_core.StorageFull`.
"""

_LEAST_BYTES = 4096
"""What a frame takes at least: its header lies in ordinary memory, and counts too."""


class Outgoing:
    """One frame and where its bytes lie.

    Attributes
    ----------
    message
        The header, with the place of the bytes in shared memory.
    block
        Where its bytes lie in the arena.
    is_current
        Whether it is the last state of its path.
    readers
        Names of the viewers that have it and have not acknowledged it.
    """

    __slots__ = ("block", "is_current", "message", "readers")

    def __init__(self, message: Frame, block: Block) -> None:
        self.message = message
        self.block = block
        self.is_current = True
        self.readers: set[str] = set()


class _Lane:
    """What one viewer has yet to get, what it has in hand, and what was counted."""

    def __init__(self) -> None:
        self.waiting: dict[int, Outgoing] = {}
        self.in_hand: dict[int, Outgoing] = {}
        self.bytes_in_hand = 0
        self.was_sent: set[int] = set()
        self.was_taken: set[int] = set()
        self.latency: float | None = None
        self.counters = Counters()
        self.is_served = True


class Frames:
    """All frames of one stream, in one arena, with a lane per viewer.

    A frame lives as long as a viewer has yet to get it, a viewer reads it, or it is the last state of its
    path and nothing newer needs the room. Thread-safe.

    Parameters
    ----------
    arena
        The memory; its size is the bound of everything that waits.
    viewers
        Names of the viewers.
    most_bytes
        The largest frame that is taken; what the arena has, unless the system granted it less than that.
    """

    def __init__(self, arena: Arena, viewers: tuple[str, ...], most_bytes: int | None = None) -> None:
        self._arena = arena
        self._most_bytes = arena.size if most_bytes is None else most_bytes
        self._most_in_hand = arena.size // (1 + len(viewers))
        self._alive: dict[int, Outgoing] = {}
        self._spare: dict[int, Outgoing] = {}
        self._current: dict[Subject, Outgoing] = {}
        self._lanes = {viewer: _Lane() for viewer in viewers}
        self._changed = threading.Condition()

    def room(self, subject: Subject | None, size: int, policy: Policy, timeout: float) -> Block | None:
        """Return a block for ``size`` bytes; ``None`` if the frame has to be dropped.

        Parameters
        ----------
        subject
            Of the frame, whose older state is the first that ``"latest"`` lets go.
        size
            Bytes of the frame.
        policy
            What may make room.
        timeout
            Seconds that ``"block"`` waits.

        Raises
        ------
        StorageFull
            If the frame is larger than the bound, or there is no room and the policy is ``"error"``.
        """
        if size > self._most_bytes:
            raise StorageFull(
                f"a frame of {size} bytes is more than the {self._most_bytes} bytes for all frames; "
                "raise max_bytes in the configuration of this backend, or send it in parts"
            )
        deadline = time.monotonic() + timeout
        with self._changed:
            while (block := self._arena.take(max(size, _LEAST_BYTES))) is None:
                if self._evict(self._outdated(subject, policy) or next(iter(self._spare.values()), None)):
                    continue
                if policy == "error":
                    raise StorageFull(
                        f"no room for a frame of {size} bytes: the viewer does not keep up; try again later, "
                        "raise max_bytes in the configuration of this backend, or choose policy='latest'"
                    )
                left = deadline - time.monotonic()
                if policy == "block" and left > 0 and self._may_get_room(size):
                    self._changed.wait(left)
                elif not self._evict(self._oldest_unread()):
                    return None
            return block

    def put(self, frame: Outgoing, policy: Policy) -> None:
        """Queue a frame for every viewer, as the last state of its path."""
        seq = frame.message.seq
        with self._changed:
            older = self._current.get(frame.message.subject)
            self._current[frame.message.subject] = frame
            self._alive[seq] = frame
            for lane in self._lanes.values():
                lane.counters.offered += 1
                lane.waiting[seq] = frame
            if older is not None:
                older.is_current = False
                self._supersede(older, policy)

    def drop_new(self) -> None:
        """Count a frame that there was no room for."""
        with self._changed:
            for lane in self._lanes.values():
                lane.counters.offered += 1
                lane.counters.dropped += 1
            self._changed.notify_all()

    def next_for(self, viewer: str, *, most: int) -> Outgoing | None:
        """Return the next frame for a viewer and count it as in its hand; ``None`` if it has to wait.

        Parameters
        ----------
        viewer
            Its name. So that a viewer that stands still leaves room for the others, it has no more than its
            share of the arena in hand; one frame it may always have.
        most
            Frames that it may have in hand.
        """
        with self._changed:
            lane = self._lanes[viewer]
            if not lane.waiting or len(lane.in_hand) >= most:
                return None
            seq, frame = next(iter(lane.waiting.items()))
            if lane.in_hand and lane.bytes_in_hand + frame.block.size > self._most_in_hand:
                return None
            del lane.waiting[seq]
            lane.in_hand[seq] = frame
            lane.bytes_in_hand += frame.block.size
            frame.readers.add(viewer)
            if seq in lane.was_sent:
                lane.counters.replayed += 1
            else:
                lane.was_sent.add(seq)
                lane.counters.sent += 1
            self._settle(frame)
            return frame

    def acknowledge(self, viewer: str, ack: Ack) -> bool:
        """Take back what a viewer is done with; False for a frame that it does not have."""
        with self._changed:
            lane = self._lanes[viewer]
            frame = lane.in_hand.pop(ack.seq, None)
            if frame is None:
                return False
            lane.bytes_in_hand -= frame.block.size
            lane.was_taken.add(ack.seq)
            setattr(lane.counters, ack.outcome, getattr(lane.counters, ack.outcome) + 1)
            lane.latency = time.monotonic() - frame.message.sent
            frame.readers.discard(viewer)
            self._settle(frame)
            self._changed.notify_all()
            return True

    def lost(self, viewer: str) -> None:
        """Take everything back from a viewer that is gone, and let it have every path's last state again."""
        with self._changed:
            lane = self._lanes[viewer]
            returned, lane.in_hand, lane.bytes_in_hand = lane.in_hand, {}, 0
            again = {frame.message.seq: frame for frame in self._current.values()}
            lane.waiting = dict(sorted({**lane.waiting, **again}.items()))
            for frame in returned.values():
                frame.readers.discard(viewer)
                self._settle(frame)
            self._changed.notify_all()

    def serve(self, viewer: str, is_served: bool) -> None:
        """Note whether a viewer can be reached, or may be soon, and wake those who wait for it."""
        with self._changed:
            self._lanes[viewer].is_served = is_served
            self._changed.notify_all()

    def last_waiting(self, viewer: str, up_to: int) -> bool:
        """Whether a frame that was appended up to number ``up_to`` has yet to be sent to a viewer."""
        with self._changed:
            first = next(iter(self._lanes[viewer].waiting), None)
            return first is not None and first <= up_to

    def undelivered(self, viewer: str) -> int:
        """Count the frames that a viewer has yet to get, or has in hand."""
        lane = self._lanes[viewer]
        return len(lane.waiting) + len(lane.in_hand)

    def missing(self, viewer: str, *, in_hand: bool = True) -> int:
        """Count the frames that a viewer has never acknowledged, without ``in_hand`` only those not sent."""
        with self._changed:
            lane = self._lanes[viewer]
            open_ones = (*lane.waiting, *lane.in_hand) if in_hand else lane.waiting
            return sum(seq not in lane.was_taken for seq in open_ones)

    def wait_delivered(self, viewers: Sequence[str], timeout: float) -> None:
        """Wait until the viewers have taken everything, or anything changes."""
        with self._changed:
            if any(self.undelivered(viewer) for viewer in viewers):
                self._changed.wait(timeout)

    def counters(self, viewer: str) -> Counters:
        """Counts of one viewer."""
        return self._lanes[viewer].counters

    def latency(self, viewer: str) -> float | None:
        """Seconds from the append to the acknowledgement of the latest frame."""
        return self._lanes[viewer].latency

    def census(self, viewer: str) -> tuple[Counters, int]:
        """Return the counts of one viewer, and how many frames wait that it never got, of one moment."""
        with self._changed:
            lane = self._lanes[viewer]
            return replace(lane.counters), sum(seq not in lane.was_sent for seq in lane.waiting)

    def _may_get_room(self, size: int) -> bool:
        return size <= self._arena.size and any(
            lane.is_served and (lane.waiting or lane.in_hand) for lane in self._lanes.values()
        )

    def _supersede(self, older: Outgoing, policy: Policy) -> None:
        """Take a frame that is no longer current out of where it need not be any more."""
        seq = older.message.seq
        for lane in self._lanes.values():
            if policy == "latest" or seq in lane.was_sent:
                self._withdraw(lane, seq)
        self._settle(older)

    def _withdraw(self, lane: _Lane, seq: int) -> None:
        if lane.waiting.pop(seq, None) is not None and seq not in lane.was_sent:
            lane.counters.dropped += 1

    def _settle(self, frame: Outgoing) -> None:
        """Free a frame that nothing holds, or note that only latecomers would miss it."""
        seq = frame.message.seq
        awaited = any(seq in lane.waiting and seq not in lane.was_sent for lane in self._lanes.values())
        if frame.readers or awaited:
            self._spare.pop(seq, None)
        elif frame.is_current:
            self._spare.setdefault(seq, frame)
        else:
            self._free(frame)

    def _free(self, frame: Outgoing) -> None:
        seq = frame.message.seq
        del self._alive[seq]
        self._spare.pop(seq, None)
        for lane in self._lanes.values():
            lane.was_sent.discard(seq)
            lane.was_taken.discard(seq)
        self._arena.give_back(frame.block)

    def _outdated(self, subject: Subject | None, policy: Policy) -> Outgoing | None:
        """Return the state of a subject that the next one is going to take the place of."""
        older = self._current.get(subject) if subject is not None and policy == "latest" else None
        return None if older is None or older.readers else older

    def _oldest_unread(self) -> Outgoing | None:
        return next((frame for frame in self._alive.values() if not frame.readers), None)

    def _evict(self, frame: Outgoing | None) -> bool:
        """Let a frame go that nobody reads."""
        if frame is None:
            return False
        for lane in self._lanes.values():
            self._withdraw(lane, frame.message.seq)
        if frame.is_current:
            frame.is_current = False
            del self._current[frame.message.subject]
        self._free(frame)
        self._changed.notify_all()
        return True
