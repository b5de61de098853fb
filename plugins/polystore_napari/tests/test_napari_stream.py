"""From a save in one process to the window of another."""

import subprocess
import sys

import numpy as np
import pytest

from polystore_core import BackendRegistry, FileManager, UnsupportedData
from polystore_roi import Polygon
from polystore_streaming.processes import running_viewers
from polystore_streaming.testing import private_viewers

FIRST = """
import numpy as np
from polystore import BackendRegistry, FileManager
fm = FileManager(BackendRegistry())
fm.save(np.full((64, 64), 7, np.uint16), "result.npy", backend="napari_stream")
fm.flush(backend="napari_stream", timeout=120)
"""

PATHS = [
    f"plate/{well}_s{site}_w{channel}.tif" for well in ("A01", "A02") for site in (1, 2) for channel in (1, 2)
]
PATTERN = "{well}_s{site:d}_w{channel:d}.tif"


@pytest.fixture(scope="module")
def _viewers(screen):
    with private_viewers():
        yield


@pytest.fixture
def sink(_viewers):
    """The sink of a process that is not the one that started the window."""
    sink = FileManager(BackendRegistry()).stream(backend="napari_stream")
    yield sink
    for layer in sink.layers():
        sink.remove(layer["name"])


def test_a_script_starts_the_window_and_the_next_one_finds_it(sink):
    subprocess.run([sys.executable, "-c", FIRST], check=True, timeout=180)
    (viewer,) = running_viewers()
    assert viewer.backend == "napari_stream"
    np.testing.assert_array_equal(sink.pixels("result.npy", timeout=120), np.full((64, 64), 7))
    assert len(list(running_viewers())) == 1


def test_a_batch_with_a_pattern_is_channels_and_sliders(sink):
    fm = FileManager(BackendRegistry())
    planes = [np.full((32, 40), number, np.uint8) for number in range(len(PATHS))]
    fm.save_batch(
        planes,
        PATHS,
        backend="napari_stream",
        pattern=PATTERN,
        channel_names={1: "DAPI", 2: "GFP"},
        scale=0.5,
    )
    fm.flush(backend="napari_stream", timeout=120)
    layers = {layer["name"]: layer for layer in sink.layers(timeout=120)}
    assert sorted(layers) == ["plate DAPI", "plate GFP"]
    assert layers["plate GFP"]["axes"] == ["well", "field", "y", "x"]
    assert layers["plate GFP"]["shape"] == [2, 2, 32, 40]
    assert layers["plate GFP"]["colormap"] == "green"
    position = {"well": "A02", "field": 1, "channel": 2}
    assert (sink.pixels("plate", position) == 5).all()


def test_labels_points_and_regions_reach_the_window_and_come_back(sink):
    cell = Polygon([[1, 1], [1, 9], [9, 9]], name="cell")
    sink.append(np.arange(64, dtype=np.int32).reshape(8, 8), "nuclei.tif", kind="labels")
    sink.append({"y": np.array([1.0, 2.0]), "x": np.array([3.0, 4.0]), "area": np.array([5, 6])}, "spots.csv")
    sink.append([cell], "cells.roi.zip")
    kinds = {layer["name"]: layer["kind"] for layer in sink.layers(timeout=120)}
    assert kinds == {"nuclei.tif": "labels", "spots.csv": "points", "cells.roi.zip": "rois"}
    found = sink.rois()
    assert found["cells.roi.zip"] == [cell]
    np.testing.assert_array_equal(found["spots.csv"][0].coordinates, [[1, 3], [2, 4]])


def test_a_screenshot_is_written(sink, tmp_path):
    sink.append(np.full((64, 64), 200, np.uint8), "bright.npy", contrast=(0, 100), colormap="magenta")
    sink.flush(120)
    shown = sink.screenshot(tmp_path / "report.png")
    assert ((shown == (255, 0, 255)).all(axis=2)).sum() > 10_000
    saved = FileManager(BackendRegistry()).load(tmp_path / "report.png", backend="disk")
    np.testing.assert_array_equal(saved, shown)


def test_what_the_window_refuses_reaches_the_sender(sink):
    sink.append(np.zeros((8, 8), np.uint8), "image.npy")
    sink.flush(120)
    sink.append(np.zeros((2, 8, 8), np.uint8), "image.npy")
    with pytest.warns(RuntimeWarning, match=r"layer 'image\.npy' has the axes"):
        sink.flush(120)
    with pytest.raises(UnsupportedData, match=r"layer 'image\.npy' has the axes"):
        sink.check()


def test_stored_data_open_in_the_same_window(sink, tmp_path):
    stack = np.arange(3 * 8 * 8, dtype=np.uint16).reshape(3, 8, 8)
    FileManager(BackendRegistry()).save(stack, tmp_path / "stack.zarr", backend="zarr")
    sink.open_stored(tmp_path / "stack.zarr", "zarr", timeout=120)
    np.testing.assert_array_equal(sink.pixels("stack.zarr"), stack)


def test_the_sending_side_imports_neither_napari_nor_qt():
    code = (
        "import sys; from polystore_core import BackendRegistry; BackendRegistry().open('napari_stream');"
        "print(sorted({'napari', 'qtpy', 'PySide6', 'vispy', 'dask', 'pandas'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
