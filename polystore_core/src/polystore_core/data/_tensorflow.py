"""Arrays of tensorflow."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from polystore_core.data._copies import count_device_to_host_copy
from polystore_core.data._names import type_name
from polystore_core.errors import InvalidOption, UnsupportedData

if TYPE_CHECKING:
    import numpy as np

__all__ = ["from_numpy", "is_array", "to_numpy"]

_DENSE = ("Tensor", "Variable")
_NOT_DENSE = {"SparseTensor": "tf.sparse.to_dense(data)", "RaggedTensor": "data.to_tensor()"}


def is_array(data: object, framework: Any) -> bool:
    """Tell whether the value is a tensor or variable of any layout."""
    classes = (getattr(framework, name, None) for name in (*_DENSE, *_NOT_DENSE))
    return isinstance(data, tuple(cls for cls in classes if cls is not None))


def to_numpy(data: Any, framework: Any) -> np.ndarray[Any, Any]:
    """Return the values; a tensor on the CPU shares its memory."""
    import numpy as np

    for name, dense in _NOT_DENSE.items():
        if isinstance(data, getattr(framework, name)):
            raise UnsupportedData(f"a value of type {type_name(data)} is not dense; type {dense}")
    tensor = data.value() if isinstance(data, framework.Variable) else data
    try:
        array = np.asarray(tensor.numpy() if tensor.shape.rank == 0 else tensor)
    except (NotImplementedError, AttributeError) as error:
        raise UnsupportedData(
            "a tensorflow tensor has no values while a function is being traced; "
            "return it and save it outside of tf.function, or save it from tf.py_function"
        ) from error
    if "CPU" not in data.device:
        count_device_to_host_copy()
    return array


def from_numpy(array: np.ndarray[Any, Any], framework: Any, device: str | None) -> Any:
    """Return a tensor with memory of its own."""
    place = nullcontext() if device is None else framework.device(_device(framework, device))
    try:
        with place:
            tensor = framework.constant(array)
    except (TypeError, ValueError) as error:
        raise _unsupported(array.dtype) from error
    if tensor.dtype.as_numpy_dtype is not array.dtype.type:
        raise _unsupported(array.dtype)
    return tensor


def _device(framework: Any, device: str) -> str:
    """Look the device up, because tensorflow would silently take another one."""
    kind, _, index = device.upper().removeprefix("/DEVICE:").partition(":")
    wanted = f"/device:{kind}:{index or 0}"
    names = [str(each.name) for each in framework.config.list_logical_devices()]
    if wanted not in names:
        known = ", ".join(name.removeprefix("/device:") for name in names)
        raise InvalidOption(f"no tensorflow device {device!r} here; there is {known}")
    return wanted


def _unsupported(dtype: np.dtype[Any]) -> UnsupportedData:
    return UnsupportedData(
        f"tensorflow has no dtype for {dtype.name}; convert the array, or leave framework= out"
    )
