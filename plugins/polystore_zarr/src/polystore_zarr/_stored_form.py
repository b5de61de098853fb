"""What the files of an array may hold: asked before one is read, and of a piece before it is decoded.

Sources: Zarr v3, codec ``sharding_indexed`` (https://zarr-specs.readthedocs.io); the bounds that zstd, zlib,
bzip2, xz and c-blosc state for what does not compress, of which twice the size and 1 KiB is more than any.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import google_crc32c
import numcodecs  # type: ignore[import-untyped]
import numpy as np

from polystore_core import CorruptData
from polystore_zarr._claims import COUNTED, claimed_size, first_claim

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Array = np.ndarray[Any, Any]

__all__ = ["HEADER", "NOTHING", "FileForm", "PieceForm", "ShardForm"]

HEADER = 32
"""Bytes at the beginning of a chunk in which zstd and blosc say what it decodes to."""

NOTHING = np.iinfo(np.uint64).max
"""In the index of a shard: there is no such chunk, it is full of the fill value."""

_CHECKSUM = 4
_OVERHEAD = 1024
_LITTLE = 4 * 2**20
_WIDEST = 16
_ENTRY = 16
_KEEP_SIZE = frozenset({"bytes", "endian", "transpose", "shuffle"})
_COMPRESS = frozenset({"zstd", "blosc", "gzip", "zlib", "lz4", "bz2", "lzma"})


class PieceForm:
    """A chunk that is encoded by itself: in a file of its own, or in a shard.

    Parameters
    ----------
    decoded
        Bytes of its values.
    codecs
        Names of what encodes it, in order.

    Attributes
    ----------
    decoded, codecs
        The same.
    exact
        Bytes that it is stored in; ``None`` if that depends on its values.
    most
        Bytes that it is never stored in more than.
    counted
        Whether all of it must be read to know what it decodes to.
    """

    __slots__ = ("_limits", "codecs", "counted", "decoded", "exact", "most")

    def __init__(self, decoded: int, codecs: tuple[str, ...]) -> None:
        self.decoded, self.codecs = decoded, codecs
        known = _KEEP_SIZE | _COMPRESS | {"crc32c"}
        encoded = decoded if known.issuperset(codecs) else _WIDEST * decoded  # a filter may widen it
        keeps_size = _KEEP_SIZE.union(["crc32c"]).issuperset(codecs)
        self.exact = decoded + _CHECKSUM * codecs.count("crc32c") if keeps_size else None
        self.most = 2 * encoded + _OVERHEAD
        compressions = _compressions(codecs)
        self.counted = len(compressions) > 1 or not COUNTED.isdisjoint(compressions)
        limits = [*[self.most] * (len(compressions) - 1), encoded]
        self._limits = list(zip(compressions, limits, strict=False))

    def fits(self, content: bytes) -> bool:
        """Whether a chunk that is compressed by zstd or blosc alone decodes to what it should, or to nothing.

        Of one that does not fit, :meth:`check` tells whether it is good all the same.
        """
        return first_claim(self.codecs[-1], content) == self.decoded

    def check(self, key: str, content: bytes | memoryview, size: int | None = None) -> int | None:
        """Check that it claims no more than it may, as far as it says so itself.

        Parameters
        ----------
        key
            Of the file.
        content
            All of it; its beginning will do unless it is ``counted``.
        size
            Bytes of all of it, if there is only its beginning.

        Returns
        -------
        int or None
            What it claims to decode to; ``None`` if it does not say.

        Raises
        ------
        CorruptData
        """
        if not content:
            raise CorruptData(f"chunk {key!r} is empty, or ends too early")
        claim = self.exact
        for left, (codec, limit) in enumerate(self._limits, 1 - len(self._limits)):
            if codec == "blosc" and _blosc_length(content) > (size or len(content)):
                raise CorruptData(f"chunk {key!r} is not as long as its header says")
            claim = claimed_size(codec, content, limit)
            if claim is not None and claim > limit:
                raise CorruptData(f"chunk {key!r} claims more than the {limit} bytes of a chunk")
            if left:
                size = None
                content = memoryview(numcodecs.get_codec({"id": codec}).decode(content))
        return claim


class ShardForm(NamedTuple):
    """How the chunks of a shard lie in its file.

    Attributes
    ----------
    counts
        Number of chunks along each axis.
    piece
        Of each chunk.
    at_end
        Whether the index is at the end of the file, or at its beginning.
    checked
        Whether the index has a checksum.
    byte_order
        Of the index: ``"<"`` or ``">"``.
    """

    counts: tuple[int, ...]
    piece: PieceForm
    at_end: bool
    checked: bool
    byte_order: str

    @property
    def index_bytes(self) -> int:
        """Bytes of the index."""
        return _ENTRY * prod(self.counts) + (_CHECKSUM if self.checked else 0)

    @property
    def most(self) -> int:
        """Bytes that a shard is never stored in more than."""
        return prod(self.counts) * self.piece.most + self.index_bytes

    def index_in(self, key: str, stored: bytes | memoryview, size: int) -> Array:
        """Return the index of a shard, checked: every chunk lies in the file, and none over another.

        Without checksums in the chunks, bytes that were changed in their place are not noticed, nor any that
        are missing where something else fills the gap.

        Parameters
        ----------
        key
            Of the file.
        stored
            The index as it is stored, or the whole file.
        size
            Bytes of the whole file.

        Returns
        -------
        ndarray
            uint64 of the shape of ``counts`` and one more axis: start and length, or twice ``NOTHING``.

        Raises
        ------
        CorruptData
        """
        whole = memoryview(stored)
        part = bytes(whole[-self.index_bytes :] if self.at_end else whole[: self.index_bytes])
        entries = part[:-_CHECKSUM] if self.checked else part
        damaged = len(part) < self.index_bytes or (
            self.checked and int(google_crc32c.value(entries)) != int.from_bytes(part[-_CHECKSUM:], "little")
        )
        if damaged:
            raise CorruptData(f"the index of shard {key!r} is damaged")
        index = np.frombuffer(entries, f"{self.byte_order}u8").astype(np.uint64).reshape(-1, 2)
        self._check_places(key, index, size)
        return index.reshape(*self.counts, 2)

    def _check_places(self, key: str, index: Array, size: int) -> None:
        present = index[(index != NOTHING).any(axis=1)]
        starts, lengths = present[np.argsort(present[:, 0], kind="stable")].T
        first, last = (0, size - self.index_bytes) if self.at_end else (self.index_bytes, size)
        room = np.uint64(last)
        if ((starts < first) | (starts > room) | (lengths > room - np.minimum(starts, room))).any():
            raise CorruptData(
                f"the index of shard {key!r} points beyond its end: bytes of it are missing, or the index is "
                "that of another one"
            )
        if (starts[1:] < (starts + lengths)[:-1]).any():
            raise CorruptData(f"the index of shard {key!r} puts chunks over one another")
        exact = self.piece.exact
        if exact is not None and (lengths != exact).any():
            raise CorruptData(
                f"the index of shard {key!r} has a chunk of {int(lengths[lengths != exact][0])} bytes, where "
                f"each takes {exact}"
            )


class FileForm(NamedTuple):
    """A file of an array: a chunk, or a shard of chunks.

    Attributes
    ----------
    piece
        What it is as a whole.
    shard
        How chunks lie in it; ``None`` if it is one chunk, or a shard in a form that is not looked into.
    """

    piece: PieceForm
    shard: ShardForm | None = None

    @property
    def most(self) -> int:
        """Bytes that it is never stored in more than; what is little is read in any case."""
        return max(_LITTLE, self.piece.most if self.shard is None else self.shard.most)

    @classmethod
    def of_v2(cls, document: Mapping[str, Any], decoded: int) -> Self:
        """Take it from ``.zarray``, for chunks of some bytes."""
        parts = [*(document.get("filters") or []), document.get("compressor")]
        return cls(PieceForm(decoded, tuple(str(part["id"]) for part in parts if part)))

    @classmethod
    def of_v3(cls, document: Mapping[str, Any], shape: Sequence[int], itemsize: int) -> Self:
        """Take it from ``zarr.json``, for files that hold some shape.

        Raises
        ------
        LookupError, TypeError, ValueError
            If it does not say it.
        """
        codecs: Sequence[Mapping[str, Any]] = document["codecs"]
        whole = PieceForm(prod(shape) * itemsize, _names(codecs))
        if whole.codecs[0] != "sharding_indexed":
            return cls(whole)
        sharding = codecs[0]["configuration"]
        inner = sharding["chunk_shape"]
        counts = tuple(many // one for many, one in zip(shape, inner, strict=True))
        piece = PieceForm(prod(inner) * itemsize, _names(sharding["codecs"]))
        index_codecs = _names(sharding["index_codecs"])
        shard = ShardForm(
            counts,
            piece,
            at_end=sharding.get("index_location", "end") == "end",
            checked="crc32c" in index_codecs,
            byte_order=">" if _endian(sharding["index_codecs"]) == "big" else "<",
        )
        plain = len(codecs) == 1 and index_codecs in (("bytes",), ("bytes", "crc32c"))
        if plain and not piece.codecs[0].startswith("sharding"):
            return cls(whole, shard)
        widest = prod(counts) * (2 * piece.most + _ENTRY) + _OVERHEAD
        return cls(PieceForm(max(whole.decoded, widest), whole.codecs))


def _blosc_length(content: bytes | memoryview) -> int:
    """Return the length of a compressed chunk by its own account: the library reads that much in any case."""
    return int.from_bytes(content[12:16], "little")


def _names(codecs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(codec["name"]).removeprefix("numcodecs.") for codec in codecs)


def _endian(codecs: Sequence[Mapping[str, Any]]) -> str:
    configuration: Mapping[str, Any] = codecs[0].get("configuration") or {}
    return str(configuration.get("endian", "little"))


def _compressions(codecs: Sequence[str]) -> list[str]:
    """Return what compresses, the last one first, up to what is not known; a checksum is passed over."""
    names: list[str] = []
    for name in reversed(codecs):
        if name in _COMPRESS:
            names.append(name)
        elif name != "crc32c":
            break
    return names
