"""Turning arrays of any origin into plain, native-endian numpy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.data._copies import count_device_to_host_copy
from polystore_core.data._loaded import loaded_numpy
from polystore_core.data._names import type_name
from polystore_core.errors import UnsupportedData

if TYPE_CHECKING:
    import numpy as np

__all__ = ["is_array", "native", "to_array"]

_PROTOCOLS = ("__dlpack__", "__array__", "__array_interface__")

_HOST_MEMORY = frozenset({1, 3, 11, 13})
"""DLPack device types that the host can read: CPU, pinned by CUDA or ROCm, managed by CUDA (dlpack.h)."""

_LABELLED = {
    ("pandas", "Series"): "its index: type data.to_numpy(), or data.to_frame() for a table",
    ("pandas", "Index"): "its name: type data.to_numpy()",
    ("polars", "Series"): "its name: type data.to_numpy()",
    ("polars", "DataFrame"): "its columns: type data.to_arrow()",
    ("xarray", "DataArray"): "its dimensions and coordinates: type data.values",
    ("pint", "Quantity"): "its unit: type data.magnitude",
}
"""What offers itself as an array but is more than one: (package, class) -> what would be lost."""

_CONVERSION_ERRORS = (TypeError, ValueError, RuntimeError, BufferError, AttributeError)


def is_array(data: object) -> bool:
    """Tell whether the value is, or offers itself as, an array; numpy scalars are not asked for here."""
    numpy = loaded_numpy()
    if numpy is not None and isinstance(data, (numpy.ndarray, numpy.generic)):
        return isinstance(data, numpy.ndarray)
    cls = type(data)
    if any(hasattr(cls, name) for name in _PROTOCOLS) or "__array_interface__" in getattr(
        data, "__dict__", ()
    ):
        return True
    from polystore_core.data._frameworks import framework_of

    return framework_of(data) is not None


def to_array(data: Any) -> np.ndarray[Any, Any]:
    """Return the array, or numpy scalar, as a plain native-endian array, without a copy where possible.

    Raises
    ------
    UnsupportedData
        For object dtypes, subclasses with a meaning of their own, and arrays numpy cannot hold.
    """
    import numpy as np

    from polystore_core.data._frameworks import framework_of

    if isinstance(data, np.ndarray):
        return native(_without_subclass(data))
    if isinstance(data, np.generic):
        return native(np.asarray(data))
    _refuse_labelled(data)
    adapter = framework_of(data)
    try:
        array = _by_protocol(data) if adapter is None else adapter.to_numpy(data)
    except UnsupportedData:
        raise
    except _CONVERSION_ERRORS as error:
        reason = str(error).partition("\n")[0]
        raise UnsupportedData(
            f"a value of type {type_name(data)} cannot be turned into a numpy array: {reason}"
        ) from error
    return native(array)


def native(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the array in native byte order: the same object if it is, a copy otherwise."""
    import numpy as np

    dtype = array.dtype
    if dtype.hasobject:
        raise UnsupportedData(_about_objects(dtype))
    if dtype.type is np.record:
        array = array.view(np.dtype((np.void, dtype)))
        dtype = array.dtype
    # `dtype.isnative` overlooks the sub-arrays of structured dtypes.
    target = dtype.newbyteorder("=")
    return array if dtype == target else array.astype(target)


def _about_objects(dtype: np.dtype[Any]) -> str:
    if dtype.kind == "T":
        return (
            f"an array of dtype {dtype} holds strings of variable length; "
            "type data.astype(str) for a fixed length"
        )
    return (
        f"an array of dtype {dtype} holds Python objects, which are never pickled; "
        "type data.astype(float), data.astype(str) or the dtype it should have"
    )


def _without_subclass(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    cls = type(array)
    if cls is np.ndarray:
        return array
    if cls in {np.memmap, np.recarray, np.matrix}:
        return array.view(np.ndarray)
    if isinstance(array, np.ma.MaskedArray):
        raise UnsupportedData(
            "a masked array would lose its mask; type data.filled(value), "
            'or save both: {"data": data.data, "mask": numpy.ma.getmaskarray(data)}'
        )
    raise UnsupportedData(
        f"an array of type {type_name(array)} would lose what it adds to numpy.ndarray (units, names, ...); "
        "type numpy.asarray(data) for the bare values"
    )


def _refuse_labelled(data: object) -> None:
    for cls in type(data).__mro__:
        loss = _LABELLED.get((cls.__module__.partition(".")[0], cls.__name__))
        if loss is not None:
            raise UnsupportedData(f"a value of type {type_name(data)} would lose {loss}")


def _by_protocol(data: Any) -> np.ndarray[Any, Any]:
    """Ask an array of an unknown library: by DLPack, which knows about devices, else by ``__array__``."""
    import numpy as np

    if not hasattr(type(data), "__dlpack__"):
        return np.asarray(data)
    on_host = int(data.__dlpack_device__()[0]) in _HOST_MEMORY
    try:
        array = np.from_dlpack(data) if on_host else np.from_dlpack(data, device="cpu", copy=True)
    except _CONVERSION_ERRORS:
        if not hasattr(type(data), "__array__"):
            raise
        array = np.asarray(data)
    if not on_host:
        count_device_to_host_copy()
    return array
