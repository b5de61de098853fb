"""From ``fm.save`` in one process to ImageJ in another."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from polystore_core import BackendRegistry, FileManager, UnsupportedData
from polystore_roi import Mask

PATIENCE_SECONDS = 120

SEED = """
import numpy as np
from polystore import BackendRegistry, FileManager

image = np.arange(512 * 512, dtype=np.uint16).reshape(512, 512)
fm = FileManager(BackendRegistry())
fm.save(image, "result.npy", backend="fiji_stream")
"""


@pytest.fixture
def surroundings(screen, tmp_path, monkeypatch):
    """A screen, and a place of their own for the sockets of viewers."""
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", str(tmp_path / "run"))


@pytest.fixture
def manager(surroundings):
    """A file manager whose viewer is closed in the end."""
    made = FileManager(BackendRegistry())
    yield made
    if viewer_processes():
        made.stream(backend="fiji_stream").close_viewer()
    made.close()


def disks(size, count):
    """A field of round nuclei in three channels, uint8 (3, Y, X)."""
    rng = np.random.default_rng(7)
    y, x = np.indices((size, size))
    field = np.zeros((3, size, size), np.uint8)
    for row, column in rng.integers(20, size - 20, (count, 2)):
        inside = (y - row) ** 2 + (x - column) ** 2 <= 12**2
        field[rng.integers(0, 3)][inside] = 255
        field[0][inside] |= 128
    return field


def test_the_first_save_starts_imagej_and_another_process_finds_the_image_there(manager):
    done = subprocess.run(
        [sys.executable, "-c", SEED], check=True, timeout=PATIENCE_SECONDS, capture_output=True
    )
    assert b"Traceback" not in done.stderr
    sink = manager.stream(backend="fiji_stream")
    (layer,) = sink.layers()
    assert (layer["name"], layer["kind"], layer["visible"]) == ("result.npy", "image", True)
    assert np.array_equal(sink.pixels("result.npy"), np.arange(512 * 512, dtype=np.uint16).reshape(512, 512))
    assert len(np.unique(sink.screenshot())) > 200


def test_three_channels_of_a_field_are_one_composite(manager):
    field = disks(300, 20)
    paths = [f"plate/A01_f1_c{channel}.tif" for channel in range(3)]
    manager.save_batch(
        list(field),
        paths,
        backend="fiji_stream",
        pattern="{well}_f{field:d}_c{channel:d}.tif",
        contrast=(0, 255),
        channel_names={0: "nucleus", 1: "pH3", 2: "actin"},
        scale=0.65,
        unit="micrometer",
    )
    sink = manager.stream(backend="fiji_stream")
    assert sink.flush(timeout=PATIENCE_SECONDS) == 0
    (layer,) = sink.layers()
    assert (layer["name"], layer["values"]["channel"]) == ("plate", [0, 1, 2])
    for channel, plane in enumerate(field):
        held = sink.pixels("plate", {"well": "A01", "field": 1, "channel": channel})
        assert np.array_equal(held, plane)
    shown = sink.screenshot().reshape(-1, 3)
    mixed = np.moveaxis(field, 0, -1).reshape(-1, 3)
    for color in np.unique(mixed, axis=0):
        assert (shown == color).all(axis=1).sum() >= (mixed == color).all(axis=1).sum()


def test_regions_of_segmented_nuclei_are_on_the_image_and_in_the_manager(manager):
    nuclei = disks(300, 20)[0]
    labels, count = ndimage.label(nuclei)
    boxes = ndimage.find_objects(labels)
    rois = [
        Mask(labels[box] == number, box[0].start, box[1].start, name=f"nucleus {number}")
        for number, box in enumerate(boxes, 1)
    ]
    manager.save(nuclei, "nuclei.tif", backend="fiji_stream")
    manager.save(labels, "labels.tif", backend="fiji_stream", kind="labels")
    manager.save(rois, "nuclei.roi.zip", backend="fiji_stream")
    sink = manager.stream(backend="fiji_stream")
    assert sink.flush(timeout=PATIENCE_SECONDS) == 0
    described = {layer["name"]: layer for layer in sink.layers()}
    assert (described["nuclei.roi.zip"]["count"], described["nuclei.roi.zip"]["on"]) == (
        count,
        ["nuclei.tif"],
    )
    assert np.array_equal(sink.pixels("labels.tif"), labels)
    back = sink.rois()
    assert back["nuclei.roi.zip"] == rois
    assert back["ROI Manager"] == rois


def test_what_imagej_refuses_is_raised_by_check_with_what_to_type(manager):
    manager.save(np.zeros((4, 5), np.uint8), "good.npy", backend="fiji_stream")
    manager.save(np.zeros((4, 5), np.float64), "bad.npy", backend="fiji_stream")
    sink = manager.stream(backend="fiji_stream")
    with pytest.warns(RuntimeWarning, match="bad.npy"):
        sink.flush(timeout=PATIENCE_SECONDS)
    with pytest.raises(UnsupportedData, match=r"image.astype\('float32'\)"):
        sink.check()
    assert [layer["name"] for layer in sink.layers()] == ["good.npy"]


def test_a_live_series_ends_with_its_last_frame_on_the_screen(manager):
    sink = manager.stream(backend="fiji_stream", contrast=(0, 199))
    for value in range(200):
        sink.append(np.full((256, 256), value, np.uint16), "live.npy")
    assert sink.flush(timeout=PATIENCE_SECONDS) == 0
    assert (sink.pixels("live.npy") == 199).all()
    assert (sink.screenshot() == 255).all(axis=2).sum() >= 256 * 256


def test_points_from_a_table_are_shown(manager):
    manager.save(np.zeros((40, 50), np.uint8), "image.npy", backend="fiji_stream")
    cells = {"y": np.array([1.0, 2.0]), "x": np.array([3.0, 4.0]), "area": np.array([5, 6])}
    manager.save(cells, "cells.csv", backend="fiji_stream")
    sink = manager.stream(backend="fiji_stream")
    sink.flush(timeout=PATIENCE_SECONDS)
    (found,) = sink.rois()["cells.csv"]
    assert found.coordinates.tolist() == [[1, 3], [2, 4]]


def test_what_is_stored_on_disk_can_be_opened_in_imagej(manager, tmp_path):
    stack = np.arange(3 * 20 * 30, dtype=np.uint16).reshape(3, 20, 30)
    manager.save(stack, tmp_path / "stack.npy", backend="disk")
    manager.save(stack[0], "first.npy", backend="fiji_stream")
    sink = manager.stream(backend="fiji_stream")
    sink.flush(timeout=PATIENCE_SECONDS)
    sink.open_stored(str(tmp_path / "stack.npy"), "disk")
    assert np.array_equal(sink.pixels(str(tmp_path / "stack.npy")), stack)


def test_a_signal_ends_the_viewer_and_its_traces(manager):
    manager.save(np.full((4, 5), 1, np.uint8), "a.npy", backend="fiji_stream")
    manager.flush(backend="fiji_stream", timeout=PATIENCE_SECONDS)
    (process,) = viewer_processes()
    os.kill(process, signal.SIGTERM)
    while viewer_processes():
        pass


def viewer_processes():
    from polystore_streaming.processes import running_viewers

    return [record.pid for record in running_viewers()]


def test_options_of_the_display_come_from_the_configuration(surroundings):
    manager = FileManager(
        BackendRegistry({"fiji_stream": {"display": {"windows": ["well"], "memory": "300m"}}})
    )
    for well in ("A1", "B1"):
        manager.save(
            np.zeros((20, 30), np.uint8),
            f"p/{well}_f1.tif",
            backend="fiji_stream",
            pattern="{well}_f{field:d}.tif",
        )
    sink = manager.stream(backend="fiji_stream")
    try:
        sink.flush(timeout=PATIENCE_SECONDS)
        assert [layer["window"] for layer in sink.layers()] == ["p A1", "p B1"]
    finally:
        sink.close_viewer()
        manager.close()


def test_the_pipeline_imports_neither_java_nor_pyimagej(surroundings):
    code = (
        "import sys; from polystore import BackendRegistry; BackendRegistry().open('fiji_stream')\n"
        "print([name for name in ('jpype', 'imagej', 'scyjava') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
