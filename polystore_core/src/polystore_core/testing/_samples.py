"""Values to save: small ones, awkward ones, and Hypothesis strategies for any."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from polystore_core.data import data_equal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polystore_core.data import Data, DataKind

__all__ = [
    "ARRAYS",
    "any_array",
    "any_value",
    "assert_same",
    "assert_untouched",
    "duplicate",
    "sample",
    "spoil",
]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Spot:
    """A region of interest of a class that no backend has heard of."""

    __polystore_kind__: ClassVar[Literal["rois"]] = "rois"

    y: float
    x: float

    @property
    def nbytes(self) -> int:
        """Bytes of the content."""
        return 16


def sample(kind: DataKind, number: int) -> Data:
    """Return a small value of a kind; different for different numbers.

    Arrays are of dtype uint16 and shape (Y, X) = (2 or 3, 3), what every image format holds.

    Examples
    --------
    >>> from polystore_core.testing._samples import sample
    >>> sample("array", 1)
    array([[1, 2, 3],
           [4, 5, 6],
           [7, 8, 9]], dtype=uint16)
    """
    shape = (2 + number % 2, 3)
    pixels = np.arange(number, number + shape[0] * shape[1], dtype=np.uint16).reshape(shape)
    match kind:
        case "array":
            return pixels
        case "bytes":
            return bytes([number % 256, 0, 255]) * (number % 5 + 1)
        case "text":
            return f"number {number}, µm\r\n" * (number % 3 + 1)
        case "json":
            members: dict[str, Any] = {"number": number, "list": [None, True, 0.5, "µm"]}
            return members
        case "table":
            return {"label": pixels.ravel(), "area": np.sqrt(pixels.ravel())}
        case "rois":
            spots: list[Any] = [Spot(number, place) for place in range(number % 3 + 1)]
            return spots


def _arange(*shape: int, dtype: str = "<u2") -> Array:
    return np.arange(int(np.prod(shape))).astype(dtype).reshape(shape)


def _structured() -> Array:
    dtype = np.dtype([("label", "<u4"), ("area", "<f8"), ("box", "<i2", (4,))])
    return np.array([(1, 0.5, (0, 1, 2, 3)), (2, np.nan, (4, 5, 6, 7))], dtype)


_DTYPES = [
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]

ARRAYS: dict[str, Callable[[], Array]] = {
    **{dtype: lambda dtype=dtype: _arange(2, 3, dtype=dtype) for dtype in _DTYPES},  # type: ignore[misc]
    "int8 limits": lambda: np.array([[-128, 127]], np.int8),
    "int64 limits": lambda: np.array([[-(2**63), 2**63 - 1]], np.int64),
    "uint64 limits": lambda: np.array([[0, 2**64 - 1]], np.uint64),
    "float specials": lambda: np.array([[np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e308]]),
    "complex specials": lambda: np.array([complex(np.nan, -0.0), complex(-np.inf, 1)]),
    "datetime64": lambda: np.array(["2024-02-29T12:00:00.000000001", "NaT"], "datetime64[ns]"),
    "timedelta64": lambda: np.array([-1, 0, 86_400], "timedelta64[s]"),
    "fixed bytes": lambda: np.array([b"", b"ab", b"\xff"], "S3"),
    "fixed text": lambda: np.array(["", "µm", "日本"], "U4"),
    "structured": _structured,
    "0-d": lambda: np.array(7, np.uint16),
    "0-d float": lambda: np.array(-0.5),
    "one element": lambda: _arange(1),
    "empty": lambda: np.empty((0,), np.float32),
    "empty planes": lambda: np.empty((3, 0, 2), np.uint8),
    "line": lambda: _arange(5),
    "(T, C, Z, Y, X)": lambda: _arange(2, 2, 2, 3, 4),
    "Fortran": lambda: np.asfortranarray(_arange(3, 4)),
    "transposed": lambda: _arange(2, 3, 4).transpose(1, 2, 0),
    "every other": lambda: _arange(6, 8)[::2, 1::3],
    "reversed": lambda: _arange(3, 4)[::-1, ::-1],
    "broadcast": lambda: np.broadcast_to(_arange(4), (3, 4)),
    "big-endian uint16": lambda: _arange(2, 3, dtype=">u2"),
    "big-endian float64": lambda: _arange(2, 3, dtype=">f8"),
    "big-endian structured": lambda: _structured().astype(
        [("label", ">u4"), ("area", ">f8"), ("box", ">i2", 4)]
    ),
    "big-endian 0-d": lambda: np.array(258, ">i4"),
    "read-only": lambda: _locked(_arange(2, 3)),
}
"""Arrays that are easily lost, cast, reshaped or reordered, by name."""


def _locked(array: Array) -> Array:
    array.flags.writeable = False
    return array


def any_array() -> st.SearchStrategy[Array]:
    """Strategy for arrays of any plain dtype, byte order, shape and memory layout."""
    dtypes = st.one_of(
        arrays_of.boolean_dtypes(),
        arrays_of.integer_dtypes(endianness="?"),
        arrays_of.unsigned_integer_dtypes(endianness="?"),
        arrays_of.floating_dtypes(endianness="?"),
        arrays_of.complex_number_dtypes(endianness="?"),
    )
    shapes = arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    return st.builds(_laid_out, arrays_of.arrays(dtypes, shapes), st.sampled_from(list(_LAYOUTS)))


_LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": lambda array: array,
    "Fortran": np.asfortranarray,
    "transposed": lambda array: array.T,
    "reversed": lambda array: array[::-1] if array.ndim else array,
    "strided": lambda array: np.repeat(array, 2, axis=0)[::2] if array.ndim else array,
}


def _laid_out(array: Array, layout: str) -> Array:
    return _LAYOUTS[layout](array)


def any_value(kind: DataKind) -> st.SearchStrategy[Any]:
    """Strategy for values of a kind other than arrays."""
    text = st.text(st.characters(codec="utf-8"))
    match kind:
        case "bytes":
            return st.binary()
        case "text":
            return text
        case "json":
            leaves = (
                st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
            )
            short = st.text(st.characters(codec="utf-8"), max_size=5)
            inner = st.recursive(
                leaves | short,
                lambda some: st.lists(some, max_size=3) | st.dictionaries(short, some, max_size=3),
                max_leaves=6,
            )
            return st.dictionaries(short, inner, max_size=3) | st.lists(inner, max_size=3)
        case "table":
            return _any_table()
        case "rois":
            floats = st.floats(allow_nan=False)
            return st.lists(st.builds(Spot, floats, floats), min_size=1, max_size=3)
    return any_array()


@st.composite
def _any_table(draw: st.DrawFn) -> Mapping[str, Array]:
    names = draw(st.lists(st.sampled_from(["label", "area", "y", "µm", "a b"]), min_size=1, unique=True))
    rows = draw(st.integers(0, 4))
    dtypes = st.sampled_from(["u1", "<i4", "<f4", "<f8", "?", "<U3"])
    return {name: np.arange(rows).astype(draw(dtypes)) for name in names}


def assert_same(found: Any, expected: Any) -> None:
    """Fail unless two values are equal in kind, dtype, shape and every bit; byte order must be native."""
    assert found is not None, "the value is None"
    if isinstance(expected, np.ndarray):
        assert isinstance(found, np.ndarray), f"expected an array, got {type(found).__name__}"
        native = expected.dtype.newbyteorder("=")
        assert (found.dtype, found.shape) == (native, expected.shape)
        assert found.dtype.isnative
    assert data_equal(found, expected), f"expected {expected!r}, got {found!r}"


def assert_untouched(value: Any, before: Any) -> None:
    """Fail if a value, of whatever byte order, is no longer what it was."""
    if isinstance(before, np.ndarray):
        assert (value.dtype, value.shape) == (before.dtype, before.shape)
    assert data_equal(value, before), f"it was {before!r}, now it is {value!r}"


def duplicate(value: Any) -> Any:
    """Copy a value so that it shares nothing with the original."""
    return copy.deepcopy(value)


def spoil(value: Any) -> None:
    """Change a value in place, as a careless caller would; bytes and text cannot be changed."""
    if isinstance(value, np.ndarray):
        if value.flags.writeable:
            value[...] = 0 if value.any() else 1
    elif isinstance(value, dict):
        for member in value.values():
            spoil(member)
        if not any(isinstance(member, np.ndarray) for member in value.values()):
            value["spoilt"] = True
    elif isinstance(value, list):
        value.append("spoilt")
