"""What a viewer reads from a backend by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from polystore_core import FileManager, PathNotFound, PolyStoreError
from polystore_streaming.viewer import Stored, StoredReader, read_stored

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("backend", ["disk", "zarr"])
def test_a_value_is_read_with_the_backend_that_stored_it(backend: str, tmp_path: Path) -> None:
    path = str(tmp_path / "image.npy")
    FileManager().save(np.ones((3, 4), np.uint8), path, backend=backend)
    np.testing.assert_array_equal(StoredReader(Stored(path, backend)).read(path), np.ones((3, 4)))


@pytest.mark.parametrize("backend", ["disk", "zarr"])
def test_what_is_missing_is_told_as_the_file_manager_tells_it(backend: str, tmp_path: Path) -> None:
    path = str(tmp_path / "nothing.npy")
    with pytest.raises(PathNotFound) as expected:
        FileManager().load(path, backend=backend)
    with pytest.raises(PathNotFound) as caught:
        read_stored(Stored(path, backend))
    assert str(caught.value) == str(expected.value)
    assert (caught.value.backend, caught.value.operation, caught.value.path) == (backend, "read", path)


def test_what_a_backend_cannot_hold_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "broken.npy"
    path.write_bytes(b"no array")
    with pytest.raises(PolyStoreError, match=r"broken\.npy"):
        read_stored(Stored(str(path), "disk"))
