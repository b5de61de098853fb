"""What other programs find in a plate: ome-zarr-py and napari's reader of OME-Zarr.

In a plate in a directory, and in one that was saved to a bucket and then downloaded as it is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest
from ome_zarr.io import parse_url  # type: ignore[import-untyped]
from ome_zarr.reader import Reader  # type: ignore[import-untyped]
from plates import PATTERN, STORE, paths_of, plane_of
from s3_server import BUCKET, S3

from polystore_core import BackendRegistry, FileManager

SCALES = [[1.0, 2.0, 0.65, 0.65], [1.0, 2.0, 1.3, 1.3]]
CONTRAST_PERCENTILES = (0.1, 99.9)


@pytest.fixture(params=["0.5", "0.4", "0.5 in a bucket", "0.4 in a bucket"])
def plate(request: pytest.FixtureRequest, tmp_path: Path, server: S3) -> Path:
    ngff, _, place = request.param.partition(" ")
    configuration: dict[str, Any] = {"root": tmp_path}
    if place:
        configuration = {"root": f"s3://{BUCKET}/{tmp_path.name}", "storage_options": server.options}
    save_plate(FileManager(BackendRegistry({"zarr": configuration})), ngff)
    if place:
        download(server.store(tmp_path.name), tmp_path)
    return tmp_path / STORE


def download(store: Any, folder: Path) -> None:
    for page in obstore.list(store):
        for meta in page:
            path = folder / meta["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(obstore.get(store, meta["path"]).bytes())


def save_plate(fm: FileManager, ngff: str) -> None:
    paths = paths_of(["A01", "B02"], sites=[1, 2])
    fm.save_batch(
        [plane_of(path) for path in paths],
        paths,
        backend="zarr",
        pattern=PATTERN,
        store=STORE,
        ngff=ngff,
        levels=2,
        pixel_size=(2.0, 0.65, 0.65),
        channel_names=["DAPI", "GFP"],
        channel_colors=["0000FF", "00FF00"],
    )
    labelled = paths_of(["A01"], channels=[1])
    fm.save_batch(
        [label_of(path) for path in labelled],
        labelled,
        backend="zarr",
        pattern=PATTERN,
        store=STORE,
        labels="nuclei",
    )


def label_of(path: str) -> Any:
    return (plane_of(path) % 5).astype(np.uint16)


def stack_of(well: str, site: int) -> Any:
    return np.array(
        [[plane_of(f"{well}_s{site}_w{channel}_z{z}.tif") for z in (5, 10)] for channel in (1, 2)]
    )


def mosaic() -> Any:
    """Return the first field of each well where it is on a plate of 2 x 3 wells."""
    whole = np.zeros((2, 2, 2 * 20, 3 * 30), np.uint16)
    whole[..., :20, :30] = stack_of("A01", 1)
    whole[..., 20:, 30:60] = stack_of("B02", 1)
    return whole


class TestOmeZarrPy:
    """The reference reader."""

    def nodes(self, path: Path) -> list[Any]:
        return list(Reader(parse_url(str(path)))())

    def test_a_field_has_its_pixels_scales_and_channels(self, plate: Path) -> None:
        image = self.nodes(plate / "A/1/2")[0]
        np.testing.assert_array_equal(np.asarray(image.data[0]), stack_of("A01", 2))
        assert [axis["name"] for axis in image.metadata["axes"]] == ["c", "z", "y", "x"]
        assert [axis.get("unit") for axis in image.metadata["axes"]] == [None, *["micrometer"] * 3]
        assert [steps[0]["scale"] for steps in image.metadata["coordinateTransformations"]] == SCALES
        assert image.metadata["channel_names"] == ["DAPI", "GFP"]
        assert [colours[1] for colours in image.metadata["colormap"]] == [[0, 0, 1], [0, 1, 0]]

    def test_labels_lie_on_their_image(self, plate: Path) -> None:
        (labels,) = [node for node in self.nodes(plate / "A/1/1") if "nuclei" in str(node.zarr)]
        expected = [[label_of(path) for path in paths_of(["A01"], channels=[1])]]
        np.testing.assert_array_equal(np.asarray(labels.data[0]), expected)
        assert [steps[0]["scale"] for steps in labels.metadata["coordinateTransformations"]] == SCALES

    def test_the_plate_has_its_layout(self, plate: Path) -> None:
        node = self.nodes(plate)[0]
        found = node.metadata["metadata"]["plate"]
        assert [row["name"] for row in found["rows"]] == ["A", "B"]
        assert [column["name"] for column in found["columns"]] == ["1", "2", "3"]
        assert [well["path"] for well in found["wells"]] == ["A/1", "B/2"]
        np.testing.assert_array_equal(np.asarray(node.data[0]), mosaic())


class TestNapariOmeZarr:
    """The plugin that opens OME-Zarr in napari, without a window."""

    def layers(self, store: Path) -> tuple[list[Any], Any]:
        pixels = Path(f"{store}.npz")
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("napari_layers.py")), str(store), str(pixels)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1]), np.load(pixels)

    def test_a_field_has_its_pixels_scales_and_channels(self, plate: Path) -> None:
        (layer,), pixels = self.layers(plate / "A/1/2")
        assert (layer["kind"], layer["channel_axis"]) == ("image", 0)
        np.testing.assert_array_equal(pixels["0/0"], stack_of("A01", 2))
        assert pixels["0/1"].shape == (2, 2, 10, 15)
        assert (layer["scale"], layer["units"]) == (SCALES[0][1:], ["micrometer"] * 3)
        assert [name.rpartition(": ")[2] for name in layer["name"]] == ["DAPI", "GFP"]
        assert [colors[-1] for colors in layer["colors"]] == [[0, 0, 1, 1], [0, 1, 0, 1]]
        limits = [np.percentile(channel, CONTRAST_PERCENTILES) for channel in pixels["0/1"]]
        np.testing.assert_allclose(layer["contrast_limits"], limits)

    def test_labels_lie_on_their_image(self, plate: Path) -> None:
        (image, labels), pixels = self.layers(plate / "A/1/1")
        assert (labels["kind"], labels["scale"][1:]) == ("labels", image["scale"])
        expected = [[label_of(path) for path in paths_of(["A01"], channels=[1])]]
        np.testing.assert_array_equal(pixels["1/0"], expected)

    def test_the_plate_has_its_layout(self, plate: Path) -> None:
        (layer, _), pixels = self.layers(plate)
        assert (layer["kind"], layer["scale"]) == ("image", SCALES[0][1:])
        np.testing.assert_array_equal(pixels["0/0"], mosaic())
