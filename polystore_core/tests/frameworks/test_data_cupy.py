"""What cupy does on a machine without a GPU. cupy itself is needed."""

import cupy
import numpy as np
import pytest

from polystore_core import BackendUnavailable
from polystore_core.data import normalize, to_framework
from polystore_core.data._cupy import is_array


def test_without_a_gpu_cupy_is_unavailable():
    with pytest.raises(BackendUnavailable) as caught:
        to_framework(np.zeros(3), "cupy")
    message = str(caught.value)
    assert message.startswith("cupy finds no GPU: ")
    assert message.endswith("; type framework='numpy' for an array on the CPU")
    assert isinstance(caught.value.__cause__, cupy.cuda.runtime.CUDARuntimeError)


def test_other_arrays_pass_with_cupy_imported():
    array = np.zeros(3)
    assert normalize(array) is array
    assert not is_array(array, cupy)
