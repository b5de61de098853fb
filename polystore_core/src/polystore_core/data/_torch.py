"""Arrays of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from polystore_core.data._copies import count_device_to_host_copy
from polystore_core.data._dtypes import extension_dtype
from polystore_core.errors import InvalidOption, UnsupportedData

if TYPE_CHECKING:
    import numpy as np

__all__ = ["from_numpy", "is_array", "to_numpy"]

_SAME_SIZE = {
    "bfloat16": "int16",
    "float8_e4m3fn": "uint8",
    "float8_e4m3fnuz": "uint8",
    "float8_e5m2": "uint8",
    "float8_e5m2fnuz": "uint8",
    "float8_e8m0fnu": "uint8",
}
"""Dtypes that torch and ml_dtypes have under one name, with the integer whose bits carry them across."""


def is_array(data: object, framework: Any) -> bool:
    """Tell whether the value is a tensor."""
    tensor = getattr(framework, "Tensor", None)
    return tensor is not None and isinstance(data, tensor)


def to_numpy(data: Any, framework: Any) -> np.ndarray[Any, Any]:
    """Return the tensor's values, detached from its graph; a tensor on the CPU shares its memory."""
    if data.is_nested:
        raise UnsupportedData("a nested torch tensor has no rectangular shape; save data.unbind() one by one")
    if data.layout is not framework.strided:
        raise UnsupportedData(f"a torch tensor of layout {data.layout} is not dense; type data.to_dense()")
    if data.is_quantized:
        raise UnsupportedData(
            "a quantized torch tensor would lose its scale; type data.dequantize(), or data.int_repr()"
        )
    if data.device.type == "meta":
        raise UnsupportedData("a torch tensor on the meta device has a shape but no values")
    host = data.detach().cpu().resolve_conj().resolve_neg()
    if data.device.type != "cpu":
        count_device_to_host_copy()
    name = str(data.dtype).removeprefix("torch.")
    bits = _SAME_SIZE.get(name)
    if bits is None:
        return cast("np.ndarray[Any, Any]", host.numpy())
    return cast(
        "np.ndarray[Any, Any]", host.view(getattr(framework, bits)).numpy().view(extension_dtype(name))
    )


def from_numpy(array: np.ndarray[Any, Any], framework: Any, device: str | None) -> Any:
    """Return a tensor; on the CPU it takes over the memory of a writable array."""
    _check_device(framework, device)
    itemsize = max(array.itemsize, 1)
    if not array.flags.writeable or any(stride < 0 or stride % itemsize for stride in array.strides):
        array = array.copy()
    name = array.dtype.name
    bits = _SAME_SIZE.get(name)
    try:
        tensor = framework.from_numpy(array if bits is None else array.view(bits))
    except TypeError as error:
        raise UnsupportedData(
            f"torch has no dtype for {name}; convert the array, or leave framework= out"
        ) from error
    if bits is not None:
        tensor = tensor.view(getattr(framework, name))
    return tensor if device is None else tensor.to(device)


def _check_device(framework: Any, device: str | None) -> None:
    if device is None:
        return
    if device == "meta":
        raise InvalidOption("the torch device 'meta' holds no values; type device='cpu'")
    try:
        framework.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        count = framework.cuda.device_count()
        known = ", ".join(["cpu", *(f"cuda:{index}" for index in range(count))])
        raise InvalidOption(f"no torch device {device!r} here; there is {known}") from error
