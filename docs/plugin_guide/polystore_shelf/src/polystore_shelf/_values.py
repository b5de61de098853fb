"""From a value to bytes and back."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core import CorruptData, UnsupportedData
from polystore_core.data import kind_of

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["decode", "encode"]


def encode(data: Data, *, compress: bool) -> tuple[str, bytes]:
    """Return how the value is written, and its bytes."""
    if isinstance(data, np.ndarray):
        kind, content = "array", _npy(data)
    elif isinstance(data, str):
        kind, content = "text", data.encode("utf-8", "surrogatepass")
    elif isinstance(data, bytes):
        kind, content = "bytes", data
    else:
        raise UnsupportedData(f"a shelf holds arrays, text and bytes, not {kind_of(data)}")
    return (f"{kind}+zlib", zlib.compress(content)) if compress else (kind, content)


def decode(how: str, content: bytes) -> Data:
    """Return the value that :func:`encode` was given."""
    kind, _, compression = how.partition("+")
    try:
        plain = zlib.decompress(content) if compression else content
        if kind == "array":
            array: np.ndarray[Any, Any] = np.load(io.BytesIO(plain), allow_pickle=False)
            return array
        return plain.decode("utf-8", "surrogatepass") if kind == "text" else plain
    except (ValueError, EOFError, zlib.error) as error:
        raise CorruptData(f"the shelf holds {kind} that cannot be read: {error}") from error


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    described = np.lib.format.dtype_to_descr(array.dtype)
    if np.lib.format.descr_to_dtype(described) != array.dtype:
        raise UnsupportedData(f"a shelf cannot describe the dtype {array.dtype}; save it as text or bytes")
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()
