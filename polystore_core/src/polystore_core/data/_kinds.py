"""The kinds of data, as types and by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, ForwardRef, Literal, Protocol, TypeAlias, Union

from polystore_core.data._loaded import loaded_numpy
from polystore_core.errors import UnsupportedData

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "JSON",
    "Data",
    "DataKind",
    "SupportedData",
    "SupportsArray",
    "SupportsArrayInterface",
    "SupportsDLPack",
    "SupportsRoi",
    "is_rois",
    "kind_of",
]

DataKind: TypeAlias = Literal["array", "bytes", "text", "json", "table", "rois"]
"""Name of a kind of data; what a backend or a format declares to hold."""


class SupportsDLPack(Protocol):
    """An array that other libraries can take over by the DLPack protocol of the Python array API."""

    def __dlpack__(self, *, stream: Any = None) -> Any: ...

    def __dlpack_device__(self) -> tuple[Any, int]: ...


class SupportsArray(Protocol):
    """An array that converts itself to numpy by ``__array__``."""

    def __array__(self) -> np.ndarray[Any, Any]: ...


class SupportsArrayInterface(Protocol):
    """An array that shows its memory by ``__array_interface__``."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


class SupportsRoi(Protocol):
    """A region of interest: immutable, and equal to another by ``==`` if class and content are.

    The package of the class need not be known: lists of it are recognised by the attribute alone.
    """

    __polystore_kind__: ClassVar[Literal["rois"]]

    @property
    def nbytes(self) -> int: ...


if TYPE_CHECKING:
    JSON: TypeAlias = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None
    Data: TypeAlias = (
        np.ndarray[Any, Any]
        | bytes
        | str
        | int
        | float
        | bool
        | list[JSON]
        | list[SupportsRoi]
        | dict[str, JSON]
        | Mapping[str, np.ndarray[Any, Any]]
    )
    SupportedData: TypeAlias = (
        np.ndarray[Any, Any]
        | np.generic
        | bytes
        | bytearray
        | memoryview
        | str
        | int
        | float
        | bool
        | list[Any]
        | Mapping[str, Any]
        | SupportsDLPack
        | SupportsArray
        | SupportsArrayInterface
    )
else:
    # A forward reference with a module is evaluated there, so that `typing.get_type_hints` works for
    # whoever has imported numpy, and nobody has to.
    _ndarray = ForwardRef("ndarray", module="numpy")
    _generic = ForwardRef("generic", module="numpy")
    JSON = Union[dict[str, Any], list[Any], str, int, float, bool, None]  # noqa: UP007 - a ForwardRef has no |
    Data = Union[  # noqa: UP007
        _ndarray, bytes, str, int, float, bool, list[Any], dict[str, Any], Mapping[str, _ndarray]
    ]
    SupportedData = Union[  # noqa: UP007
        _ndarray,
        _generic,
        bytes,
        bytearray,
        memoryview,
        str,
        int,
        float,
        bool,
        list[Any],
        Mapping[str, Any],
        SupportsDLPack,
        SupportsArray,
        SupportsArrayInterface,
    ]

ELEMENT_KIND = "__polystore_kind__"
"""Class attribute by which the elements of a list tell the kind of the list."""

_PLAIN: dict[type, DataKind] = {
    bytes: "bytes",
    str: "text",
    list: "json",
    int: "json",
    float: "json",
    bool: "json",
}


def kind_of(data: Data) -> DataKind:
    """Name the kind of a normalised value.

    Parameters
    ----------
    data
        What :func:`normalize` returned, or what a backend read.

    Returns
    -------
    str
        ``"array"`` for a numpy array, ``"bytes"``, ``"text"`` for a string, ``"table"`` for a
        non-empty dictionary of arrays (named columns), ``"rois"`` for a non-empty list of regions of
        interest, ``"json"`` for every other dictionary or list, a number or a truth value.

    Raises
    ------
    UnsupportedData
        If the value is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_core.data import kind_of
    >>> kind_of(np.zeros((2, 3))), kind_of({"area": np.zeros(5)}), kind_of({"area": 5})
    ('array', 'table', 'json')
    """
    if type(data) is list and data and hasattr(type(data[0]), ELEMENT_KIND):
        return "rois"
    kind = _PLAIN.get(type(data))
    if kind is not None:
        return kind
    numpy = loaded_numpy()
    if numpy is not None and isinstance(data, numpy.ndarray):
        return "array"
    if isinstance(data, Mapping):
        if numpy is not None and data and all(isinstance(value, numpy.ndarray) for value in data.values()):
            return "table"
        if type(data) is dict:
            return "json"
    raise UnsupportedData(
        f"a value of type {type(data).__name__} is none of the kinds array, bytes, text, json, table, rois; "
        "pass it through polystore_core.data.normalize first"
    )


def is_rois(data: Data) -> bool:
    """Whether a normalised value is a list of regions of interest; an empty list, though JSON too, is one.

    Examples
    --------
    >>> from polystore_core.data import is_rois
    >>> is_rois([]), is_rois([1, 2])
    (True, False)
    """
    return type(data) is list and (not data or kind_of(data) == "rois")
