"""Which parts of a range of addresses are taken."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import NamedTuple

__all__ = ["ALIGNMENT", "Block", "Blocks"]

ALIGNMENT = 64
"""Of every block: a cache line, and what array libraries need to take memory over without a copy."""


class Block(NamedTuple):
    """A part of a range, in bytes."""

    offset: int
    size: int


class Blocks:
    """Hands out blocks of a range, each as low as possible so that touched memory is used again.

    Not thread-safe.

    Parameters
    ----------
    begin, end
        The range, in bytes.

    Examples
    --------
    >>> from polystore_streaming.memory import Blocks
    >>> blocks = Blocks(0, 256)
    >>> first, second = blocks.take(100), blocks.take(100)
    >>> first, second, blocks.take(100)
    (Block(offset=0, size=128), Block(offset=128, size=128), None)
    >>> blocks.give_back(first)
    >>> blocks.free, blocks.take(10)
    (128, Block(offset=0, size=64))
    """

    def __init__(self, begin: int, end: int) -> None:
        self._gaps = [Block(begin, end - begin)]
        self.free = end - begin

    @property
    def largest_gap(self) -> int:
        """The largest block that could be taken now, in bytes."""
        return max((gap.size for gap in self._gaps), default=0)

    def take(self, size: int) -> Block | None:
        """Take a block of at least ``size`` bytes; ``None`` if no gap is large enough."""
        size = max(ALIGNMENT, -(-size // ALIGNMENT) * ALIGNMENT)
        for index, gap in enumerate(self._gaps):
            if gap.size >= size:
                if gap.size == size:
                    del self._gaps[index]
                else:
                    self._gaps[index] = Block(gap.offset + size, gap.size - size)
                self.free -= size
                return Block(gap.offset, size)
        return None

    def give_back(self, block: Block) -> None:
        """Return a block that was taken; neighbouring gaps become one."""
        self.free += block.size
        index = bisect_left(self._gaps, block)
        if index < len(self._gaps) and block.offset + block.size == self._gaps[index].offset:
            block = Block(block.offset, block.size + self._gaps.pop(index).size)
        if index and sum(self._gaps[index - 1]) == block.offset:
            before = self._gaps.pop(index - 1)
            block = Block(before.offset, before.size + block.size)
        insort(self._gaps, block)
