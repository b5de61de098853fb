"""Arrays of jax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.data._copies import count_device_to_host_copy
from polystore_core.errors import InvalidOption, UnsupportedData

if TYPE_CHECKING:
    import numpy as np

__all__ = ["from_numpy", "is_array", "to_numpy"]


def is_array(data: object, framework: Any) -> bool:
    """Tell whether the value is a jax array, concrete or traced."""
    array = getattr(framework, "Array", None)
    return array is not None and isinstance(data, array)


def to_numpy(data: Any, framework: Any) -> np.ndarray[Any, Any]:
    """Return the values; an array on the CPU shares its memory, read-only."""
    import numpy as np

    try:
        array = np.asarray(data)
    except framework.errors.TracerArrayConversionError as error:
        raise UnsupportedData(
            "a jax array has no values while a function is being traced; "
            "return it and save it outside of jax.jit, or save it from jax.experimental.io_callback"
        ) from error
    if any(device.platform != "cpu" for device in data.devices()):
        count_device_to_host_copy()
    return array


def from_numpy(array: np.ndarray[Any, Any], framework: Any, device: str | None) -> Any:
    """Return a jax array with memory of its own.

    Jax may use the memory it is given instead of copying it, whatever ``may_alias`` says, so it is given
    a copy that nobody else holds.
    """
    dtype = array.dtype
    wide = dtype.itemsize == (16 if dtype.kind == "c" else 8)
    if dtype.kind in "iufc" and wide and not framework.config.jax_enable_x64:
        raise UnsupportedData(
            f"jax would narrow {dtype} to 32 bits; "
            'type jax.config.update("jax_enable_x64", True), or convert the array'
        )
    target = None if device is None else _device(framework, device)
    try:
        result = framework.device_put(array.copy(), target).block_until_ready()
    except TypeError as error:
        raise _unsupported(dtype) from error
    if result.dtype != dtype:
        raise _unsupported(dtype)
    return result


def _device(framework: Any, device: str) -> Any:
    platform, _, index = device.partition(":")
    try:
        return framework.devices(platform)[int(index or 0)]
    except (RuntimeError, ValueError, IndexError) as error:
        everything = dict.fromkeys([*framework.devices(), *framework.devices("cpu")])
        known = ", ".join(f"{each.platform}:{each.id}" for each in everything)
        raise InvalidOption(f"no jax device {device!r} here; there is {known}") from error


def _unsupported(dtype: np.dtype[Any]) -> UnsupportedData:
    return UnsupportedData(f"jax has no dtype for {dtype.name}; convert the array, or leave framework= out")
