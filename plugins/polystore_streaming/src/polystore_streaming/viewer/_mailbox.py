"""What has arrived and is not shown yet: the newest frame of each path, and questions in their order."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from polystore_streaming.wire import MAX_FRAME_BYTES

if TYPE_CHECKING:
    from polystore_streaming.viewer._peers import Peer
    from polystore_streaming.wire import Frame, Request

__all__ = ["ArrivedFrame", "ArrivedRequest", "Mailbox"]

_MOST_BYTES = 2 * MAX_FRAME_BYTES + 64 * 1024 * 1024
_MOST_LEFT_BEHIND = 256


@dataclass(frozen=True, slots=True)
class ArrivedFrame:
    """A frame and its bytes, which stay valid as long as this object.

    Attributes
    ----------
    cost
        Bytes that were reserved for it.
    """

    peer: Peer
    frame: Frame
    memory: memoryview
    same_clock: bool
    cost: int


@dataclass(frozen=True, slots=True)
class ArrivedRequest:
    """A question of a sender."""

    peer: Peer
    request: Request
    cost: int


Arrived: TypeAlias = ArrivedFrame | ArrivedRequest


class Mailbox:
    """A queue in which a frame takes the place of an older one of the same path. Thread-safe.

    Memory for what waits is shared out: no sender gets more than half of what the others have left. So one
    that floods the viewer takes nothing from those that come after it.

    Parameters
    ----------
    most_bytes
        Memory for everything that waits, shared memory not counted.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._items: dict[object, Arrived] = {}
        self._free = most_bytes
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._items)

    def reserve(self, peer: Peer, size: int) -> bool:
        """Set memory aside for something of this sender; False if it has its share already."""
        with self._lock:
            if peer.reserved + size > (self._free + peer.reserved) // 2:
                return False
            peer.reserved += size
            self._free -= size
            return True

    def release(self, peer: Peer, size: int) -> None:
        """Give back memory that was set aside for what was never put in."""
        with self._lock:
            self._release(peer, size)

    def put_frame(self, arrived: ArrivedFrame) -> ArrivedFrame | None:
        """Add a frame; return the one whose place it takes."""
        key = arrived.frame.subject
        with self._lock:
            superseded = self._items.get(key)
            self._items[key] = arrived
            if isinstance(superseded, ArrivedFrame):
                self._release(superseded.peer, superseded.cost)
                return superseded
        return None

    def put_request(self, arrived: ArrivedRequest) -> bool:
        """Add a question behind everything that has arrived; False if one of its number waits already."""
        with self._lock:
            return self._items.setdefault((arrived.peer, arrived.request.id), arrived) is arrived

    def take(self) -> Arrived | None:
        """Take the oldest item; ``None`` if there is none."""
        with self._lock:
            key = next(iter(self._items), None)
            return None if key is None else self._remove(key)

    def leave_behind(self, most: int = _MOST_LEFT_BEHIND) -> None:
        """Keep no more than ``most`` items, the latest, of senders that have left."""
        with self._lock:
            left = [key for key, item in self._items.items() if item.peer.has_left]
            for key in left[: max(0, len(left) - most)]:
                self._remove(key)

    def _remove(self, key: object) -> Arrived:
        item = self._items.pop(key)
        self._release(item.peer, item.cost)
        return item

    def _release(self, peer: Peer, size: int) -> None:
        peer.reserved -= size
        self._free += size
