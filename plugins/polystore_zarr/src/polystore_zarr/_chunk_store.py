"""The stores that zarr reads an array from and writes one to: plain files, no thread in between."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest

from polystore_core import CorruptData
from polystore_zarr._claims import COUNTED, claimed_size
from polystore_zarr._nodes import DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from zarr.core.buffer import Buffer, BufferPrototype

    from polystore_zarr._snapshot import SnapshotLike

__all__ = ["ArrayReader", "ArrayStore", "ArrayWriter"]

_HEADER = 32
"""Bytes at the beginning of a chunk in which zstd and blosc say what it decodes to."""

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class ArrayStore(Store):
    """What reading and writing have in common: one array at the root, and no listing."""

    supports_writes = True
    supports_deletes = False
    supports_listing = False

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None  # type: ignore[assignment]

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

    async def exists(self, key: str) -> bool:
        return False

    async def delete(self, key: str) -> None:
        raise NotImplementedError

    def list(self) -> AsyncIterator[str]:
        raise NotImplementedError

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        raise NotImplementedError

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        raise NotImplementedError


class ArrayReader(ArrayStore):
    """The chunks of one array, as one snapshot holds them.

    Parameters
    ----------
    snapshot
        The array's directory.
    codec
        Name of the codec that was applied to a file last.
    chunk_bytes
        What the content of a file may decode to.
    fill
        Whether a chunk without a file stands for the fill value. It is damage otherwise.
    by_region
        Whether the array is written by regions, so that one may just not be written yet.
    """

    def __init__(
        self, snapshot: SnapshotLike, *, codec: str, chunk_bytes: int, fill: bool, by_region: bool
    ) -> None:
        super().__init__(read_only=True)
        self._snapshot = snapshot
        self._codec = codec
        self._chunk_bytes = chunk_bytes
        self._fill = fill
        self._by_region = by_region

    async def set(self, key: str, value: Buffer) -> None:
        raise NotImplementedError

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        try:
            content = await self._snapshot.fetch(key, *_range(byte_range))
        except (FileNotFoundError, NotADirectoryError) as error:
            self._refuse_missing(key, error)
            return None
        self._check_claim(key, content)
        return prototype.buffer.from_bytes(content)

    def content(self, key: str, start: int = 0, length: int | None = None) -> bytes | None:
        """Read a chunk, or a part of one, as it is stored; ``None`` stands for the fill value.

        Raises
        ------
        CorruptData
            If it is missing.
        """
        try:
            return self._snapshot.read(key, start, length)
        except (FileNotFoundError, NotADirectoryError) as error:
            self._refuse_missing(key, error)
            return None

    def check(self, key: str) -> None:
        """Check that a chunk is there and claims no more than it may, as far as it says so itself.

        Raises
        ------
        CorruptData
        """
        content = self.content(key, 0, None if self._codec in COUNTED else _HEADER)
        if content is not None:
            self._check_claim(key, content)

    def _refuse_missing(self, key: str, error: OSError) -> None:
        if self._fill and self._snapshot.is_current():
            return
        if self._by_region:
            raise CorruptData(
                f"chunk {key!r} is not written yet, or not all of it: the array is written region by region"
            ) from error
        raise CorruptData(
            f"chunk {key!r} is missing. If another program left out chunks that hold nothing but the fill "
            "value, pass missing='fill'"
        ) from error

    def _check_claim(self, key: str, content: bytes) -> None:
        if not content:
            raise CorruptData(f"chunk {key!r} is empty, or ends too early")
        size = claimed_size(self._codec, content, self._chunk_bytes)
        if size is not None and size > self._chunk_bytes:
            raise CorruptData(f"chunk {key!r} claims more than the {self._chunk_bytes} bytes of a chunk")


class ArrayWriter(ArrayStore):
    """A new array in a directory of its own; its documents are written last.

    Parameters
    ----------
    directory
        Empty, and nobody else's.

    Attributes
    ----------
    size
        Bytes written.
    directory
        The same.
    """

    def __init__(self, directory: str) -> None:
        super().__init__(read_only=False)
        self.directory = directory
        self._made = {""}
        self._documents: dict[str, Buffer] = {}
        self._guard = threading.Lock()
        self.size = 0

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        return None

    async def set(self, key: str, value: Buffer) -> None:
        if key in DOCUMENTS:
            self._documents[key] = value
        else:
            self.write(key, [value.as_numpy_array()])

    def finish(self) -> None:
        """Write the documents."""
        for key, document in self._documents.items():
            self.write(key, [document.as_numpy_array()])

    def write(self, key: str, pieces: Sequence[Any]) -> None:
        """Write a file; several threads may do so.

        Parameters
        ----------
        key
            Its path in the directory.
        pieces
            Buffers that make its content.
        """
        parent = key.rpartition("/")[0]
        if parent not in self._made:
            os.makedirs(os.path.join(self.directory, parent), exist_ok=True)
            self._made.add(parent)
        size = 0
        descriptor = os.open(os.path.join(self.directory, key), _CREATE, 0o666)
        try:
            for piece in pieces:
                rest = memoryview(piece).cast("B")
                size += len(rest)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        self.note(size)

    def note(self, size: int) -> None:
        """Count bytes as written."""
        with self._guard:
            self.size += size


def _range(request: ByteRequest | None) -> tuple[int, int | None]:
    """Return where a request begins, from the end if negative, and how many bytes it wants at most."""
    match request:
        case None:
            return 0, None
        case RangeByteRequest(start, end):
            return start, end - start
        case OffsetByteRequest(offset):
            return offset, None
        case SuffixByteRequest(suffix):
            return -suffix, None
    raise NotImplementedError(request)
