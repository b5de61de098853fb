"""OME-NGFF 0.5 on Zarr v3 and 0.4 on Zarr v2: the same plate, read back and validated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from ome_zarr_models import v04, v05
from plates import PATTERN, STORE, attributes_of, paths_of, plane_of, plate_model, validated

from polystore_core import BackendRegistry, BatchError, FileManager, InvalidOption, UnsupportedOperation
from polystore_zarr._describing import describe

VERSIONS = ("0.5", "0.4")


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))


def save(fm: FileManager, paths: list[str], **options: Any) -> None:
    planes = [plane_of(path) for path in paths]
    fm.save_batch(planes, paths, backend="zarr", **{"pattern": PATTERN, "store": STORE} | options)


def label(path: str) -> Any:
    return (plane_of(path) % 5).astype(np.uint32)


def labels_scale(tmp_path: Path) -> dict[str, Any]:
    attributes: Any = dict(zarr.open_group(tmp_path / STORE / "A/1/1/labels/nuclei", mode="r").attrs)
    multiscale = attributes.get("ome", attributes)["multiscales"][0]
    scale = multiscale["datasets"][0]["coordinateTransformations"][0]["scale"]
    return {"scale": scale, "unit": multiscale["axes"][-1]["unit"]}


def image_model(tmp_path: Path, ngff: str, field: str = "A/1/1") -> Any:
    group = zarr.open_group(tmp_path / STORE / field, mode="r")
    return (v05 if ngff == "0.5" else v04).Image.from_zarr(group)


@pytest.mark.parametrize("ngff", VERSIONS)
class TestBothVersions:
    """What is asked of either."""

    def test_the_plate_is_valid_and_of_the_version_asked_for(
        self, fm: FileManager, tmp_path: Path, ngff: str
    ) -> None:
        save(fm, paths_of(["A01", "H12"], sites=[1, 2]), ngff=ngff)
        assert validated(tmp_path / STORE) == ["A/1/1", "A/1/2", "H/12/1", "H/12/2"]
        group = zarr.open_group(tmp_path / STORE, mode="r")
        assert group.metadata.zarr_format == (3 if ngff == "0.5" else 2)
        assert attributes_of(plate_model(group)).plate.version == ngff

    def test_planes_come_back_by_their_paths(self, fm: FileManager, ngff: str) -> None:
        paths = paths_of(["A01", "B02"], sites=[1, 2])
        save(fm, paths, ngff=ngff)
        for path, plane in zip(paths, fm.load_batch(paths, backend="zarr", store=STORE), strict=True):
            np.testing.assert_array_equal(plane, plane_of(path))

    def test_levels_are_arrays_at_their_own_paths(self, fm: FileManager, ngff: str) -> None:
        save(fm, paths_of(["A01"]), ngff=ngff, levels=2)
        files = [f"{STORE}/A/1/1/0", f"{STORE}/A/1/1/1"]
        assert fm.list_files(STORE, backend="zarr", recursive=True) == files
        assert [fm.load(file, backend="zarr").shape for file in files] == [(2, 2, 20, 30), (2, 2, 10, 15)]

    def test_scales_units_channels_and_colours(self, fm: FileManager, tmp_path: Path, ngff: str) -> None:
        save(
            fm,
            paths_of(["A01"]),
            ngff=ngff,
            pixel_size=(2.0, 0.65, 0.65),
            unit="micrometer",
            channel_names=["DAPI", "GFP"],
            channel_colors=["0000FF", "#00ff00"],
            levels=2,
        )
        image = attributes_of(image_model(tmp_path, ngff))
        multiscale = image.multiscales[0]
        assert [(axis.name, axis.type, axis.unit) for axis in multiscale.axes] == [
            ("c", "channel", None),
            ("z", "space", "micrometer"),
            ("y", "space", "micrometer"),
            ("x", "space", "micrometer"),
        ]
        scales = [dataset.coordinateTransformations[0].scale for dataset in multiscale.datasets]
        assert scales == [[1.0, 2.0, 0.65, 0.65], [1.0, 2.0, 1.3, 1.3]]
        omero = image.omero if isinstance(image.omero, dict) else image.omero.model_dump()
        assert [(channel["label"], channel["color"]) for channel in omero["channels"]] == [
            ("DAPI", "0000FF"),
            ("GFP", "00FF00"),
        ]

    def test_labels_lie_beside_their_image(self, fm: FileManager, tmp_path: Path, ngff: str) -> None:
        paths = paths_of(["A01"], channels=[1])
        save(fm, paths_of(["A01"]), ngff=ngff, levels=2, pixel_size=(2.0, 0.5, 0.5))
        for name in ("nuclei", "cells"):
            fm.save_batch(
                [label(path) for path in paths],
                paths,
                backend="zarr",
                pattern=PATTERN,
                store=STORE,
                labels=name,
            )
        labels = image_model(tmp_path, ngff).labels
        assert attributes_of(labels).labels == ["cells", "nuclei"]
        transform = labels_scale(tmp_path)
        assert (transform["scale"], transform["unit"]) == ([1.0, 2.0, 0.5, 0.5], "micrometer")
        loaded = fm.load(paths[0], backend="zarr", store=STORE, labels="nuclei")
        np.testing.assert_array_equal(loaded, label(paths[0]))
        group = zarr.open_group(tmp_path / STORE / "A/1/1/labels/nuclei", mode="r")
        model = (v05 if ngff == "0.5" else v04).ImageLabel.from_zarr(group)
        assert attributes_of(model).image_label.version == ngff
        assert validated(tmp_path / STORE) == ["A/1/1"]

    def test_a_field_is_replaced_and_deleted(self, fm: FileManager, tmp_path: Path, ngff: str) -> None:
        paths = paths_of(["A01", "A02"])
        save(fm, paths, ngff=ngff)
        fm.save_batch([np.zeros((5, 5), np.uint8)] * 8, paths, backend="zarr", pattern=PATTERN, store=STORE)
        assert fm.load(paths[0], backend="zarr", store=STORE).shape == (5, 5)
        fm.delete(f"{STORE}/A/1/1", backend="zarr", recursive=True)
        assert validated(tmp_path / STORE) == ["A/2/1"]

    def test_a_copied_and_a_moved_plate_are_whole(self, fm: FileManager, tmp_path: Path, ngff: str) -> None:
        save(fm, paths_of(["A01"]), ngff=ngff)
        fm.copy(STORE, "copy.ome.zarr", backend="zarr")
        fm.move(STORE, "archive/old.ome.zarr", backend="zarr")
        for store in ("copy.ome.zarr", "archive/old.ome.zarr"):
            assert validated(tmp_path / store) == ["A/1/1"]
            plane = fm.load("A01_s1_w1_z5.tif", backend="zarr", store=store)
            np.testing.assert_array_equal(plane, plane_of("A01_s1_w1_z5.tif"))

    @pytest.mark.parametrize("compression", ["zstd", "blosc", "gzip", "none"])
    def test_every_compression_is_read_back(self, fm: FileManager, ngff: str, compression: str) -> None:
        save(fm, paths_of(["A01"]), ngff=ngff, compression=compression)
        plane = fm.load("A01_s1_w2_z5.tif", backend="zarr", store=STORE)
        np.testing.assert_array_equal(plane, plane_of("A01_s1_w2_z5.tif"))

    def test_another_version_is_not_added_to_a_plate(
        self, fm: FileManager, tmp_path: Path, ngff: str
    ) -> None:
        other = VERSIONS[1 - VERSIONS.index(ngff)]
        save(fm, paths_of(["A01"]), ngff=ngff)
        with pytest.raises(InvalidOption, match=f"is of OME-NGFF {ngff}; leave ngff= out") as caught:
            save(fm, paths_of(["A02"]), ngff=other)
        assert f"plate '{STORE}'" in str(caught.value)
        save(fm, paths_of(["A02"]))
        assert validated(tmp_path / STORE) == ["A/1/1", "A/2/1"]

    @pytest.mark.parametrize(
        ("layout", "rows", "columns"),
        [(6, 2, 3), (12, 3, 4), (24, 4, 6), (48, 6, 8), (96, 8, 12), (384, 16, 24), (1536, 32, 48)],
    )
    def test_a_sparse_plate_of_every_layout(
        self, fm: FileManager, tmp_path: Path, ngff: str, layout: int, rows: int, columns: int
    ) -> None:
        last = f"{['B', 'C', 'D', 'F', 'H', 'P', 'AF'][[2, 3, 4, 6, 8, 16, 32].index(rows)]}{columns:02d}"
        save(fm, paths_of(["A01", last], channels=[1], zs=[1]), ngff=ngff, layout=layout)
        plate = attributes_of(plate_model(zarr.open_group(tmp_path / STORE, mode="r"))).plate
        assert (len(plate.rows), len(plate.columns)) == (rows, columns)
        assert [(well.rowIndex, well.columnIndex) for well in plate.wells] == [
            (0, 0),
            (rows - 1, columns - 1),
        ]
        assert len(validated(tmp_path / STORE)) == 2


class TestVersion04:
    """What Zarr v2 cannot hold."""

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"shards": (2, 2, 20, 30)}, "shards= is for Zarr v3"),
            ({"codecs": [{"name": "bytes"}]}, "codecs= is for Zarr v3; with ngff='0.4' pass compression="),
            ({"ngff": "0.3"}, "option 'ngff' takes one of "),
        ],
    )
    def test_options_of_zarr_v3_are_refused(
        self, fm: FileManager, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises((BatchError, InvalidOption)) as caught:
            save(fm, paths_of(["A01"]), **{"ngff": "0.4"} | options)
        assert message in str(caught.value)
        assert fm.list_dir(".", backend="zarr") == []

    def test_no_array_of_zarr_v3_is_put_into_it(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]), ngff="0.4")
        fm.save(np.zeros((2, 2)), "other.zarr/a", backend="zarr")
        with pytest.raises(UnsupportedOperation, match=r"into a group of Zarr v2"):
            fm.save(np.zeros((2, 2)), f"{STORE}/extra", backend="zarr")
        with pytest.raises(UnsupportedOperation, match=r"into a group of Zarr v2"):
            fm.copy("other.zarr/a", f"{STORE}/A/extra", backend="zarr")
        assert validated(tmp_path / STORE) == ["A/1/1"]

    def test_a_chunk_is_where_ome_ngff_wants_it(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]), ngff="0.4")
        assert (tmp_path / STORE / "A/1/1/0/1/0/0/0").is_file()
        assert json.loads((tmp_path / STORE / "A/1/1/0/.zarray").read_text())["dimension_separator"] == "/"

    def test_it_is_described(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]), ngff="0.4", compression="gzip", levels=2)
        lines = list(describe(str(tmp_path / STORE)))
        assert lines[0] == "plate.ome.zarr: plate 'plate', OME-NGFF 0.4"
        assert lines[3].strip() == "level 0: 2 x 2 x 20 x 30 uint16, files of 1 x 1 x 20 x 30, gzip"

    def test_arrays_that_other_programs_stored_as_zarr_v2_are_loaded(
        self, fm: FileManager, tmp_path: Path
    ) -> None:
        stored = zarr.create_array(
            tmp_path / "theirs.zarr/raw", shape=(4, 6), chunks=(2, 4), dtype=">u2", zarr_format=2, order="F"
        )
        stored[...] = np.arange(24).reshape(4, 6)
        loaded = fm.load("theirs.zarr/raw", backend="zarr")
        np.testing.assert_array_equal(loaded, np.arange(24).reshape(4, 6))
        assert loaded.dtype == np.dtype("=u2")


class TestAcquisitions:
    """Several acquisitions of one plate."""

    @pytest.mark.parametrize("ngff", VERSIONS)
    def test_paths_tell_the_acquisition(self, fm: FileManager, tmp_path: Path, ngff: str) -> None:
        pattern = "r{acquisition:d}_{well}_s{site:d}.tif"
        paths = [f"r{r}_{well}_s{s}.tif" for r in (1, 2) for well in ("A01", "B02") for s in (1, 2)]
        save(fm, [path for path in paths if path != "r2_B02_s2.tif"], pattern=pattern, ngff=ngff)
        fields = ["a1f1", "a1f2", "a2f1", "a2f2"]
        expected = [f"{well}/{field}" for well in ("A/1", "B/2") for field in fields][:-1]
        assert validated(tmp_path / STORE) == expected
        plate = plate_model(zarr.open_group(tmp_path / STORE, mode="r"))
        listed = attributes_of(plate).plate.acquisitions
        assert [(acquisition.id, acquisition.maximumfieldcount) for acquisition in listed] == [(1, 2), (2, 2)]
        well = attributes_of(next(plate.well_groups)).well
        assert well.get_acquisition_paths() == {1: ["a1f1", "a1f2"], 2: ["a2f1", "a2f2"]}
        loaded = fm.load("r2_A01_s1.tif", backend="zarr", store=STORE)
        np.testing.assert_array_equal(loaded, plane_of("r2_A01_s1.tif"))

    def test_a_batch_is_of_one_acquisition_by_option(self, fm: FileManager, tmp_path: Path) -> None:
        paths = paths_of(["A01"])
        save(fm, paths, acquisition=0, acquisition_name="before treatment")
        fm.save_batch(
            [plane_of(path) + 1 for path in paths],
            paths,
            backend="zarr",
            pattern=PATTERN,
            store=STORE,
            acquisition=7,
            acquisition_name="after",
        )
        plate = plate_model(zarr.open_group(tmp_path / STORE, mode="r"))
        listed = attributes_of(plate).plate.acquisitions
        assert [(one.id, one.name) for one in listed] == [(0, "before treatment"), (7, "after")]
        for acquisition, added in ((0, 0), (7, 1)):
            loaded = fm.load(paths[0], backend="zarr", store=STORE, acquisition=acquisition)
            np.testing.assert_array_equal(loaded, plane_of(paths[0]) + added)

    @pytest.mark.parametrize(
        ("paths", "options", "message"),
        [
            (
                ["r1_A01.tif"],
                {"pattern": "r{acquisition:d}_{well}.tif", "acquisition": 2},
                "'r1_A01.tif' is of acquisition 1 by its name; leave acquisition= out",
            ),
            (
                ["first_A01.tif"],
                {"pattern": "{acquisition}_{well}.tif"},
                "acquisition 'first' of 'first_A01.tif' must be a number",
            ),
            (["A01_s1_w1_z1.tif"], {"acquisition": -1}, "acquisition takes a number from 0; got -1"),
        ],
    )
    def test_what_is_no_acquisition(
        self, fm: FileManager, paths: list[str], options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises((BatchError, InvalidOption, ValueError)) as caught:
            save(fm, paths, **options)
        assert message in str(caught.value)
        assert fm.list_dir(".", backend="zarr") == []
