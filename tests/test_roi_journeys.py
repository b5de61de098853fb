"""Lists of regions go wherever arrays go, and come back equal; what cannot be held is refused or told."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from ome_zarr_models.v05.hcs import HCS

from polystore import BackendRegistry, FileManager
from polystore_core.errors import BatchError, PathExists, PathNotFound, UnsupportedData, UnsupportedOperation
from polystore_roi import (
    Composite,
    Ellipse,
    Line,
    Mask,
    Points,
    Polygon,
    Polyline,
    Rectangle,
    RoiLossWarning,
    Text,
)

RING = Polygon(
    [[2.5, 2.0], [2.0, 30.0], [24.0, 30.25], [24.0, 2.0]],
    holes=[[[8, 10], [8, 18], [14, 18], [14, 10]], [[16, 4], [16, 6], [18, 6]]],
    name="ring, µm",
    stroke="#ff8000",
    c=1,
    z=3,
    t=0,
    properties={"area": 568, "class": {"name": "mitotic", "sure": None}},
)
EVERY_KIND = [
    RING,
    Ellipse(40, 12, 10, 20, angle=30, name="ellipse", fill="#00ff0080", t=2),
    Rectangle(5, 40, 12.5, 16, angle=-12, z=7),
    Mask(np.eye(3, dtype=bool), 5, 6, name="mask", c=0),
    Points([[1.0, 2.0], [3.5, 4.0]], stroke="#0000ff"),
    Line((0, 0), (3, 4.25)),
    Polyline([[0, 0], [1, 1], [2, 0]]),
    Composite([Rectangle(0, 0, 2, 2), Points([[5, 5]])], name="composite", fill="#123456"),
    Text("hällo\nworld", 1, 2, 30, 40),
]
MANY = [
    Polygon([[y, x], [y, x + 7], [y + 7, x + 7], [y + 3, x + 4]], name=f"{y} {x}", z=y % 5)
    for y in range(0, 1000, 10)
    for x in range(0, 1000, 10)
]
LISTS = {"none": [], "one": [RING], "every kind": EVERY_KIND}

PLACES = {
    "ImageJ archive": ("disk", "set{}.roi.zip"),
    "JSON": ("disk", "set{}.roi.json"),
    "GeoJSON": ("disk", "set{}.geojson"),
    "memory": ("memory", "set{}"),
    "array": ("zarr", "set{}"),
    "store": ("zarr", "results.zarr/A01/set{}"),
    "plate": ("zarr", "plate.ome.zarr/A/1/1/set{}"),
    "object store": ("zarr", "memory://lab/plate.ome.zarr/A/1/1/set{}"),
}
each_place = pytest.mark.parametrize("place", PLACES)
each_list = pytest.mark.parametrize("rois", LISTS.values(), ids=LISTS)

pytestmark = pytest.mark.filterwarnings("ignore:.*the way back restores it:polystore_roi.RoiLossWarning")

PATHS = ["A01_f1_c1.tif", "A01_f1_c2.tif"]
PLANES = [np.full((20, 30), value, np.uint16) for value in (1, 2)]


def save_field(fm, store, planes=PLANES, **options):
    fm.save_batch(
        planes, PATHS, backend="zarr", pattern="{well}_f{field:d}_c{channel:d}.tif", store=store, **options
    )


@pytest.fixture
def fm(tmp_path, monkeypatch):
    """A file manager in an empty folder, with a plate on disk and one in an object store."""
    monkeypatch.chdir(tmp_path)
    with FileManager(BackendRegistry()) as made:
        save_field(made, "plate.ome.zarr")
        save_field(made, "memory://lab/plate.ome.zarr")
        yield made


def at(place, number=0):
    """Backend and path of a list in a place."""
    backend, path = PLACES[place]
    return backend, path.format(number)


@each_place
@each_list
def test_a_list_comes_back_and_is_the_callers_own(fm, place, rois):
    backend, path = at(place)
    fm.save(rois, path, backend=backend)
    found = fm.load(path, backend=backend)
    assert found == rois
    found.append("spoilt")
    assert fm.load(path, backend=backend) == rois


@each_place
def test_a_list_is_replaced_by_a_longer_and_a_shorter_one_or_kept(fm, place):
    backend, path = at(place)
    for rois in (EVERY_KIND[:2], EVERY_KIND, []):
        fm.save(rois, path, backend=backend)
        assert fm.load(path, backend=backend) == rois
    with pytest.raises(PathExists):
        fm.save([RING], path, backend=backend, overwrite=False)
    assert fm.load(path, backend=backend) == []


@each_place
def test_a_batch_of_lists_comes_back_in_its_order(fm, place):
    lists = [EVERY_KIND[:number] for number in range(len(EVERY_KIND))]
    backend, paths = PLACES[place][0], [at(place, number)[1] for number in range(len(lists))]
    fm.save_batch(lists, paths, backend=backend)
    assert fm.load_batch(paths[::-1], backend=backend) == lists[::-1]
    folder = paths[0].rpartition("/")[0] or "."
    listed = [path.removeprefix("./") for path in fm.list_files(folder, backend=backend)]
    assert set(paths) <= set(listed)


@each_place
@pytest.mark.parametrize("target", PLACES)
def test_a_list_is_copied_and_moved_from_everywhere_to_everywhere(fm, place, target):
    backend, path = at(place)
    target_backend, copied = at(target, 1)
    moved = at(target, 2)[1]
    fm.save(EVERY_KIND, path, backend=backend)
    fm.copy(path, copied, backend=backend, target_backend=target_backend)
    assert fm.load(copied, backend=target_backend) == EVERY_KIND
    with pytest.raises(PathExists):
        fm.move(path, copied, backend=backend, target_backend=target_backend)
    assert fm.load(path, backend=backend) == EVERY_KIND
    fm.move(path, moved, backend=backend, target_backend=target_backend)
    assert fm.load(moved, backend=target_backend) == EVERY_KIND
    assert not fm.exists(path, backend=backend)


@each_place
def test_ten_thousand_regions_come_back(fm, place):
    backend, path = at(place)
    fm.save(MANY, path, backend=backend)
    assert fm.load(path, backend=backend) == MANY


@each_place
@pytest.mark.parametrize("target", ["set.roi", "set.npy", "set.csv", "set.tif", "set.json"])
def test_where_a_list_cannot_be_held_nothing_is_lost(fm, place, target):
    backend, path = at(place)
    fm.save(EVERY_KIND, path, backend=backend)
    for transfer in (fm.copy, fm.move):
        with pytest.raises(UnsupportedData):
            transfer(path, target, backend=backend, target_backend="disk")
        assert fm.load(path, backend=backend) == EVERY_KIND
        assert not fm.exists(target, backend="disk")


def test_a_folder_is_moved_whole_or_stays(fm):
    fm.save_batch([[RING], EVERY_KIND], ["folder/one.roi", "folder/several.roi.zip"], backend="memory")
    fm.move("folder", "archive", backend="memory", target_backend="disk")
    assert fm.load("archive/several.roi.zip", backend="disk") == EVERY_KIND
    fm.save_batch([[RING], EVERY_KIND], ["folder/one.roi", "folder/several.roi"], backend="memory")
    with pytest.raises(UnsupportedData, match=r"'.roi' holds one region; got 9"):
        fm.move("folder", "new", backend="memory", target_backend="disk")
    assert fm.load("folder/several.roi", backend="memory") == EVERY_KIND
    assert fm.load("folder/one.roi", backend="memory") == [RING]


@pytest.mark.parametrize("store", ["plate.ome.zarr", "memory://lab/plate.ome.zarr"])
def test_regions_lie_beside_an_image_that_is_saved_again(fm, store):
    fm.save(EVERY_KIND, f"{store}/A/1/1/cells", backend="zarr")
    save_field(fm, store, planes=[plane + 10 for plane in PLANES])
    assert fm.load(f"{store}/A/1/1/cells", backend="zarr") == EVERY_KIND
    assert fm.load(f"{store}/A/1/1/0", backend="zarr")[:, 0, 0].tolist() == [11, 12]
    fm.copy(store, f"{store.removesuffix('plate.ome.zarr')}other.ome.zarr", backend="zarr")
    copied = f"{store.removesuffix('plate.ome.zarr')}other.ome.zarr/A/1/1/cells"
    assert fm.load(copied, backend="zarr") == EVERY_KIND


def test_a_plate_with_regions_is_a_valid_plate(fm, tmp_path):
    import zarr

    fm.save(EVERY_KIND, "plate.ome.zarr/A/1/1/cells", backend="zarr")
    plate = HCS.from_zarr(zarr.open_group(tmp_path / "plate.ome.zarr", mode="r"))
    assert [well.path for well in plate.attributes.ome.plate.wells] == ["A/1"]
    assert (fm.load(PATHS[1], backend="zarr", store="plate.ome.zarr") == PLANES[1]).all()


@pytest.mark.parametrize("store", ["older.ome.zarr", "memory://lab/older.ome.zarr"])
def test_a_plate_of_zarr_v2_refuses_regions_and_stays_as_it_is(fm, store):
    save_field(fm, store, ngff="0.4")
    before = fm.list_files(store, backend="zarr", recursive=True)
    with pytest.raises(UnsupportedOperation, match=r"into a group of Zarr v2.* choose another store"):
        fm.save(EVERY_KIND, f"{store}/A/1/1/cells", backend="zarr")
    fm.save(EVERY_KIND, "cells", backend="memory")
    with pytest.raises(UnsupportedOperation, match="into a group of Zarr v2"):
        fm.move("cells", f"{store}/A/1/1/cells", backend="memory", target_backend="zarr")
    assert fm.load("cells", backend="memory") == EVERY_KIND
    assert fm.list_files(store, backend="zarr", recursive=True) == before


@pytest.mark.parametrize("path", ["set.geojson", "set.roi.zip"])
def test_what_other_programs_will_not_see_is_told_refused_or_accepted(fm, path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fm.save(EVERY_KIND, path, backend="disk", strict=False)
        with pytest.raises(UnsupportedData, match="cannot hold everything: region"):
            fm.save([EVERY_KIND[0], *EVERY_KIND[7:]], path, backend="disk", strict=True)
        with pytest.raises(BatchError, match="1 of 2 paths failed"):
            fm.save_batch([[RING], EVERY_KIND], ["ring.geojson", path], backend="disk", strict=True)
        assert fm.load(path, backend="disk", strict=True) == EVERY_KIND
        assert fm.load("ring.geojson", backend="disk") == [RING]
    fm.save(EVERY_KIND, "set", backend="zarr")
    for transfer in (fm.copy, fm.move):
        with pytest.warns(RoiLossWarning, match="Pass strict=False"):
            transfer("set", path, backend="zarr", target_backend="disk", overwrite=True)


@pytest.mark.parametrize("path", ["set.roi", "set.roi.zip", "set.roi.json", "set.geojson"])
def test_every_format_of_regions_takes_strict(fm, path):
    fm.save([RING], path, backend="disk", strict=True)
    assert fm.load(path, backend="disk", strict=True) == [RING]


def test_what_the_model_cannot_hold_of_a_file_is_told_by_a_load_and_a_copy(fm):
    Path("map.geojson").write_text('{"type": "Point", "coordinates": [1, 2, 30]}')
    with pytest.raises(UnsupportedData, match="the third coordinate"):
        fm.load("map.geojson", backend="disk", strict=True)
    with pytest.warns(RoiLossWarning, match="the third coordinate"):
        fm.copy("map.geojson", "map", backend="disk", target_backend="memory")
    assert fm.load("map", backend="memory") == [Points([[2, 1]])]


@pytest.mark.parametrize("place", ["memory", "array", "object store"])
def test_a_missing_list_is_not_found(fm, place):
    backend, path = at(place)
    with pytest.raises(PathNotFound):
        fm.load(path, backend=backend)
