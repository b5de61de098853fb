"""Handing arrays over: what holds for every framework."""

import numpy as np
import pytest

from polystore_core import InvalidOption, UnsupportedData
from polystore_core.data import to_framework


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "pytorch",
            "no framework 'pytorch'; known: numpy, torch, jax, tensorflow, cupy. Did you mean 'torch'?",
        ),
        ("Numpy", "no framework 'Numpy'; known: numpy, torch, jax, tensorflow, cupy. Did you mean 'numpy'?"),
        ("zzz", "no framework 'zzz'; known: numpy, torch, jax, tensorflow, cupy."),
    ],
)
def test_an_unknown_framework_is_refused(name, message):
    with pytest.raises(InvalidOption) as caught:
        to_framework(np.zeros(3), name)
    assert str(caught.value) == message


@pytest.mark.parametrize("device", [None, "cpu"])
def test_numpy_gives_the_array_itself(device):
    array = np.arange(3)
    assert to_framework(array, "numpy", device=device) is array


def test_numpy_has_no_other_device():
    with pytest.raises(InvalidOption) as caught:
        to_framework(np.zeros(3), "numpy", device="cuda:0")
    assert str(caught.value) == "numpy has no device 'cuda:0'; type device='cpu' or leave it out"


@pytest.mark.parametrize("value", ["text", b"bytes", {"a": np.zeros(2)}, [1, 2]], ids=repr)
def test_only_arrays_have_a_framework(value):
    with pytest.raises(UnsupportedData) as caught:
        to_framework(value, "torch")
    assert str(caught.value) == (
        f"a value of type {type(value).__name__} cannot become an array of torch; "
        "leave framework= out, only arrays have one"
    )
