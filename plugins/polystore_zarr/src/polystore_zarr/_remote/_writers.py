"""The store that zarr writes a new array to: objects below a key that nobody reads yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_zarr._chunk_store import NewArrayStore
from polystore_zarr._remote._addresses import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarr.core.buffer import Buffer

    from polystore_zarr._remote._buckets import Bucket

__all__ = ["ObjectWriter"]


class ObjectWriter(NewArrayStore):
    """A new array below a key.

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
        super().__init__()
        self._bucket = bucket
        self._key = key
        self._wait = wait
        self._documents: Mapping[str, bytes] = {}
        self.size = 0

    async def set(self, key: str, value: Buffer) -> None:
        data = value.to_bytes()
        self.size += len(data)
        await self._bucket.put_async(joined(self._key, key), data)

    def finish(self, documents: Mapping[str, bytes]) -> None:
        """Write the documents, by name, unless they wait."""
        self._documents = documents
        self.size += sum(map(len, documents.values()))
        if not self._wait:
            self.publish()

    def publish(self) -> None:
        """Write the documents."""
        for key, data in self._documents.items():
            self._bucket.put(joined(self._key, key), data)
