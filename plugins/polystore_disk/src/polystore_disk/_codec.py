"""From a file to a value and back, by the format that the path's suffix names."""

from __future__ import annotations

import errno
import io
import os
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from polystore_core import CorruptData, PolyStoreError
from polystore_core.formats import FormatRegistry
from polystore_core.plugins import check_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from polystore_core.data import Data
    from polystore_core.files import Writer
    from polystore_core.formats import Format

__all__ = ["Codec", "Codecs"]

_ALWAYS_ALLOWED = 512 * 2**20
"""Bytes that a file may decode to, however small it is."""

_EXPANSION = 64
"""How many times its own size a larger file may decode to."""

_SMALL = 1 << 16
"""Bytes of an array below which it is encoded in memory: one write is cheaper than many seeks."""


class Codecs:
    """The installed formats, each found by the suffix of a path.

    Parameters
    ----------
    max_bytes
        What a file may decode to; ``None`` allows 512 MiB or 64 times the size of the file, whichever is
        more.
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        self._formats = FormatRegistry()
        self._max_bytes = max_bytes
        self._codecs: dict[str, Codec] = {}

    def suffix_of(self, path: str) -> str | None:
        """Return the known suffix of a path."""
        return self._formats.suffix_of(path)

    def find(self, path: str) -> Codec | None:
        """Return the codec of a path; ``None`` if no known suffix fits."""
        suffix = self._formats.suffix_of(path)
        if suffix is None:
            return None
        return self._codecs.get(suffix) or self.of(path)

    def of(self, path: str) -> Codec:
        """Return the codec of a path.

        Raises
        ------
        UnsupportedData
            If no known suffix fits; the message lists those there are.
        """
        suffix, codec = self._formats.of(path)
        return self._codecs.setdefault(suffix, Codec(suffix, codec, self._formats, self._max_bytes))


class Codec:
    """Encodes and decodes the files of one suffix."""

    def __init__(self, suffix: str, codec: Format, formats: FormatRegistry, max_bytes: int | None) -> None:
        self._suffix = suffix
        self._owner = f"format {suffix!r}"
        self._codec = codec
        self._formats = formats
        self._max_bytes = max_bytes
        self.parallel = bool(getattr(codec, "parallel", True))
        """Whether several files are faster in several threads."""
        self._writes_without_options = False

    def check_write(self, options: Mapping[str, Any]) -> None:
        """Refuse an unknown option before anything is touched."""
        if not options and self._writes_without_options:
            return
        self._check(self._codec.encode, options, given=("threads",), further=("durability",))
        self._writes_without_options |= not options

    def check_read(self, options: Mapping[str, Any]) -> None:
        """Refuse an unknown option before anything is read."""
        needed = {"max_bytes": self._max_bytes or 0} | dict(options)
        self._check(self._codec.decode, needed, given=("copy", "threads"))

    def encode(
        self, data: Data, writer: Writer, *, threads: Callable[[], int], options: Mapping[str, Any]
    ) -> int:
        """Write a value with a writer; return the bytes written. A small one does not ask for ``threads``.

        Raises
        ------
        UnsupportedData
            If the format does not hold such a value exactly.
        """
        kind = self._formats.check_data(data, self._suffix)
        if kind == "array" and cast("np.ndarray[Any, Any]", data).nbytes < _SMALL:
            memory = io.BytesIO()
            self._codec.encode(data, memory, threads=1, **options)
            return writer.write(memory.getbuffer())
        with writer as file:
            self._codec.encode(data, file, threads=threads(), **options)
            return file.seek(0, os.SEEK_END)

    def decode(
        self, path: str, file: BinaryIO, *, copy: bool, threads: int, options: Mapping[str, Any]
    ) -> Data:
        """Read a value from an open file.

        Raises
        ------
        CorruptData
            If the file is damaged or claims to decode to more than is allowed.
        """
        limits = {"max_bytes": self._limit(file)} | dict(options)
        try:
            return self._codec.decode(file, copy=copy, threads=threads, **limits)
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
                f"{path!r} cannot be read as {self._suffix!r}: {type(error).__name__}: {error}. "
                "The file was left as it is",
                path=path,
            ) from error

    def _check(
        self,
        function: Callable[..., object],
        options: Mapping[str, Any],
        *,
        given: tuple[str, ...],
        further: tuple[str, ...] = (),
    ) -> None:
        check_options(function, options, owner=self._owner, given=given, further=further)

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
