"""Arrays of every framework through every storage backend, and back as the framework's own."""

import cupy
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import torch

from polystore_core import BackendUnavailable, FileManager, InvalidOption, UnsupportedData

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)

TENSORS = {
    "torch": lambda: torch.tensor(VALUES),
    "torch with gradient": lambda: torch.tensor(VALUES, requires_grad=True),
    "torch transposed": lambda: torch.tensor(VALUES.T.copy()).T,
    "jax": lambda: jnp.asarray(VALUES),
    "tensorflow": lambda: tf.constant(VALUES),
}


@pytest.fixture
def fm(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return FileManager()


@pytest.mark.parametrize("backend", ["disk", "memory"])
@pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)
def test_a_tensor_is_saved_like_the_array_it_holds(fm, tensor, backend):
    fm.save(tensor(), "a.npy", backend=backend)
    loaded = fm.load("a.npy", backend=backend)
    assert loaded.dtype == VALUES.dtype
    assert np.array_equal(loaded, VALUES)


@pytest.mark.parametrize("backend", ["disk", "memory"])
@pytest.mark.parametrize(
    ("framework", "kind"), [("torch", torch.Tensor), ("jax", jax.Array), ("tensorflow", tf.Tensor)]
)
def test_a_framework_gets_its_own_tensor_back(fm, framework, kind, backend):
    fm.save_batch([VALUES, VALUES + 1], ["a.npy", "b.npy"], backend=backend)
    one = fm.load("a.npy", backend=backend, framework=framework)
    many = fm.load_batch(["a.npy", "b.npy"], backend=backend, framework=framework, device="cpu")
    assert isinstance(one, kind)
    assert np.array_equal(np.asarray(one), VALUES)
    assert np.array_equal(np.asarray(many[1]), VALUES + 1)


def test_changing_a_loaded_tensor_changes_nothing_that_is_stored(fm):
    fm.save(VALUES, "a.npy", backend="memory")
    fm.load("a.npy", backend="memory", framework="torch").zero_()
    fm.load("a.npy", backend="memory", framework="torch", copy=False).zero_()
    assert np.array_equal(fm.load("a.npy", backend="memory"), VALUES)


@pytest.mark.parametrize("backend", ["disk", "memory"])
def test_bfloat16_goes_there_and_back(fm, backend):
    tensor = torch.tensor(VALUES).to(torch.bfloat16)
    fm.save(tensor, "a.npy", backend=backend)
    back = fm.load("a.npy", backend=backend, framework="torch")
    assert back.dtype is torch.bfloat16
    assert torch.equal(back, tensor)


def test_a_dtype_that_a_framework_would_change_is_refused(fm):
    fm.save(VALUES.astype(np.float64), "a.npy", backend="memory")
    with pytest.raises(UnsupportedData, match="jax_enable_x64"):
        fm.load("a.npy", backend="memory", framework="jax")


def test_an_unknown_framework_lists_the_known_ones(fm):
    fm.save(VALUES, "a.npy", backend="memory")
    with pytest.raises(InvalidOption, match=r"Did you mean 'torch'\?"):
        fm.load("a.npy", backend="memory", framework="troch")


def test_a_framework_without_its_device_says_so(fm):
    assert cupy.__version__
    fm.save(VALUES, "a.npy", backend="memory")
    with pytest.raises((BackendUnavailable, InvalidOption)):
        fm.load("a.npy", backend="memory", framework="cupy")
