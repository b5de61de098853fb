"""What has arrived and is not shown yet: the newest frame of each path, and questions in their order."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from polystore_streaming.viewer._receiver import Peer
    from polystore_streaming.wire import Frame, Request

__all__ = ["ArrivedFrame", "ArrivedRequest", "Mailbox"]


@dataclass(frozen=True, slots=True)
class ArrivedFrame:
    """A frame and its bytes, which stay valid as long as this object."""

    peer: Peer
    frame: Frame
    memory: memoryview
    same_clock: bool


@dataclass(frozen=True, slots=True)
class ArrivedRequest:
    """A question of a sender."""

    peer: Peer
    request: Request


Arrived: TypeAlias = ArrivedFrame | ArrivedRequest


class Mailbox:
    """A queue in which a frame takes the place of an older one of the same path. Thread-safe."""

    def __init__(self) -> None:
        self._items: dict[object, Arrived] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._items)

    def put_frame(self, arrived: ArrivedFrame) -> ArrivedFrame | None:
        """Add a frame; return the one whose place it takes."""
        key = (arrived.frame.role, arrived.frame.layer, arrived.frame.path)
        with self._lock:
            superseded = self._items.get(key)
            self._items[key] = arrived
        return superseded if isinstance(superseded, ArrivedFrame) else None

    def put_request(self, arrived: ArrivedRequest) -> None:
        """Add a question behind everything that has arrived."""
        with self._lock:
            self._items[arrived.peer, arrived.request.id] = arrived

    def take(self) -> Arrived | None:
        """Take the oldest item; ``None`` if there is none."""
        with self._lock:
            key = next(iter(self._items), None)
            return None if key is None else self._items.pop(key)
