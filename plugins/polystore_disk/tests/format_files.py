"""Saving and loading through a codec with real files, and damaging what lies in between."""

from __future__ import annotations

import tempfile
import tracemalloc
from typing import Any

from polystore_core.data import data_equal
from polystore_core.errors import CorruptData

ROOM = 1 << 28


def save(codec: Any, value: Any, *, threads: int = 1, **options: Any) -> bytes:
    """Return the content of the file that the codec writes."""
    with tempfile.TemporaryFile() as file:
        codec.encode(value, file, threads=threads, **options)
        file.seek(0)
        return file.read()


def load(
    codec: Any, content: bytes, *, copy: bool = True, max_bytes: int = ROOM, threads: int = 1, **options: Any
) -> Any:
    """Return what the codec reads from a file with that content; the file is closed before."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return codec.decode(file, copy=copy, max_bytes=max_bytes, threads=threads, **options)


def comes_back(codec: Any, value: Any, **options: Any) -> bool:
    """Tell whether what is saved is what is loaded."""
    return data_equal(load(codec, save(codec, value, **options)), value)


def is_value_or_corrupt(codec: Any, content: bytes, *, max_bytes: int = 1 << 22) -> bool:
    """Tell whether a file gives a value or ``CorruptData``, in memory of the order of the limit."""
    tracemalloc.start()
    try:
        load(codec, content, max_bytes=max_bytes)
    except CorruptData:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak < 3 * max_bytes


def flipped(content: bytes, position: int, mask: int) -> bytes:
    """Return the content with some bits of one byte changed."""
    damaged = bytearray(content)
    damaged[position % len(damaged)] ^= mask
    return bytes(damaged)
