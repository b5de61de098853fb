"""From a file to a value and back, by the format that the path's suffix names."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, BinaryIO

from polystore_core import CorruptData, PolyStoreError
from polystore_core.formats import FormatRegistry
from polystore_core.plugins import check_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_core.data import Data

__all__ = ["Codec"]

_ALWAYS_ALLOWED = 512 * 2**20
"""Bytes that a file may decode to, however small it is."""

_EXPANSION = 64
"""How many times its own size a larger file may decode to."""


class Codec:
    """Encodes and decodes files.

    Parameters
    ----------
    max_bytes
        What a file may decode to; ``None`` allows 512 MiB or 64 times the size of the file, whichever is
        more.
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        self._formats = FormatRegistry()
        self._max_bytes = max_bytes

    def suffix_of(self, path: str) -> str | None:
        """Return the known suffix of a path."""
        return self._formats.suffix_of(path)

    def first_of_each(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Return the first path of each suffix: what depends on the suffix is asked of these only."""
        found: dict[str | None, str] = {}
        for path in paths:
            found.setdefault(self._formats.suffix_of(path), path)
        return tuple(found.values())

    def is_parallel(self, path: str) -> bool:
        """Whether several files of this format are faster in several threads."""
        _, codec = self._formats.of(path)
        return bool(getattr(codec, "parallel", True))

    def check_write(self, path: str, options: Mapping[str, Any]) -> None:
        """Refuse an unknown suffix or option before anything is touched."""
        suffix, codec = self._formats.of(path)
        check_options(
            codec.encode, options, owner=f"format {suffix!r}", given=("threads",), further=("durability",)
        )

    def check_read(self, path: str, options: Mapping[str, Any]) -> None:
        """Refuse an unknown option before anything is read; an unknown suffix is the file's own error."""
        suffix = self._formats.suffix_of(path)
        if suffix is not None:
            _, codec = self._formats.of(path)
            needed = {"max_bytes": self._max_bytes or 0} | dict(options)
            check_options(codec.decode, needed, owner=f"format {suffix!r}", given=("copy", "threads"))

    def encode(
        self, data: Data, path: str, file: BinaryIO, *, threads: int, options: Mapping[str, Any]
    ) -> int:
        """Write a value to an empty file; return the bytes written.

        Raises
        ------
        UnsupportedData
            If the format does not hold such a value exactly.
        """
        suffix, codec = self._formats.of(path)
        self._formats.check_data(data, suffix)
        codec.encode(data, file, threads=threads, **options)
        file.flush()
        return os.fstat(file.fileno()).st_size

    def decode(
        self, path: str, file: BinaryIO, *, copy: bool, threads: int, options: Mapping[str, Any]
    ) -> Data:
        """Read a value from an open file.

        Raises
        ------
        CorruptData
            If the file is damaged or claims to decode to more than is allowed.
        """
        suffix, codec = self._formats.of(path)
        limits = {"max_bytes": self._limit(file)} | dict(options)
        try:
            return codec.decode(file, copy=copy, threads=threads, **limits)
        except PolyStoreError as error:
            _raise_failed_read(error)
            error.path = path
            if isinstance(error, CorruptData):
                error.args = (f"{path!r}: {error}",)
            raise
        except (OSError, MemoryError):
            raise
        except Exception as error:
            _raise_failed_read(error)
            raise CorruptData(
                f"{path!r} cannot be read as {suffix!r}: {type(error).__name__}: {error}. "
                "The file was left as it is",
                path=path,
            ) from error

    def _limit(self, file: BinaryIO) -> int:
        if self._max_bytes is not None:
            return self._max_bytes
        return max(_ALWAYS_ALLOWED, _EXPANSION * os.fstat(file.fileno()).st_size)


def _raise_failed_read(error: BaseException) -> None:
    """Raise what the operating system said, if a decoder took a failed read for a damaged file.

    Decoders seek to where damaged files send them, so that an invalid position is no failed read.
    """
    cause = error.__cause__ or error.__context__
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno not in {None, errno.EINVAL}:
            raise cause
        cause = cause.__cause__ or cause.__context__
