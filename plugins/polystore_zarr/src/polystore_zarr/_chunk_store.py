"""The stores that zarr reads an array from and writes one to: plain files, no thread in between."""

from __future__ import annotations

import os
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest

from polystore_core import CorruptData
from polystore_zarr._snapshot import Snapshot
from polystore_zarr._stored_form import HEADER, NOTHING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from zarr.core.buffer import Buffer, BufferPrototype

    from polystore_zarr._snapshot import OpenFile, Piece, SnapshotLike
    from polystore_zarr._stored_form import FileForm

    Array = np.ndarray[Any, Any]

__all__ = ["ArrayReader", "ArrayWriter", "ChunkFiles", "KeptWriter", "NewArrayStore", "ShardReplaced"]

_OVERHEAD = 1024
_SMALL = 4 * 2**20
"""Bytes up to which it costs nothing to set as much aside for a chunk as it may need."""

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


class ShardReplaced(Exception):
    """A shard was replaced between two reads of parts of it: what was read is to be read again."""


class OpenShard(NamedTuple):
    """A shard that is held open while threads read its chunks.

    Attributes
    ----------
    name, file
        Of the shard.
    places
        Its index, as :meth:`ShardForm.index_in` returns it.
    """

    name: str
    file: OpenFile
    places: Array

    def address(self, position: tuple[int, ...]) -> list[int]:
        """Return start and length of a chunk."""
        address: list[int] = self.places[position].tolist()
        return address

    def key(self, _address: list[int]) -> str:
        """Return the name of the file that a chunk lies in."""
        return self.name

    def glance(self, address: list[int]) -> bytes | None:
        """Read a chunk as it is stored in the fewest steps; ``None`` where it takes more to tell."""
        start, length = address
        return None if start == NOTHING else self.file.glance(start, length)

    def read(self, address: list[int]) -> bytes | None:
        """Read a chunk as it is stored, unchecked; ``None`` stands for the fill value."""
        start, length = address
        return None if start == NOTHING else self.file.read(start, length)


class ArrayReader(ArrayStore):
    """The chunks of one array, as one snapshot holds them.

    Parameters
    ----------
    snapshot
        The array's directory.
    form
        What its files may hold.
    fill
        Whether a chunk without a file stands for the fill value. It is damage otherwise.
    by_region
        Whether the array is written by regions, so that one may just not be written yet.

    Attributes
    ----------
    snapshot
        The same.
    """

    def __init__(self, snapshot: SnapshotLike, *, form: FileForm, fill: bool, by_region: bool) -> None:
        super().__init__(read_only=True)
        self.snapshot = snapshot
        self._form = form
        self._most = form.most
        self._piece = form.piece if form.shard is None else form.shard.piece
        self._states: dict[str, object] = {}
        self._fill = fill
        self._by_region = by_region

    async def set(self, key: str, value: Buffer) -> None:
        raise NotImplementedError

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        start, length = _range(byte_range)
        try:
            piece = await self.snapshot.fetch(key, start, length, self._most)
        except (FileNotFoundError, NotADirectoryError) as error:
            self._refuse_missing(key, error)
            return None
        content = piece.content
        self._refuse_replaced(key, piece)
        if byte_range is None:
            self._check_file(key, content)
        elif self._form.shard is not None and (start < 0) == self._form.shard.at_end and start <= 0:
            self._form.shard.index_in(key, content, piece.size)
        else:
            self._piece.check(key, content)
        return prototype.buffer.from_bytes(content)

    def content(self, key: str) -> bytes | None:
        """Read a file as it is stored, unchecked; ``None`` stands for the fill value.

        Raises
        ------
        CorruptData
            If it is missing, or has more bytes than it may.
        """
        try:
            return self.snapshot.read(key, self._most)
        except (FileNotFoundError, NotADirectoryError) as error:
            self._refuse_missing(key, error)
            return None

    @contextmanager
    def shard(self, key: str) -> Iterator[OpenShard | None]:
        """Open a shard of a directory, its index checked; ``None`` stands for the fill value.

        Raises
        ------
        CorruptData
        """
        form, snapshot = self._form.shard, self.snapshot
        assert form is not None
        assert isinstance(snapshot, Snapshot)
        try:
            opened: OpenFile | None = snapshot.file(key, self._most)
        except (FileNotFoundError, NotADirectoryError) as error:
            self._refuse_missing(key, error)
            opened = None
        if opened is None:
            yield None
            return
        with closing(opened) as file:
            index = file.piece(-form.index_bytes if form.at_end else 0, form.index_bytes)
            self._refuse_replaced(key, index)
            yield OpenShard(key, file, form.index_in(key, index.content, file.size))

    def check(self, key: str) -> None:
        """Check that a file is there and claims no more than it may, as far as it says so itself.

        Raises
        ------
        CorruptData
        """
        most = None if self._piece.counted else HEADER
        if self._form.shard is None:
            piece = self._read(key, 0, most)
            if piece is not None:
                self._piece.check(key, piece.content, piece.size)
            return
        with self.shard(key) as shard:
            if shard is None:
                return
            for start, length in shard.places.reshape(-1, 2).tolist():
                if start != NOTHING:
                    head = shard.file.piece(start, length if most is None else min(length, most))
                    self._piece.check(key, head.content, length)

    def check_replaced(self, keys: Iterable[str]) -> None:
        """Raise if a shard that was looked at is another one by now.

        Raises
        ------
        ShardReplaced
        """
        if self._form.shard is not None:
            for key in keys:
                self._read(key, 0, 0)

    def _read(self, key: str, start: int, length: int | None) -> Piece | None:
        try:
            piece = self.snapshot.piece(key, start, length, self._most)
        except (FileNotFoundError, NotADirectoryError) as error:
            self._refuse_missing(key, error)
            return None
        if self._form.shard is not None:
            self._refuse_replaced(key, piece)
        return piece

    def _refuse_replaced(self, key: str, piece: Piece) -> None:
        """Refuse to read one part of a shard from one file, and another from a newer one."""
        if self._form.shard is not None and self._states.setdefault(key, piece.state) != piece.state:
            raise ShardReplaced(key)

    def _check_file(self, key: str, content: bytes) -> None:
        if self._form.shard is None:
            self._piece.check(key, content)
            return
        index = self._form.shard.index_in(key, content, len(content))
        view = memoryview(content)
        for start, length in index.reshape(-1, 2).tolist():
            if start != NOTHING:
                self._piece.check(key, view[start : start + length])

    def _refuse_missing(self, key: str, error: OSError) -> None:
        if self._fill and self.snapshot.is_current():
            return
        if self._by_region:
            raise CorruptData(
                f"chunk {key!r} is not written yet, or not all of it: the array is written region by region"
            ) from error
        raise CorruptData(
            f"chunk {key!r} is missing. If another program left out chunks that hold nothing but the fill "
            "value, pass missing='fill'"
        ) from error


class ChunkFiles:
    """The chunks of an array in a directory that has each in a file of its own.

    Parameters
    ----------
    reader
        Of the array.
    key_of
        Gives the name of the file of a chunk by its position.
    chunk_bytes
        Of a chunk, decoded.

    Attributes
    ----------
    address
        The same as ``key_of``.
    """

    __slots__ = ("_most", "_reader", "_take", "address")

    def __init__(
        self, reader: ArrayReader, key_of: Callable[[tuple[int, ...]], str], chunk_bytes: int
    ) -> None:
        snapshot = reader.snapshot
        assert isinstance(snapshot, Snapshot)
        self._reader = reader
        self._most = chunk_bytes + chunk_bytes // 64 + _OVERHEAD
        self._take: Callable[[str, int], bytes | None]
        self._take = snapshot.glance if self._most <= _SMALL else snapshot.read
        self.address = key_of

    def key(self, address: str) -> str:
        """Return the name of the file of a chunk."""
        return address

    def glance(self, address: str) -> bytes | None:
        """Read a chunk as it is stored in the fewest steps; ``None`` where it takes more to tell."""
        return self._take(address, self._most)

    def read(self, address: str) -> bytes | None:
        """Read a chunk as it is stored, unchecked; ``None`` stands for the fill value."""
        return self._reader.content(address)


class NewArrayStore(ArrayStore):
    """Where a new array is written to."""

    def __init__(self) -> None:
        super().__init__(read_only=False)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        return None


class KeptWriter(NewArrayStore):
    """Keeps what is written to it.

    Attributes
    ----------
    content
        Of each key.
    """

    def __init__(self) -> None:
        super().__init__()
        self.content: dict[str, bytes] = {}

    async def set(self, key: str, value: Buffer) -> None:
        self.content[key] = value.to_bytes()


class ArrayWriter(NewArrayStore):
    """A new array in a directory of its own.

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
        super().__init__()
        self.directory = directory
        self._made = {""}
        self._guard = threading.Lock()
        self.size = 0

    async def set(self, key: str, value: Buffer) -> None:
        self.write(key, [value.as_numpy_array()])

    def finish(self, documents: Mapping[str, bytes]) -> None:
        """Write the documents, by name."""
        for key, document in documents.items():
            self.write(key, [document])

    def write(self, key: str, pieces: Sequence[Any]) -> None:
        """Write a file; several threads may do so.

        Parameters
        ----------
        key
            Its path in the directory.
        pieces
            Buffers that make its content.
        """
        self._make(key.rpartition("/")[0])
        size = 0
        descriptor = os.open(f"{self.directory}/{key}", _CREATE, 0o666)
        try:
            for piece in pieces:
                rest = memoryview(piece).cast("B")
                size += len(rest)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        self.note(size)

    def _make(self, folder: str) -> None:
        """Make a directory in that of the array, unless a thread did; nobody else makes any there."""
        if folder in self._made:
            return
        self._make(folder.rpartition("/")[0])
        with suppress(FileExistsError):
            os.mkdir(f"{self.directory}/{folder}")
        self._made.add(folder)

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
