"""The common form: what is decoded and encoded here."""

from __future__ import annotations

import sys
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numcodecs  # type: ignore[import-untyped]
import zarr.codecs.blosc  # noqa: F401 - tells numcodecs that blosc must not start threads

from polystore_zarr._grid import Grid
from polystore_zarr._regions import file_parts
from polystore_zarr._stored_form import PieceForm

if TYPE_CHECKING:
    import numpy as np

    from polystore_zarr._regions import FilePart

__all__ = ["Form", "form_of"]

_KINDS = "biufc"
_SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}
_INDEX = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]


class Form(NamedTuple):
    """How an array is stored, if it is stored in the common form.

    Attributes
    ----------
    grid
        Chunks and shards.
    dtype
        Native.
    fill
        The fill value.
    compression
        Name of the compression, or ``"bytes"``.
    codec
        Of numcodecs; ``None`` without compression.
    piece
        What a stored chunk may hold.
    """

    grid: Grid
    dtype: np.dtype[Any]
    fill: Any
    compression: str
    codec: Any
    piece: PieceForm

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk, decoded."""
        return self.piece.decoded

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of chunks in a shard along each axis."""
        return tuple(many // one for many, one in zip(self.grid.files, self.grid.chunks, strict=True))

    def chunks_of(self, shard: FilePart) -> list[FilePart]:
        """Return what a part of a shard has of its chunks, their positions counted within the shard."""
        inner = Grid(self.grid.shape, self.grid.chunks)
        corner = [place * count for place, count in zip(shard.position, self.counts, strict=True)]
        return [
            chunk._replace(
                position=tuple(place - first for place, first in zip(chunk.position, corner, strict=True))
            )
            for chunk in file_parts(shard.region, inner)
        ]


def form_of(metadata: Any) -> Form | None:
    """Return the form of an array; ``None`` if it is another one than the common."""
    dtype = metadata.dtype.to_native_dtype()
    if metadata.zarr_format != 3 or dtype.kind not in _KINDS or sys.byteorder != "little":
        return None
    files = chunks = metadata.chunk_grid.chunk_shape
    codecs = [codec.to_dict() for codec in metadata.codecs]
    sharded = codecs[0]["name"] == "sharding_indexed"
    if sharded:
        sharding = codecs[0]["configuration"]
        if len(codecs) > 1 or sharding["index_location"] != "end" or list(sharding["index_codecs"]) != _INDEX:
            return None
        chunks, codecs = sharding["chunk_shape"], sharding["codecs"]
    first, *others = codecs
    if first["name"] != "bytes" or first.get("configuration", {}).get("endian", "little") != "little":
        return None
    if len(others) > 1 or (others and others[0]["name"] not in _CODECS):
        return None
    name = others[0]["name"] if others else "bytes"
    codec = _CODECS[name](others[0].get("configuration", {})) if others else None
    fill = dtype.type() if metadata.fill_value is None else metadata.fill_value
    grid = Grid(metadata.shape, tuple(chunks), files if sharded else None)
    piece = PieceForm(prod(chunks) * dtype.itemsize, ("bytes", name) if others else ("bytes",))
    return Form(grid, dtype, fill, name, codec, piece)


def _blosc(settings: dict[str, Any]) -> Any:
    return numcodecs.Blosc(
        cname=settings["cname"],
        clevel=settings["clevel"],
        shuffle=_SHUFFLES[settings["shuffle"]],
        blocksize=settings["blocksize"],
        typesize=settings["typesize"],
    )


_CODECS = {
    "zstd": lambda settings: numcodecs.Zstd(level=settings["level"], checksum=settings["checksum"]),
    "gzip": lambda settings: numcodecs.GZip(level=settings["level"]),
    "blosc": _blosc,
}
