"""The store that zarr writes a new array to: objects below a key that nobody reads yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_zarr._chunk_store import ArrayStore
from polystore_zarr._nodes import DOCUMENTS
from polystore_zarr._remote._addresses import joined

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

    from polystore_zarr._remote._buckets import Bucket

__all__ = ["KeptWriter", "ObjectWriter"]


class ObjectWriter(ArrayStore):
    """A new array below a key; its documents are written last.

    Parameters
    ----------
    bucket, key
        Where to; nobody else writes there.
    wait
        Whether the documents wait for :meth:`publish`.

    Attributes
    ----------
    size
        Bytes written.
    """

    def __init__(self, bucket: Bucket, key: str, *, wait: bool = False) -> None:
        super().__init__(read_only=False)
        self._bucket = bucket
        self._key = key
        self._wait = wait
        self._documents: dict[str, bytes] = {}
        self.size = 0

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        return None

    async def set(self, key: str, value: Buffer) -> None:
        data = value.to_bytes()
        self.size += len(data)
        if key in DOCUMENTS:
            self._documents[key] = data
        else:
            await self._bucket.put_async(joined(self._key, key), data)

    def finish(self) -> None:
        """Write the documents, unless they wait."""
        if not self._wait:
            self.publish()

    def publish(self) -> None:
        """Write the documents."""
        for key, data in self._documents.items():
            self._bucket.put(joined(self._key, key), data)


class KeptWriter(ArrayStore):
    """Keeps what is written to it.

    Attributes
    ----------
    content
        Of each key.
    """

    def __init__(self) -> None:
        super().__init__(read_only=False)
        self.content: dict[str, bytes] = {}

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        return None

    async def set(self, key: str, value: Buffer) -> None:
        self.content[key] = value.to_bytes()
