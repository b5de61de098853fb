"""Batches with a pattern: OME-NGFF plates that other programs open."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from ome_zarr_models.v05.hcs import HCS
from ome_zarr_models.v05.image import Image
from plates import PATTERN, STORE, paths_of, plane_of, validated

from polystore_core import (
    BackendRegistry,
    BatchError,
    CorruptData,
    FileManager,
    InvalidOption,
    PathNotFound,
    UnsupportedData,
)
from polystore_zarr import _plate_targets


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))


def save(fm: FileManager, paths: list[str], **options: Any) -> None:
    planes = [plane_of(path) for path in paths]
    fm.save_batch(planes, paths, backend="zarr", **{"pattern": PATTERN, "store": STORE} | options)


def image_of(tmp_path: Path, field: str = "A/1/1") -> Any:
    return Image.from_zarr(zarr.open_group(tmp_path / STORE / field, mode="r")).ome_attributes


def opened_array(path: Path) -> Any:
    return zarr.open_array(path, mode="r")


class TestLayout:
    """Wells, fields and axes."""

    def test_wells_and_fields_are_listed(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01", "H12"], sites=[1, 2]))
        assert validated(tmp_path / STORE) == ["A/1/1", "A/1/2", "H/12/1", "H/12/2"]

    def test_planes_lie_along_the_axes_of_their_coordinates(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]))
        array = opened_array(tmp_path / STORE / "A/1/1/0")
        assert (array.metadata.dimension_names, array.shape) == (("c", "z", "y", "x"), (2, 2, 20, 30))
        np.testing.assert_array_equal(array[1, 0], plane_of("A01_s1_w2_z5.tif"))

    def test_times_come_first(self, fm: FileManager, tmp_path: Path) -> None:
        paths = [f"A01_t{t}_w{c}.tif" for c in (1, 2) for t in (0, 10)]
        save(fm, paths, pattern="{well}_t{t:d}_w{channel:d}.tif", time_step=30)
        array = opened_array(tmp_path / STORE / "A/1/0/0")
        assert array.metadata.dimension_names == ("t", "c", "y", "x")
        np.testing.assert_array_equal(array[1, 0], plane_of("A01_t10_w1.tif"))
        multiscale = image_of(tmp_path, "A/1/0").multiscales[0]
        assert (multiscale.axes[0].unit, multiscale.datasets[0].coordinateTransformations[0].scale[0]) == (
            "second",
            30,
        )

    def test_a_preset_names_rows_and_columns(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, ["r02c11f03p05-ch1sk1fk1fl1.tiff"], pattern="opera-phenix")
        assert validated(tmp_path / STORE) == ["B/11/3"]

    @pytest.mark.parametrize(
        ("wells", "layout", "size"),
        [
            (["A01"], None, (2, 3)),
            (["A01", "H12"], None, (8, 12)),
            (["P24"], None, (16, 24)),
            (["AF48"], None, (32, 48)),
            (["A01"], 384, (16, 24)),
        ],
    )
    def test_the_plate_is_a_standard_one(
        self, fm: FileManager, tmp_path: Path, wells: list[str], layout: int | None, size: tuple[int, int]
    ) -> None:
        save(fm, paths_of(wells), layout=layout)
        plate = HCS.from_zarr(zarr.open_group(tmp_path / STORE, mode="r")).ome_attributes.plate
        assert (len(plate.rows), len(plate.columns)) == size

    def test_the_plate_grows_with_its_wells(self, fm: FileManager, tmp_path: Path) -> None:
        for well in ("A01", "P24", "B02"):
            save(fm, paths_of([well]))
        plate = HCS.from_zarr(zarr.open_group(tmp_path / STORE, mode="r")).ome_attributes.plate
        assert [(well.path, well.rowIndex, well.columnIndex) for well in plate.wells] == [
            ("A/1", 0, 0),
            ("B/2", 1, 1),
            ("P/24", 15, 23),
        ]
        assert (len(plate.rows), len(plate.columns), plate.name) == (16, 24, "plate")

    def test_each_plane_is_a_chunk(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]))
        assert opened_array(tmp_path / STORE / "A/1/1/0").chunks == (1, 1, 20, 30)

    def test_nothing_but_the_plate_is_in_the_store(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]))
        save(fm, paths_of(["A01"]))
        members = dict(zarr.open_group(tmp_path / STORE, mode="r").members(max_depth=None))
        assert sorted(members) == ["A", "A/1", "A/1/1", "A/1/1/0"]


class TestLooks:
    """Scale, channels and pyramid."""

    def test_pixels_have_a_size(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]), pixel_size=(2.0, 0.65, 0.65))
        multiscale = image_of(tmp_path).multiscales[0]
        assert multiscale.datasets[0].coordinateTransformations[0].scale == [1.0, 2.0, 0.65, 0.65]
        assert [axis.unit for axis in multiscale.axes] == [None, "micrometer", "micrometer", "micrometer"]

    def test_channels_have_names_and_colours(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]), channel_names=["DAPI", "GFP"], channel_colors=["#0000ff", "00FF00"])
        channels = image_of(tmp_path).omero["channels"]
        assert [(channel["label"], channel["color"]) for channel in channels] == [
            ("DAPI", "0000FF"),
            ("GFP", "00FF00"),
        ]

    def test_a_pyramid_halves_each_level(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]), levels=3, pixel_size=1.0)
        group: Any = zarr.open_group(tmp_path / STORE / "A/1/1", mode="r")
        assert [group[str(level)].shape[-2:] for level in range(3)] == [(20, 30), (10, 15), (5, 8)]
        plane = plane_of("A01_s1_w1_z5.tif").astype(np.float64)
        mean = plane.reshape(10, 2, 15, 2).mean(axis=(1, 3))
        np.testing.assert_allclose(group["1"][0, 0], mean, atol=0.5)
        steps = image_of(tmp_path).multiscales[0].datasets[1].coordinateTransformations
        assert [list(step)[1][1] for step in steps] == [[1.0, 1.0, 2.0, 2.0], [0.0, 0.0, 0.5, 0.5]]

    def test_labels_are_not_averaged(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]), levels=2, downsampling="nearest")
        smaller = opened_array(tmp_path / STORE / "A/1/1/1")[0, 0]
        np.testing.assert_array_equal(smaller, plane_of("A01_s1_w1_z5.tif")[::2, ::2])

    def test_ome_zarr_py_reads_the_field(self, fm: FileManager, tmp_path: Path) -> None:
        from ome_zarr.io import parse_url  # type: ignore[import-untyped]
        from ome_zarr.reader import Reader  # type: ignore[import-untyped]

        save(fm, paths_of(["A01"]), channel_names=["DAPI", "GFP"], pixel_size=0.5)
        location = parse_url(str(tmp_path / STORE / "A/1/1"))
        (node,) = list(Reader(location)())
        assert [axis["name"] for axis in node.metadata["axes"]] == ["c", "z", "y", "x"]
        assert node.metadata["channel_names"] == ["DAPI", "GFP"]
        np.testing.assert_array_equal(np.asarray(node.data[0][1, 1]), plane_of("A01_s1_w2_z10.tif"))


class TestLoading:
    """Planes by their own path."""

    def test_planes_come_back_by_their_paths(self, fm: FileManager) -> None:
        paths = paths_of(["A01", "B02"], sites=[1, 2])
        save(fm, paths)
        for path, plane in zip(paths, fm.load_batch(paths, backend="zarr", store=STORE), strict=True):
            np.testing.assert_array_equal(plane, plane_of(path))

    def test_the_path_may_have_directories(self, fm: FileManager) -> None:
        save(fm, paths_of(["A01"]))
        plane = fm.load("some/where/A01_s1_w1_z5.tif", backend="zarr", store=STORE)
        np.testing.assert_array_equal(plane, plane_of("A01_s1_w1_z5.tif"))

    def test_the_pattern_may_be_given_anew(self, fm: FileManager) -> None:
        save(fm, paths_of(["A01"]))
        plane = fm.load(
            "z10-A01-2-1.png", backend="zarr", store=STORE, pattern="z{z:d}-{well}-{channel:d}-{site:d}.png"
        )
        np.testing.assert_array_equal(plane, plane_of("A01_s1_w2_z10.tif"))

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            (
                "A02_s1_w1_z5.tif",
                "cannot read 'A02_s1_w1_z5.tif': plate 'plate.ome.zarr' has no field 'A/2/1'",
            ),
            (
                "A01_s1_w3_z5.tif",
                "'A01_s1_w3_z5.tif' is not in field 'A/1/1' of 'plate.ome.zarr', which has channel 1, 2; "
                "z 5, 10",
            ),
        ],
    )
    def test_what_was_not_saved_is_not_found(self, fm: FileManager, path: str, message: str) -> None:
        save(fm, paths_of(["A01"]))
        with pytest.raises(PathNotFound) as caught:
            fm.load(path, backend="zarr", store=STORE)
        assert str(caught.value) == message

    def test_a_missing_chunk_is_damage(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]))
        (tmp_path / STORE / "A/1/1/0/c/1/0/0/0").unlink()
        with pytest.raises(CorruptData, match="chunk 'c/1/0/0/0' is missing"):
            fm.load("A01_s1_w2_z5.tif", backend="zarr", store=STORE)
        np.testing.assert_array_equal(
            fm.load("A01_s1_w1_z5.tif", backend="zarr", store=STORE), plane_of("A01_s1_w1_z5.tif")
        )

    def test_one_plane_opens_one_chunk(self, fm: FileManager, opened: list[str]) -> None:
        save(fm, paths_of([f"{row}{column:02d}" for row in "ABC" for column in range(1, 4)], zs=range(10)))
        fm.load("B02_s1_w2_z7.tif", backend="zarr", store=STORE, pattern=PATTERN)
        del opened[:]
        fm.load("B03_s1_w2_z7.tif", backend="zarr", store=STORE, pattern=PATTERN)
        assert opened == ["zarr.json", "0/zarr.json", "0/c/1/7/0/0"]


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Collect the names of all files that are opened relative to a directory, as Python audits them."""
    names: list[str] = []
    active = True

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if active and event == "open" and isinstance(arguments[0], str) and not os.path.isabs(arguments[0]):
            names.append(arguments[0])

    sys.addaudithook(listen)
    yield names
    active = False


class TestLabels:
    """Label images beside their image."""

    def label(self, path: str) -> Any:
        return (plane_of(path) % 5).astype(np.uint32)

    def save_labels(self, fm: FileManager, paths: list[str], name: str = "nuclei", **options: Any) -> None:
        labels = [self.label(path) for path in paths]
        fm.save_batch(labels, paths, backend="zarr", pattern=PATTERN, store=STORE, labels=name, **options)

    def test_labels_lie_beside_their_image(self, fm: FileManager, tmp_path: Path) -> None:
        paths = paths_of(["A01"], channels=[1])
        save(fm, paths_of(["A01"]), levels=2)
        self.save_labels(fm, paths, "nuclei")
        self.save_labels(fm, paths, "cells")
        image = Image.from_zarr(zarr.open_group(tmp_path / STORE / "A/1/1", mode="r"))
        assert image.labels is not None
        assert image.labels.label_paths == ["cells", "nuclei"]
        smaller = opened_array(tmp_path / STORE / "A/1/1/labels/nuclei/1")[0, 0]
        np.testing.assert_array_equal(smaller, self.label(paths[0])[::2, ::2])

    def test_labels_are_loaded_by_their_path(self, fm: FileManager) -> None:
        paths = paths_of(["A01"], channels=[1])
        save(fm, paths_of(["A01"]))
        self.save_labels(fm, paths)
        for path in paths:
            loaded = fm.load(path, backend="zarr", store=STORE, labels="nuclei")
            np.testing.assert_array_equal(loaded, self.label(path))

    def test_labels_are_replaced(self, fm: FileManager, tmp_path: Path) -> None:
        paths = paths_of(["A01"], channels=[1])
        save(fm, paths_of(["A01"]))
        self.save_labels(fm, paths)
        self.save_labels(fm, paths)
        with pytest.raises(BatchError, match="exists already; pass overwrite=True"):
            self.save_labels(fm, paths, overwrite=False)
        assert validated(tmp_path / STORE) == ["A/1/1"]

    def test_an_image_that_is_replaced_keeps_its_labels(self, fm: FileManager, tmp_path: Path) -> None:
        paths = paths_of(["A01"], channels=[1])
        save(fm, paths_of(["A01"]))
        self.save_labels(fm, paths)
        save(fm, paths_of(["A01"]))
        loaded = fm.load(paths[0], backend="zarr", store=STORE, labels="nuclei")
        np.testing.assert_array_equal(loaded, self.label(paths[0]))
        assert validated(tmp_path / STORE) == ["A/1/1"]

    def test_what_others_do_in_a_field_while_its_image_is_replaced_is_done_to_the_new_one(
        self, fm: FileManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = f"{STORE}/A/1/1"
        save(fm, paths_of(["A01"]))
        for name in ("old", "replaced"):
            fm.save(np.zeros(3), f"{place}/{name}", backend="zarr")
        jobs = (
            lambda: fm.save(np.ones(3), f"{place}/new", backend="zarr"),
            lambda: fm.save(np.ones(3), f"{place}/replaced", backend="zarr"),
            lambda: fm.delete(f"{place}/old", backend="zarr"),
        )
        others = [threading.Thread(target=job) for job in jobs]
        keep = _plate_targets._keep_the_rest

        def keep_while_others_work(target: str, staged: str) -> None:
            keep(target, staged)
            for other in others:
                other.start()
            for other in others:  # so that whoever can get in between does
                other.join(timeout=0.1)

        monkeypatch.setattr(_plate_targets, "_keep_the_rest", keep_while_others_work)
        save(fm, paths_of(["A01"]))
        for other in others:
            other.join()
        assert fm.list_files(place, backend="zarr") == [
            f"{place}/{name}" for name in ("0", "new", "replaced")
        ]
        for name in ("new", "replaced"):
            np.testing.assert_array_equal(fm.load(f"{place}/{name}", backend="zarr"), np.ones(3))
        assert validated(tmp_path / STORE) == ["A/1/1"]

    def test_an_image_that_is_replaced_takes_in_nothing_that_links_lead_to(
        self, fm: FileManager, tmp_path: Path
    ) -> None:
        (tmp_path / "outside" / "deep").mkdir(parents=True)
        secret = tmp_path / "outside" / "secret"
        secret.write_text("secret")
        save(fm, paths_of(["A01"]))
        field = tmp_path / STORE / "A" / "1" / "1"
        (field / "link").symlink_to(tmp_path / "outside")
        (field / "notes").mkdir()
        (field / "notes" / "link").symlink_to(tmp_path / "outside")
        save(fm, paths_of(["A01"]))
        assert (field / "link").readlink() == tmp_path / "outside"
        assert (field / "notes" / "link").readlink() == tmp_path / "outside"
        assert secret.stat().st_nlink == 1

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("nuclei", "has no image for the labels 'A01_s1_w1_z5.tif'; save the image of the field first"),
            ("../up", "labels takes a name of letters, digits, '_' and '-'; got '../up'"),
        ],
    )
    def test_labels_without_a_place(self, fm: FileManager, name: str, message: str) -> None:
        with pytest.raises((BatchError, InvalidOption)) as caught:
            self.save_labels(fm, paths_of(["A01"]), name)
        assert message in str(caught.value)
        assert fm.list_dir(".", backend="zarr") == []

    def test_labels_are_whole_numbers_as_large_as_the_image(self, fm: FileManager) -> None:
        paths = paths_of(["A01"], channels=[1], zs=[5])
        save(fm, paths_of(["A01"]))
        wrong: Any = [np.zeros((20, 30), np.float32), np.zeros((10, 30), np.uint8)]
        for labels in wrong:
            with pytest.raises(BatchError, match="labels are whole numbers, as high and wide as their image"):
                fm.save_batch([labels], paths, backend="zarr", pattern=PATTERN, store=STORE, labels="nuclei")


class TestOverwriting:
    """Saving a field again."""

    def test_a_field_is_replaced(self, fm: FileManager, tmp_path: Path) -> None:
        paths = paths_of(["A01"])
        save(fm, paths)
        fm.save_batch([np.zeros((5, 5), np.uint8)] * 4, paths, backend="zarr", pattern=PATTERN, store=STORE)
        assert fm.load(paths[0], backend="zarr", store=STORE).shape == (5, 5)
        assert validated(tmp_path / STORE) == ["A/1/1"]

    def test_only_if_it_may(self, fm: FileManager) -> None:
        paths = paths_of(["A01"])
        save(fm, paths)
        with pytest.raises(BatchError, match="exists already; pass overwrite=True") as caught:
            save(fm, [*paths, *paths_of(["A02"])], overwrite=False)
        assert list(caught.value.failed) == paths
        assert caught.value.done == tuple(paths_of(["A02"]))

    def test_never_by_fewer_planes(self, fm: FileManager) -> None:
        save(fm, paths_of(["A01"]))
        with pytest.raises(BatchError, match="has channel 2, which this save has not; save the whole field"):
            save(fm, paths_of(["A01"], channels=[1]))
        assert fm.load("A01_s1_w2_z5.tif", backend="zarr", store=STORE).shape == (20, 30)


class TestRemoving:
    """Deleting what a plate lists."""

    @pytest.mark.parametrize(
        ("node", "left"),
        [
            ("A/1/1", ["A/1/2", "A/2/1", "A/2/2", "B/2/1", "B/2/2"]),
            ("A/1", ["A/2/1", "A/2/2", "B/2/1", "B/2/2"]),
            ("A", ["B/2/1", "B/2/2"]),
        ],
    )
    def test_what_is_deleted_is_no_longer_listed(
        self, fm: FileManager, tmp_path: Path, node: str, left: list[str]
    ) -> None:
        save(fm, paths_of(["A01", "A02", "B02"], sites=[1, 2]))
        fm.delete(f"{STORE}/{node}", backend="zarr", recursive=True)
        assert validated(tmp_path / STORE) == left

    def test_a_well_goes_with_its_last_field_and_comes_back(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01", "A02"]))
        fm.delete(f"{STORE}/A/1/1", backend="zarr", recursive=True)
        assert validated(tmp_path / STORE) == ["A/2/1"]
        save(fm, paths_of(["A01"], channels=[3]))
        assert validated(tmp_path / STORE) == ["A/1/1", "A/2/1"]

    def test_a_moved_plate_is_whole(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]))
        fm.move(STORE, "archive/old.ome.zarr", backend="zarr")
        assert validated(tmp_path / "archive/old.ome.zarr") == ["A/1/1"]
        save(fm, paths_of(["A01"]))
        assert validated(tmp_path / STORE) == ["A/1/1"]


class TestRefusals:
    """What makes no plate."""

    def test_a_field_with_a_hole(self, fm: FileManager) -> None:
        with pytest.raises(BatchError, match="there is no path for well A01, field 1, channel 2, z 10"):
            save(fm, paths_of(["A01"])[:-1])
        assert fm.list_dir(".", backend="zarr") == []

    @pytest.mark.parametrize(
        ("paths", "options", "message"),
        [
            (
                ["A01_d2.tif"],
                {"pattern": "{well}_d{dose:d}.tif"},
                "has the axis 'dose', which OME-NGFF plates have no",
            ),
            (["s1.tif"], {"pattern": "s{site:d}.tif"}, "'s1.tif' names no well"),
            (["A01_s1_w1_z1.tif"], {"store": "plate"}, "store= names a directory that ends in .zarr"),
            (
                ["A01_s1_w1_z1.tif"],
                {"layout": 100},
                "layout takes 6, 12, 24, 48, 96, 384, 1536 wells; got 100",
            ),
            (["P24_s1_w1_z1.tif"], {"layout": 96}, "well P24 is not on a plate of 96 wells"),
            (["A01_s1_w1_z1.tif"], {"levels": 9}, "levels takes 1 to 6 for an image of 20 x 30; got 9"),
            (
                ["A01_s1_w1_z1.tif"],
                {"channel_names": ["a", "b"]},
                "channel_names takes one for each of 1 channels",
            ),
            (
                ["A01_s1_w1_z1.tif"],
                {"channel_colors": ["red"]},
                "channel_colors takes colours such as 'FF8000'",
            ),
            (
                ["A01_s1_w1_z1.tif"],
                {"pixel_size": -1.0},
                "pixel_size takes one size, (y, x) or (z, y, x), above 0",
            ),
            (["A01_s1_w1_z1.tif"], {"unit": "um"}, "got 'um'. Did you mean 'micrometer'?"),
            (["A01_s1_w1_z1.tif"], {"unit": "nanometre"}, "Did you mean 'nanometer'?"),
            (["A01_s1_w1_z1.tif"], {"pixelsize": 1}, "Did you mean 'pixel_size'?"),
        ],
    )
    def test_options_and_paths_that_do_not_fit(
        self, fm: FileManager, paths: list[str], options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises((BatchError, InvalidOption)) as caught:
            save(fm, paths, **options)
        assert message in str(caught.value)
        assert fm.list_dir(".", backend="zarr") == []

    def test_planes_of_different_dtypes(self, fm: FileManager) -> None:
        paths = paths_of(["A01"], zs=[1])
        planes: list[Any] = [np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint16)]
        with pytest.raises(BatchError, match="the planes of a field are of one shape and dtype") as caught:
            fm.save_batch(planes, paths, backend="zarr", pattern=PATTERN, store=STORE)
        assert {type(error) for error in caught.value.failed.values()} == {UnsupportedData}

    def test_a_store_that_is_no_plate(self, fm: FileManager) -> None:
        fm.save(np.zeros((2, 2)), f"{STORE}/array", backend="zarr")
        with pytest.raises(
            BatchError, match=r"exists and is no plate of OME-NGFF 0\.5; choose another store"
        ):
            save(fm, paths_of(["A01"]))
        assert fm.list_files(STORE, backend="zarr", recursive=True) == [f"{STORE}/array"]

    def test_a_damaged_plate_is_left_as_it_is(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]))
        (tmp_path / STORE / "zarr.json").write_text('{"zarr_format"')
        with pytest.raises(CorruptData, match=r"zarr\.json cannot be read"):
            save(fm, paths_of(["A02"]))
        assert (tmp_path / STORE / "zarr.json").read_text() == '{"zarr_format"'

    def test_metadata_that_leads_out_of_the_field(self, fm: FileManager, tmp_path: Path) -> None:
        save(fm, paths_of(["A01"]))
        document = tmp_path / STORE / "A/1/1/zarr.json"
        changed = json.loads(document.read_text())
        changed["attributes"]["polystore"]["values"] = {"../../../B": [1]}
        document.write_text(json.dumps(changed))
        with pytest.raises(CorruptData, match="does not say which planes it holds"):
            fm.load("A01_s1_w1_z5.tif", backend="zarr", store=STORE)
