"""Reading one version of a node, whatever is saved meanwhile."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from polystore_core import CorruptData
from polystore_zarr._nodes import ASIDE, DOCUMENTS
from polystore_zarr._remote._addresses import joined
from polystore_zarr._remote._nodes import node_of
from polystore_zarr._snapshot import refuse_too_much

if TYPE_CHECKING:
    from polystore_zarr._remote._buckets import Bucket
    from polystore_zarr._remote._nodes import Node
    from polystore_zarr._snapshot import Piece

__all__ = ["ObjectSnapshot", "ObjectSource"]

_LITTLE = 2**20
"""Bytes of a document that are asked for before it is known how many there are."""


@dataclass(frozen=True, slots=True)
class ObjectSource:
    """A node of a bucket, to take snapshots of.

    Attributes
    ----------
    bucket, key
        Where it is.
    shown
        How the caller named it.
    """

    bucket: Bucket
    key: str
    shown: str

    def snapshot(self) -> ObjectSnapshot:
        """Take a snapshot of how it is now.

        Raises
        ------
        FileNotFoundError
            If there is no such node.
        CorruptData
            If what decides about it cannot be understood.
        """
        node = node_of(self.bucket, self.key)
        if node is None or node.kind == "foreign":
            raise FileNotFoundError(f"{self.bucket.url}/{self.key}")
        if node.problem is not None:
            raise CorruptData(
                f"{self.shown!r} cannot be read as Zarr: {node.problem}. It was left as it is",
                path=self.shown,
            )
        return ObjectSnapshot(self.bucket, node)


class ObjectSnapshot:
    """The version that counted when it was taken; a newer one does not change what is read.

    When the version is being deleted its objects go missing; :meth:`is_current` then tells that from damage.

    Parameters
    ----------
    bucket, node
        What it is taken of.
    """

    def __init__(self, bucket: Bucket, node: Node) -> None:
        self.path = f"{bucket.url}/{node.base}"
        self._bucket = bucket
        self._node = node
        self._base = node.base

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave; nothing is held open."""

    def part(self, name: str) -> ObjectSnapshot:
        """Return the same snapshot, as seen from a node in it."""
        part = copy(self)
        part._base = joined(self._base, name)
        part.path = f"{self._bucket.url}/{part._base}"
        return part

    def is_current(self) -> bool:
        """Whether the document that decided is what it was."""
        if not self._node.decisive:
            return True
        try:
            return self._bucket.get(self._node.decisive).token == self._node.token
        except FileNotFoundError:
            return False

    def is_settled(self) -> bool:
        """Whether what was read is of one version: names that are used again tell nothing by themselves."""
        return self._node.version is not None or self.is_current()

    def identity(self) -> tuple[int | str, ...]:
        """Return what tells the node from any other that takes its place."""
        return (self._base, *(str(part) for part in (self._node.token or {}).values()))

    def extent(self) -> tuple[int, int]:
        """Count the objects of the node without its documents, and their bytes."""
        sizes = [
            meta["size"]
            for meta in self._bucket.walk(self._base)
            if meta["path"].rpartition("/")[2] not in DOCUMENTS and f"/{ASIDE}/" not in meta["path"]
        ]
        return len(sizes), sum(sizes)

    def read(self, name: str, most: int) -> bytes:
        """Read an object whole, unless it has more bytes than it may."""
        if joined(self._base, name) == self._node.decisive and self._node.raw:
            return self._node.raw
        piece = self._bucket.read(joined(self._base, name), 0, None, min(_LITTLE, most))
        refuse_too_much(name, piece.size, most)
        return piece.content if piece.size <= _LITTLE else self.piece(name, 0, None, most).content

    def piece(self, name: str, start: int, length: int | None, most: int) -> Piece:
        """Read a part of an object that may have some bytes; a negative ``start`` counts from its end."""
        piece = self._bucket.read(joined(self._base, name), start, length, most)
        refuse_too_much(name, piece.size, most)
        return piece

    async def fetch(self, name: str, start: int, length: int | None, most: int) -> Piece:
        """Read as :meth:`piece`, while other chunks are read."""
        piece = await self._bucket.read_async(joined(self._base, name), start, length, most)
        refuse_too_much(name, piece.size, most)
        return piece
