"""The memory that frames wait in: one copy in, and viewers read it where it lies."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections import deque
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_streaming.memory._blocks import ALIGNMENT, Blocks
from polystore_streaming.memory._shared import make_shared, populate

if TYPE_CHECKING:
    from polystore_streaming.memory._blocks import Block

__all__ = ["NONCE_BYTES", "Arena"]

NONCE_BYTES = 32
"""At the beginning of the memory lies a random number: who can tell it has really mapped the memory."""

_AHEAD = 32 * 1024 * 1024
_STEP = 1024 * 1024
"""Populated at a time, so that a frame that comes meanwhile finds what is done already."""


class Arena:
    """Memory of a bounded size for frames, shared with viewers of this machine.

    The address space is reserved at once; pages are put behind it from the low end as they are needed, and
    are used again. :meth:`take` and :meth:`give_back` may be called from any thread, and :meth:`give_back` at
    any moment, also by the garbage collector in the midst of :meth:`take`.

    Parameters
    ----------
    size
        Bytes for all frames together. Where the system refuses that much it becomes what the system grants,
        which may be next to nothing.

    Attributes
    ----------
    size
        Bytes of the memory.
    fd
        Descriptor to hand over to viewers; ``None`` where memory cannot be shared, then frames go inline.
    nonce
        The random number at the beginning of the memory.
    """

    def __init__(self, size: int) -> None:
        self._memory, self.fd = make_shared(size + ALIGNMENT)
        self.size = len(self._memory)
        self.nonce = secrets.token_bytes(NONCE_BYTES)
        self._memory[:NONCE_BYTES] = self.nonce
        self._blocks = Blocks(ALIGNMENT, self.size)
        self._returned: deque[Block] = deque()
        self._populated = ALIGNMENT
        self._highest = ALIGNMENT
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        """Bytes that no frame lies in."""
        with self._lock:
            self._take_back()
            return self._blocks.free

    def take(self, size: int) -> Block | None:
        """Take a block for a frame of ``size`` bytes; ``None`` if no gap is large enough."""
        with self._lock:
            self._take_back()
            block = self._blocks.take(size)
            if block is None:
                return None
            end = block.offset + block.size
            self._highest = max(self._highest, end)
            if end > self._populated and not self._populate(end):
                self._blocks.give_back(block)
                return None
            return block

    def give_back(self, block: Block) -> None:
        """Return the block of a frame that nobody reads any more."""
        self._returned.append(block)

    def populate_ahead(self) -> None:
        """Put pages behind the memory that is likely to be needed next; meant for a background thread."""
        wanted = min(self.size, max(self._highest + _AHEAD, 2 * self._highest))
        while self._populated < wanted and self._populate(min(wanted, self._populated + _STEP)):
            pass

    def view(self, block: Block, size: int) -> memoryview:
        """Return the first ``size`` bytes of a block, writable."""
        return memoryview(self._memory)[block.offset : block.offset + size]

    def array(self, block: Block, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """Return an array that lies ``offset`` bytes into a block, writable and in C order.

        Raises
        ------
        ValueError
            If the arena is closed.
        """
        return np.frombuffer(self._memory, dtype, prod(shape), block.offset + offset).reshape(shape)

    def close(self) -> None:
        """Let the memory go once no array lies in it any more."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
        with contextlib.suppress(BufferError):
            self._memory.close()

    def _take_back(self) -> None:
        while self._returned:
            self._blocks.give_back(self._returned.popleft())

    def _populate(self, end: int) -> bool:
        """Populate up to ``end``; without the lock, as two threads that do so only do it twice."""
        if not populate(self._memory, self.fd, self._populated, end):
            return False
        self._populated = max(self._populated, end)
        return True
