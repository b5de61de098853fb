"""From the options of a save to zarr's codecs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from polystore_core import InvalidOption
from polystore_zarr._ngff import ZarrFormat  # noqa: TC001

__all__ = ["Compression", "Encoding", "encoding_of"]

Compression = Literal["zstd", "blosc", "gzip", "none"]

_ZSTD = 1
"""Images of a camera are mostly noise: the library's own level 3 takes five times as long for a tenth."""

_LEVELS = {"zstd": range(-7, 23), "blosc": range(10), "gzip": range(10)}


@dataclass(frozen=True, eq=False)
class Encoding:
    """What becomes of a chunk, in the words of :func:`zarr.create_array`; one is equal only to itself."""

    filters: tuple[Any, ...] | None = None
    serializer: Any = "auto"
    compressors: tuple[Any, ...] | None = None


_NONE = Encoding()


def encoding_of(
    *,
    compression: Compression | None = None,
    level: int | None = None,
    codecs: Sequence[Mapping[str, Any]] | None = None,
    itemsize: int = 1,
    zarr_format: ZarrFormat = 3,
) -> Encoding:
    """Return the codecs.

    Parameters
    ----------
    compression
        ``"zstd"`` (the default), ``"blosc"`` (bits shuffled, then lz4), ``"gzip"`` or ``"none"``.
    level
        Of the compression; by default 1 for zstd, 5 for the others.
    codecs
        Instead of ``compression``: codecs as Zarr v3 writes them, in order:
        ``[{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]``.
    itemsize
        Bytes per element.
    zarr_format
        Version of Zarr; 2 knows no ``codecs``.

    Raises
    ------
    InvalidOption
        If they contradict each other, or zarr knows no such codec.
    """
    if codecs is not None:
        if compression is not None or level is not None:
            raise InvalidOption("pass either codecs= or compression= and level=, not both")
        if zarr_format == 2:
            raise InvalidOption("codecs= is for Zarr v3; with ngff='0.4' pass compression=")
        return _from_documents(codecs)
    name = compression or "zstd"
    if name not in get_args(Compression):
        raise InvalidOption(f"compression takes {', '.join(map(repr, get_args(Compression)))}; got {name!r}")
    if name == "none":
        if level is not None:
            raise InvalidOption("compression='none' has no level; leave level= out")
        return _NONE
    if level is not None and level not in _LEVELS[name]:
        levels = _LEVELS[name]
        raise InvalidOption(f"level of {name!r} is {levels[0]} to {levels[-1]}; got {level}")
    return _encoding(name, level, itemsize, zarr_format)


@lru_cache(maxsize=64)
def _encoding(name: str, level: int | None, itemsize: int, zarr_format: ZarrFormat) -> Encoding:
    if zarr_format == 2:
        return Encoding(compressors=(_compressor_v2(name, level),))
    return Encoding(compressors=(_compressor(name, level, itemsize),))


def _compressor(name: str, level: int | None, itemsize: int) -> Any:
    from zarr import codecs

    if name == "zstd":
        return codecs.ZstdCodec(level=_ZSTD if level is None else level)
    if name == "gzip":
        return codecs.GzipCodec(level=5 if level is None else level)
    return codecs.BloscCodec(
        cname="lz4",
        clevel=5 if level is None else level,
        shuffle="bitshuffle",
        typesize=itemsize,
    )


def _compressor_v2(name: str, level: int | None) -> Any:
    import numcodecs  # type: ignore[import-untyped]

    if name == "zstd":
        return numcodecs.Zstd(level=_ZSTD if level is None else level)
    if name == "gzip":
        return numcodecs.GZip(level=5 if level is None else level)
    return numcodecs.Blosc(
        cname="lz4", clevel=5 if level is None else level, shuffle=numcodecs.Blosc.BITSHUFFLE
    )


def _from_documents(documents: Sequence[Any]) -> Encoding:
    from zarr.abc.codec import ArrayArrayCodec, ArrayBytesCodec, BytesBytesCodec

    made = list(map(_from_document, [documents] if isinstance(documents, str) else documents))
    filters = tuple(codec for codec in made if isinstance(codec, ArrayArrayCodec))
    serializers = [codec for codec in made if isinstance(codec, ArrayBytesCodec)]
    compressors = tuple(codec for codec in made if isinstance(codec, BytesBytesCodec))
    if len(serializers) > 1 or [*filters, *serializers, *compressors] != made:
        raise InvalidOption(
            "codecs= takes filters, then at most one serializer such as 'bytes', then compressors; got "
            + ", ".join(repr(document.get("name")) for document in documents)
            + ". For the sharding codec pass shards="
        )
    return Encoding(filters or None, serializers[0] if serializers else "auto", compressors or None)


def _from_document(document: object) -> Any:
    from zarr.registry import get_codec_class

    if not isinstance(document, Mapping) or not isinstance(name := document.get("name"), str):
        raise InvalidOption(f'codecs= takes objects such as {{"name": "zstd"}}; got {document!r}')
    if name == "sharding_indexed":
        raise InvalidOption("pass shards= rather than the codec 'sharding_indexed'")
    try:
        return get_codec_class(name).from_dict(dict(document))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidOption(f"codec {name!r} cannot be used: {error}") from error
