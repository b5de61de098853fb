"""Tensors of torch, to and fro. torch itself is needed."""

import ml_dtypes
import numpy as np
import pytest
import torch

from polystore_core import InvalidOption, UnsupportedData
from polystore_core.data import data_equal, device_to_host_copies, normalize, to_framework

SHARED_DTYPES = ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16"]
EXTENSION_DTYPES = [
    ml_dtypes.bfloat16,
    ml_dtypes.float8_e4m3fn,
    ml_dtypes.float8_e4m3fnuz,
    ml_dtypes.float8_e5m2,
    ml_dtypes.float8_e5m2fnuz,
    ml_dtypes.float8_e8m0fnu,
]


def refusal(data):
    with pytest.raises(UnsupportedData) as caught:
        normalize(data)
    return str(caught.value)


def test_a_tensor_on_the_cpu_shares_its_memory():
    tensor = torch.arange(6.0).reshape(2, 3)
    array = normalize(tensor)
    assert np.shares_memory(array, tensor.numpy())
    assert array.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_a_tensor_on_the_cpu_costs_no_copy_from_a_device():
    before = device_to_host_copies()
    normalize(torch.zeros(3))
    assert device_to_host_copies() == before


@pytest.mark.parametrize("dtype", [*SHARED_DTYPES, *EXTENSION_DTYPES], ids=lambda dtype: str(np.dtype(dtype)))
@pytest.mark.parametrize("shape", [(), (0, 2), (3, 4)], ids=str)
def test_every_common_dtype_survives_the_way_to_torch_and_back(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int), dtype="u1").reshape(shape).astype(dtype)
    assert data_equal(normalize(to_framework(array, "torch")), array)


def test_bfloat16_is_the_torch_dtype():
    array = np.array([1.5, -0.0, np.nan], dtype=ml_dtypes.bfloat16)
    assert to_framework(array, "torch").dtype is torch.bfloat16


def test_a_tensor_that_wants_a_gradient_is_detached():
    tensor = torch.ones(2, requires_grad=True)
    assert normalize(tensor).tolist() == [1.0, 1.0]
    assert normalize(torch.nn.Parameter(torch.ones(2))).tolist() == [1.0, 1.0]


def test_lazy_conjugation_and_negation_are_carried_out():
    tensor = torch.tensor([1 + 2j])
    assert normalize(tensor.conj()).tolist() == [1 - 2j]
    assert normalize(tensor.conj().imag).tolist() == [-2.0]


def test_strided_tensors_keep_their_values():
    tensor = torch.arange(12).reshape(3, 4)
    assert normalize(tensor.T[1:]).tolist() == tensor.T[1:].tolist()


def test_a_table_may_hold_tensors():
    assert normalize({"area": torch.ones(2)})["area"].tolist() == [1.0, 1.0]


def test_a_sparse_tensor_is_refused():
    assert refusal(torch.eye(2).to_sparse()) == (
        "a torch tensor of layout torch.sparse_coo is not dense; type data.to_dense()"
    )


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_a_quantized_tensor_is_refused():
    tensor = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
    assert refusal(tensor) == (
        "a quantized torch tensor would lose its scale; type data.dequantize(), or data.int_repr()"
    )


def test_a_tensor_without_values_is_refused():
    assert refusal(torch.empty(2, device="meta")) == (
        "a torch tensor on the meta device has a shape but no values"
    )


def test_a_nested_tensor_is_refused():
    tensor = torch.nested.nested_tensor([torch.ones(1), torch.ones(2)], layout=torch.jagged)
    assert refusal(tensor) == (
        "a nested torch tensor has no rectangular shape; save data.unbind() one by one"
    )


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental:UserWarning")
def test_a_dtype_unknown_to_numpy_is_refused():
    assert refusal(torch.zeros(2, dtype=torch.complex32)).startswith(
        "a value of type torch.Tensor cannot be turned into a numpy array: "
    )


def test_a_writable_array_is_handed_over():
    array = np.zeros(3)
    assert np.shares_memory(to_framework(array, "torch").numpy(), array)


def test_a_read_only_array_is_copied():
    array = np.zeros(3)
    array.flags.writeable = False
    tensor = to_framework(array, "torch")
    tensor += 1
    assert array.tolist() == [0.0, 0.0, 0.0]


def test_any_memory_layout_is_handed_over():
    pixels = np.arange(12).reshape(3, 4)[::-1, ::-2]
    field = np.ones(3, dtype=[("flag", "?"), ("area", "f8")])["area"]
    assert to_framework(pixels, "torch").tolist() == pixels.tolist()
    assert to_framework(field, "torch").tolist() == [1.0, 1.0, 1.0]
    assert to_framework(np.arange(3, dtype=">i4"), "torch").dtype is torch.int32


@pytest.mark.parametrize("dtype", ["U3", "S3", "M8[s]", "i4,f8", "g"])
def test_a_dtype_that_torch_lacks_is_refused(dtype):
    array = np.zeros(2, dtype=dtype)
    with pytest.raises(UnsupportedData) as caught:
        to_framework(array, "torch")
    assert str(caught.value) == (
        f"torch has no dtype for {array.dtype.name}; convert the array, or leave framework= out"
    )


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_the_device_is_named_as_torch_names_it(device):
    assert to_framework(np.zeros(3), "torch", device=device).device.type == "cpu"


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "nonsense", ""])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(InvalidOption, match=f"^no torch device '{device}' here; there is cpu"):
        to_framework(np.zeros(3), "torch", device=device)


def test_the_device_without_values_is_refused():
    with pytest.raises(InvalidOption, match="the torch device 'meta' holds no values"):
        to_framework(np.zeros(3), "torch", device="meta")
