"""``.npy``: one array of any dtype that is not a Python object, with zero-copy loading."""

from __future__ import annotations

import ast
import math
import mmap
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

from polystore_core.errors import BackendUnavailable, CorruptData, UnsupportedData
from polystore_core.formats import file_size, require_room, write_all, write_pieces
from polystore_disk.formats._bytes import bytes_of, fill
from polystore_disk.formats._narrow import require_array

if TYPE_CHECKING:
    import numpy as np

    from polystore_core.data import Data

    Array = np.ndarray[Any, Any]

__all__ = ["Header", "Npy", "read_array", "read_header", "write_array"]

_MAGIC = b"\x93NUMPY"
_ALIGNMENT = 64
_LONGEST_HEADER = 1 << 20
_CHUNK_BYTES = 1 << 20
_SMALL = 1 << 14
"""Bytes below which a copy costs less than a second write."""

_ML_DTYPES = re.compile(r"bfloat16|b?complex32|float[468]_e[0-9]m[0-9][a-z0-9]*|u?int[124]", re.ASCII)
"""Names of the dtypes of ``ml_dtypes``; numpy has none of them."""


class Npy:
    """The codec of ``.npy``, numpy's own format, versions 1 to 3.

    Holds every dtype without Python objects: numbers, bool, complex, datetime64, fixed-width text and
    bytes, structured dtypes, and the small floats and integers of ``ml_dtypes`` (by their name, which
    ``numpy.load`` understands too once ``ml_dtypes`` is imported).

    Notes
    -----
    Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from polystore_disk.formats import Npy
    >>> file = io.BytesIO()
    >>> Npy().encode(np.arange(3, dtype="uint16"), file, threads=1)
    >>> file.seek(0)
    0
    >>> Npy().decode(file, copy=True, max_bytes=100, threads=1)
    array([0, 1, 2], dtype=uint16)
    """

    def encode(self, data: Data, file: BinaryIO, *, threads: int) -> None:
        """Write an array of any shape; Fortran order is kept.

        Raises
        ------
        UnsupportedData
            If ``data`` is no array, or its dtype has no description in the format.
        """
        write_array(file, require_array(data, "'.npy' holds one array"), ".npy")

    def decode(self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int) -> Array:
        """Return the array in native byte order.

        Parameters
        ----------
        file, max_bytes, threads
            As in :class:`~polystore_core.formats.Format`.
        copy
            True returns an array that owns its memory. False returns a read-only view of the mapped
            file, which outlives ``file`` and may be larger than ``max_bytes``: pages are read when
            they are touched.

        Raises
        ------
        CorruptData
            If the file is damaged, is not as long as its header claims, holds Python objects, or
            claims more than ``max_bytes``.
        BackendUnavailable
            If the dtype comes from ``ml_dtypes`` and that is not installed.
        """
        size = file_size(file)
        header = read_header(file, size)
        if copy:
            return read_array(file, header, max_bytes)
        view = _map(file, header) if header.dtype.isnative else read_array(file, header, max_bytes)
        view.flags.writeable = False
        return view


class Header(NamedTuple):
    """What the header of a ``.npy`` file says; ``dtype`` in the byte order of the file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


def write_array(file: BinaryIO, array: Array, suffix: str) -> int:
    """Write header and array; return the number of bytes."""
    flags = array.flags
    contiguous = flags.c_contiguous
    fortran_order = not contiguous and flags.f_contiguous
    header = _format_header(repr(_describe(array.dtype, suffix)), array.shape, fortran_order)
    if array.nbytes < _SMALL:
        write_all(file, header + array.tobytes("A"))
        return len(header) + array.nbytes
    if contiguous or fortran_order:
        write_pieces(file, [header, bytes_of(array.T if fortran_order else array)])
    else:
        import numpy as np

        write_all(file, header)
        rows = max(1, _CHUNK_BYTES // array.dtype.itemsize)
        for chunk in np.nditer(array, flags=["external_loop", "buffered"], order="C", buffersize=rows):
            write_all(file, bytes_of(np.ascontiguousarray(chunk)))
    return len(header) + array.nbytes


def read_header(file: BinaryIO, size: int) -> Header:
    """Read the header of a file of ``size`` bytes and check that the array fits it exactly."""
    prefix = file.read(8)
    if len(prefix) < 8 or prefix[:6] != _MAGIC or prefix[6] not in (1, 2, 3):
        raise CorruptData("not a .npy file of version 1, 2 or 3")
    width = 2 if prefix[6] == 1 else 4
    length = int.from_bytes(file.read(width), "little")
    offset = 8 + width + length
    if length > _LONGEST_HEADER or offset > size:
        raise CorruptData(f"the .npy header claims {length:,} bytes of a file of {size:,}")
    description, shape, fortran_order = _parse_header(
        file.read(length), "utf-8" if prefix[6] == 3 else "latin-1"
    )
    header = Header(shape, _dtype_of(description), fortran_order, offset)
    if header.nbytes != size - offset:
        raise CorruptData(
            f"the .npy header claims {header.nbytes:,} bytes of array (shape {header.shape}, "
            f"{header.dtype}), the file holds {size - offset:,}"
        )
    return header


def read_array(file: BinaryIO, header: Header, max_bytes: int) -> Array:
    """Read the array that follows its header straight into its own memory."""
    require_room(max(header.nbytes, header.dtype.itemsize), max_bytes)
    array = _empty(header)
    fill(file, bytes_of(array.T if header.fortran_order else array))
    if header.dtype.isnative:
        return array
    if header.dtype.names is None:
        return array.byteswap(inplace=True).view(header.dtype.newbyteorder("="))
    return array.astype(header.dtype.newbyteorder("="))


def _map(file: BinaryIO, header: Header) -> Array:
    import numpy as np

    if header.nbytes == 0:
        return _empty(header)
    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    order: Literal["C", "F"] = "F" if header.fortran_order else "C"
    return np.ndarray(header.shape, header.dtype, buffer=mapping, offset=header.offset, order=order)


def _empty(header: Header) -> Array:
    import numpy as np

    try:
        return np.ndarray(header.shape, header.dtype, order="F" if header.fortran_order else "C")
    except ValueError as error:
        raise CorruptData(f"the .npy header claims an impossible shape {header.shape}: {error}") from error


def _describe(dtype: np.dtype[Any], suffix: str) -> Any:
    """Return the description of ``dtype`` that a header holds, proven to give the same dtype back."""
    if dtype.isbuiltin == 1 and dtype.char != "O":  # numpy's own, without fields
        return dtype.str
    if dtype.hasobject:
        raise UnsupportedData(
            f"{suffix!r} holds arrays without Python objects; got dtype {dtype}: "
            f"convert it, for example with array.astype(float) or array.astype(str)"
        )
    if _ML_DTYPES.fullmatch(dtype.name):
        return dtype.name
    import numpy as np

    try:
        description: Any = dtype.str if dtype.names is None else dtype.descr
        same = np.lib.format.descr_to_dtype(description) == dtype
    except (ValueError, TypeError):
        same = False
    if not same:
        raise UnsupportedData(f"{suffix!r} cannot describe the dtype {dtype}: save its fields one by one")
    return description


@lru_cache(maxsize=16)
def _format_header(description: str, shape: tuple[int, ...], fortran_order: bool) -> bytes:
    text = f"{{'descr': {description}, 'fortran_order': {fortran_order}, 'shape': {shape}}}"
    version, body = (1, text.encode("latin-1")) if text.isascii() else (3, text.encode("utf-8"))
    if version == 1 and len(body) > 0xFFFF - _ALIGNMENT:
        version = 2
    width = 2 if version == 1 else 4
    padding = -(8 + width + len(body) + 1) % _ALIGNMENT
    length = len(body) + padding + 1
    if length > _LONGEST_HEADER:
        raise UnsupportedData(
            f"a dtype description of {length:,} bytes is too long for .npy: save fewer fields"
        )
    return _MAGIC + bytes([version, 0]) + length.to_bytes(width, "little") + body + b" " * padding + b"\n"


@lru_cache(maxsize=16)
def _parse_header(raw: bytes, encoding: str) -> tuple[Any, tuple[int, ...], bool]:
    """Return description of the dtype, shape and Fortran order; the files of a batch share one header."""
    try:
        text = raw.decode(encoding)
        try:
            fields = ast.literal_eval(text.strip())
        except SyntaxError:  # Python 2 wrote long integers with a trailing L
            fields = ast.literal_eval(re.sub(r"(?<=\d)L(?=[,)])", "", text).strip())
        shape = fields["shape"]
        valid = (
            fields.keys() == {"descr", "fortran_order", "shape"}
            and type(fields["fortran_order"]) is bool
            and type(shape) is tuple
            and len(shape) <= 64
            and all(type(length) is int and 0 <= length < 2**63 for length in shape)
        )
    except Exception as error:  # literal_eval of damaged text can raise nearly anything
        raise CorruptData(f"the .npy header cannot be read: {error}") from error
    if not valid:
        raise CorruptData(f"the .npy header does not describe an array: {text.strip()[:200]}")
    return fields["descr"], shape, fields["fortran_order"]


def _dtype_of(description: Any) -> np.dtype[Any]:
    """Return the dtype that a header describes; ``ml_dtypes`` is imported only for one of its own."""
    import numpy as np

    if isinstance(description, str) and _ML_DTYPES.fullmatch(description):
        return _ml_dtype(description)
    try:
        dtype: np.dtype[Any] = np.lib.format.descr_to_dtype(description)
    except Exception as error:  # a damaged description can raise nearly anything
        raise CorruptData(f"the .npy header describes no dtype: {str(description)[:200]}") from error
    if dtype.hasobject:
        raise CorruptData("the .npy file holds pickled Python objects, which are never loaded")
    if dtype.shape:
        raise CorruptData(f"the .npy header describes no dtype of one element: {dtype}")
    return dtype


def _ml_dtype(name: str) -> np.dtype[Any]:
    import numpy as np

    try:
        import ml_dtypes
    except ImportError as error:
        raise BackendUnavailable(f"the dtype {name} needs ml_dtypes: pip install ml_dtypes") from error
    if not hasattr(ml_dtypes, name):
        raise BackendUnavailable(f"the dtype {name} needs a newer ml_dtypes: pip install --upgrade ml_dtypes")
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype
