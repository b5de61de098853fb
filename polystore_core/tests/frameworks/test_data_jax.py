"""Arrays of jax, to and fro. jax itself is needed."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from polystore_core import InvalidOption, UnsupportedData
from polystore_core.data import data_equal, device_to_host_copies, normalize, to_framework

NARROW_DTYPES = [
    "?",
    "u1",
    "u2",
    "u4",
    "i1",
    "i2",
    "i4",
    "f2",
    "f4",
    "c8",
    ml_dtypes.bfloat16,
    ml_dtypes.int4,
]


def refusal(data):
    with pytest.raises(UnsupportedData) as caught:
        normalize(data)
    return str(caught.value)


def test_an_array_on_the_cpu_shares_its_memory():
    before = device_to_host_copies()
    array = jnp.arange(6.0).reshape(2, 3)
    assert np.shares_memory(normalize(array), np.from_dlpack(array))
    assert device_to_host_copies() == before


@pytest.mark.parametrize("dtype", NARROW_DTYPES, ids=lambda dtype: str(np.dtype(dtype)))
@pytest.mark.parametrize("shape", [(), (0, 2), (2, 3)], ids=str)
def test_every_common_dtype_survives_the_way_to_jax_and_back(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int), dtype="u1").reshape(shape).astype(dtype)
    assert data_equal(normalize(to_framework(array, "jax")), array)


@pytest.mark.parametrize("dtype", ["f8", "i8", "u8", "c16"])
def test_wide_numbers_are_refused_rather_than_narrowed(dtype):
    array = np.ones(2, dtype=dtype)
    with pytest.raises(UnsupportedData) as caught:
        to_framework(array, "jax")
    assert str(caught.value) == (
        f"jax would narrow {array.dtype} to 32 bits; "
        'type jax.config.update("jax_enable_x64", True), or convert the array'
    )


def test_wide_numbers_pass_once_jax_is_told_to_keep_them():
    program = """
import jax, numpy as np
from polystore_core.data import data_equal, normalize, to_framework
jax.config.update("jax_enable_x64", True)
arrays = [np.ones(2, dtype) for dtype in ("f8", "i8", "u8", "c16")]
print(all(data_equal(normalize(to_framework(array, "jax")), array) for array in arrays))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, capture_output=True)
    assert done.stdout == b"True\n"


def test_the_result_has_memory_of_its_own():
    array = np.zeros(1000, dtype=np.float32)
    result = to_framework(array, "jax")
    array[:] = 1
    assert float(result.sum()) == 0.0


@pytest.mark.parametrize("dtype", ["U3", "M8[s]", "i4,f4"])
def test_a_dtype_that_jax_lacks_is_refused(dtype):
    array = np.zeros(2, dtype=dtype)
    with pytest.raises(UnsupportedData) as caught:
        to_framework(array, "jax")
    assert str(caught.value) == (
        f"jax has no dtype for {array.dtype.name}; convert the array, or leave framework= out"
    )


def test_an_array_being_traced_is_refused():
    def save(values):
        normalize(values)

    with pytest.raises(UnsupportedData) as caught:
        jax.jit(save)(jnp.zeros(2))
    assert str(caught.value) == (
        "a jax array has no values while a function is being traced; "
        "return it and save it outside of jax.jit, or save it from jax.experimental.io_callback"
    )


def test_random_keys_and_deleted_arrays_are_refused_with_the_reason_of_jax():
    assert "Use jax.random.key_data(arr)" in refusal(jax.random.key(0))
    gone = jnp.zeros(2)
    gone.delete()
    assert "Array has been deleted" in refusal(gone)


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_the_device_is_named_as_jax_names_it(device):
    result = to_framework(np.zeros(3, dtype=np.float32), "jax", device=device)
    assert {each.platform for each in result.devices()} == {"cpu"}


@pytest.mark.parametrize("device", ["tpu:77", "cpu:99", "nonsense", "cpu:x"])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(InvalidOption, match=f"^no jax device '{device}' here; there is .*cpu:0"):
        to_framework(np.zeros(3, dtype=np.float32), "jax", device=device)
