"""Arrays of cupy."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

from polystore_core.data._copies import count_device_to_host_copy
from polystore_core.errors import BackendUnavailable, InvalidOption, UnsupportedData

if TYPE_CHECKING:
    import numpy as np

__all__ = ["from_numpy", "is_array", "to_numpy"]


def is_array(data: object, framework: Any) -> bool:
    """Tell whether the value is a cupy array."""
    array = getattr(framework, "ndarray", None)
    return array is not None and isinstance(data, array)


def to_numpy(data: Any, framework: Any) -> np.ndarray[Any, Any]:
    """Copy the values to the host."""
    array = cast("np.ndarray[Any, Any]", data.get())
    count_device_to_host_copy()
    return array


def from_numpy(array: np.ndarray[Any, Any], framework: Any, device: str | None) -> Any:
    """Copy the values to a GPU, the current one unless ``device`` names another."""
    count = _count(framework)
    place = nullcontext() if device is None else framework.cuda.Device(_index(device, count))
    try:
        with place:
            result = framework.asarray(array)
    except (TypeError, ValueError) as error:
        raise _unsupported(array.dtype) from error
    if result.dtype != array.dtype:
        raise _unsupported(array.dtype)
    return result


def _count(framework: Any) -> int:
    try:
        return int(framework.cuda.runtime.getDeviceCount())
    except framework.cuda.runtime.CUDARuntimeError as error:
        raise BackendUnavailable(
            f"cupy finds no GPU: {error}; type framework='numpy' for an array on the CPU"
        ) from error


def _index(device: str, count: int) -> int:
    known = [f"cuda:{index}" for index in range(count)]
    name = "cuda:0" if device == "cuda" else device
    if name not in known:
        raise InvalidOption(f"no cupy device {device!r} here; there is {', '.join(known)}")
    return known.index(name)


def _unsupported(dtype: np.dtype[Any]) -> UnsupportedData:
    return UnsupportedData(f"cupy has no dtype for {dtype.name}; convert the array, or leave framework= out")
