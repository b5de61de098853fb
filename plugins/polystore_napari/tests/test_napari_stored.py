"""Stored data in the window, read when they are looked at."""

import numpy as np
import pytest
from napari_content import noise

from polystore_core import BackendRegistry, FileManager, PathNotFound
from polystore_roi import Rectangle, rois_from_table
from polystore_streaming.viewer import Stored

PATTERN = "{well}_s{site:d}_w{channel:d}.tif"
PATHS = [f"{well}_s{site}_w{channel}.tif" for well in ("A01", "B03") for site in (1, 2) for channel in (1, 2)]


@pytest.fixture
def fm():
    return FileManager(BackendRegistry())


@pytest.fixture
def plate(fm, tmp_path):
    store = str(tmp_path / "plate.ome.zarr")
    planes = [noise(40, 50, seed=number) for number in range(len(PATHS))]
    options = {"backend": "zarr", "pattern": PATTERN, "store": store}
    fm.save_batch(
        planes, PATHS, pixel_size=0.65, channel_names=["DAPI", "GFP"], channel_colors=["0000FF", "00FF00"],
        levels=2, **options,
    )  # fmt: skip
    fm.save_batch([plane // 100 for plane in planes[2:3]], PATHS[2:3], labels="nuclei", **options)
    return store


def test_a_plate_is_channels_as_layers_with_wells_and_fields_as_sliders(napari, plate):
    napari.call("open_stored", Stored(plate, "zarr"))
    layer = napari.layer("plate.ome.zarr GFP")
    assert (layer["axes"], layer["shape"]) == (["well", "field", "y", "x"], [2, 2, 40, 50])
    assert (layer["scale"][2:], layer["units"][2:]) == ([0.65, 0.65], ["micrometer", "micrometer"])
    assert layer["multiscale"]
    assert layer["blending"] == "additive"
    position = {"well": "B03", "field": 2, "channel": 1}
    np.testing.assert_array_equal(napari.call("pixels", "plate.ome.zarr", position), noise(40, 50, seed=7))


def test_a_unit_that_is_a_formula_is_not_computed(napari, plate, tmp_path):
    for metadata in tmp_path.rglob("zarr.json"):
        metadata.write_text(metadata.read_text().replace('"micrometer"', '"9**9**9**9"'))
    napari.call("open_stored", Stored(plate, "zarr"))
    layer = napari.layer("plate.ome.zarr GFP")
    assert (layer["scale"][2:], layer["units"][2:]) == ([0.65, 0.65], ["pixel", "pixel"])


def test_labels_lie_beside_the_image_that_they_belong_to(napari, plate):
    napari.call("open_stored", Stored(plate, "zarr"))
    layer = napari.layer("plate.ome.zarr nuclei")
    assert (layer["kind"], layer["scale"][2:]) == ("labels", [0.65, 0.65])
    position = {"well": "A01", "field": 2}
    np.testing.assert_array_equal(
        napari.call("pixels", "plate.ome.zarr nuclei", position), noise(40, 50, seed=2) // 100
    )


def test_only_the_planes_that_are_looked_at_are_read(napari, plate, tmp_path):
    for chunks in (tmp_path / "plate.ome.zarr/B/3").glob("*/*/c"):
        chunks.rename(chunks.with_name("away"))
    napari.call("open_stored", Stored(plate, "zarr"))
    position = {"well": "A01", "field": 1, "channel": 0}
    np.testing.assert_array_equal(napari.call("pixels", "plate.ome.zarr", position), noise(40, 50))


def test_a_field_and_an_array_are_opened_by_themselves(napari, plate, fm, tmp_path):
    napari.call("open_stored", Stored(f"{plate}/B/3/1", "zarr"))
    assert napari.layer("plate.ome.zarr/B/3/1 DAPI")["shape"] == [40, 50]
    stack = noise(3, 20, 20)
    fm.save(stack, tmp_path / "stack.npy", backend="zarr")
    napari.call("open_stored", Stored(str(tmp_path / "stack.npy"), "zarr"))
    assert napari.layer("stack.npy")["axes"] == ["z", "y", "x"]
    np.testing.assert_array_equal(napari.call("pixels", "stack.npy", {}), stack)


def test_images_and_regions_of_the_disk_are_opened(napari, fm, tmp_path):
    pixels, rois = noise(20, 20), [Rectangle(1, 2, 3, 4, name="cell")]
    fm.save(pixels, tmp_path / "image.tif", backend="disk")
    fm.save(rois, tmp_path / "cells.roi.zip", backend="disk")
    napari.call("open_stored", Stored(str(tmp_path / "image.tif"), "disk"))
    napari.call("open_stored", Stored(str(tmp_path / "cells.roi.zip"), "disk"))
    np.testing.assert_array_equal(napari.call("pixels", "image.tif", {}), pixels)
    (found,) = rois_from_table(napari.call("rois")["cells.roi.zip"])
    assert found.name == "cell"


def test_what_is_not_there_is_told(napari, tmp_path):
    nothing = str(tmp_path / "nothing.zarr")
    with pytest.raises(PathNotFound, match=f"cannot read '{nothing}': there is no such file or directory"):
        napari.call("open_stored", Stored(nothing, "zarr"))
    assert napari.call("layers") == []
