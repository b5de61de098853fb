"""Tensors of tensorflow, to and fro. tensorflow itself is needed."""

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from polystore_core import InvalidOption, UnsupportedData
from polystore_core.data import data_equal, device_to_host_copies, normalize, to_framework

DTYPES = [
    "?",
    "u1",
    "u2",
    "u4",
    "u8",
    "i1",
    "i2",
    "i4",
    "i8",
    "f2",
    "f4",
    "f8",
    "c8",
    "c16",
    ml_dtypes.bfloat16,
]


def refusal(data):
    with pytest.raises(UnsupportedData) as caught:
        normalize(data)
    return str(caught.value)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(np.dtype(dtype)))
@pytest.mark.parametrize("shape", [(), (0, 2), (2, 3)], ids=str)
def test_every_common_dtype_survives_the_way_to_tensorflow_and_back(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int), dtype="u1").reshape(shape).astype(dtype)
    assert data_equal(normalize(to_framework(array, "tensorflow", device="cpu")), array)


def test_a_tensor_on_the_cpu_shares_its_memory():
    before = device_to_host_copies()
    with tf.device("CPU:0"):
        tensor = tf.range(4.0)
    assert np.shares_memory(normalize(tensor), np.asarray(memoryview(tensor)))
    assert device_to_host_copies() == before


def test_a_variable_is_saved_as_its_value():
    assert normalize(tf.Variable([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_the_result_has_memory_of_its_own():
    array = np.zeros(1000)
    result = to_framework(array, "tensorflow")
    array[:] = 1
    assert float(tf.reduce_sum(result)) == 0.0


def test_sparse_and_ragged_tensors_are_refused():
    assert refusal(tf.sparse.from_dense([[1.0, 0.0]])) == (
        "a value of type tensorflow.SparseTensor is not dense; type tf.sparse.to_dense(data)"
    )
    assert refusal(tf.ragged.constant([[1], [1, 2]])) == (
        "a value of type tensorflow.RaggedTensor is not dense; type data.to_tensor()"
    )


def test_strings_of_tensorflow_are_refused():
    assert "never pickled" in refusal(tf.constant([b"a"]))


@pytest.mark.parametrize("values", [tf.zeros(2), tf.zeros(())], ids=["1-d", "0-d"])
def test_a_tensor_being_traced_is_refused(values):
    def save(values):
        with pytest.raises(UnsupportedData) as caught:
            normalize(values)
        messages.append(str(caught.value))
        return values

    messages = []
    tf.function(save, autograph=False)(values)
    assert messages == [
        "a tensorflow tensor has no values while a function is being traced; "
        "return it and save it outside of tf.function, or save it from tf.py_function"
    ]


@pytest.mark.parametrize("dtype", ["U3", "S3", "M8[s]", "i4,f4"])
def test_a_dtype_that_tensorflow_lacks_is_refused(dtype):
    array = np.zeros(2, dtype=dtype)
    with pytest.raises(UnsupportedData) as caught:
        to_framework(array, "tensorflow")
    assert str(caught.value) == (
        f"tensorflow has no dtype for {array.dtype.name}; convert the array, or leave framework= out"
    )


@pytest.mark.parametrize("device", ["cpu", "CPU:0", "/device:CPU:0"])
def test_the_device_is_named_as_tensorflow_names_it(device):
    assert to_framework(np.zeros(3), "tensorflow", device=device).device.endswith("CPU:0")


@pytest.mark.parametrize("device", ["gpu:99", "cpu:3", "nonsense"])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(InvalidOption, match=f"^no tensorflow device '{device}' here; there is CPU:0"):
        to_framework(np.zeros(3), "tensorflow", device=device)
