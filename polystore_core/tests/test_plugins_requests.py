"""What a request tells a plugin about the values to come."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from polystore_core import BatchError, FileManager
from polystore_core.manager._arguments import batch_values
from polystore_core.plugins import WriteRequest

PATHS = ("a", "b", "c")


class Made(Sequence[Any]):
    """Values that come into being when they are asked for."""

    def __len__(self):
        return len(PATHS)

    def __getitem__(self, index):
        raise AssertionError("nobody needs it yet")


class OnDevice:
    """An array that says how large it is before it is fetched."""

    nbytes = 100

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("nobody needs it yet")


@pytest.mark.parametrize(
    ("values", "known"),
    [
        ([np.zeros(10), b"bytes", "text"], 80),
        ((np.zeros(10), {"a": 1}, np.float32(1)), 84),
        (np.zeros((3, 5, 7), np.uint16), 210),
        ([OnDevice()] * 3, 300),
        (Made(), 0),
    ],
    ids=["list", "tuple", "array", "on a device", "made when asked for"],
)
def test_the_bytes_of_a_batch_are_known_before_a_value_is_looked_at(values, known):
    request = WriteRequest(PATHS, batch_values(values, PATHS))
    assert request.known_bytes() == known


class Closed:
    """An array whose owner is gone."""

    @property
    def nbytes(self):
        raise RuntimeError("closed")

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("closed")


def test_an_array_that_cannot_say_how_large_it_is_fails_alone(tmp_path):
    fm, paths = FileManager(), [str(tmp_path / f"{index}.npy") for index in range(2)]
    with pytest.raises(BatchError) as caught:
        fm.save_batch([Closed(), np.zeros(3)], paths, backend="disk")
    assert list(caught.value.failed) == paths[:1]
    assert list(caught.value.done) == paths[1:]


class Meeting:
    """A large array that is handed over when another one is asked for too."""

    nbytes = 4 * 2**20

    def __init__(self, both: threading.Barrier) -> None:
        self._both = both

    def __array__(self, dtype=None, copy=None):
        self._both.wait(10)
        return np.zeros((1024, 1024), np.float32)


@pytest.mark.parametrize("backend", ["disk", "memory", "zarr"])
def test_two_large_arrays_are_saved_side_by_side(tmp_path, backend):
    fm, both = FileManager(), threading.Barrier(2)
    paths = [str(tmp_path / f"{index}.npy") for index in range(2)]
    fm.save_batch([Meeting(both), Meeting(both)], paths, backend=backend, workers=2)
    assert all(fm.load(path, backend=backend).shape == (1024, 1024) for path in paths)
