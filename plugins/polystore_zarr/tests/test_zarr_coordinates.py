"""Planes and fields by coordinates, at any level, at once or lazily."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
from plates import PATTERN, STORE, paths_of, plane_of

from polystore_core import (
    BackendRegistry,
    CorruptData,
    FileManager,
    InvalidOption,
    InvalidPath,
    PathNotFound,
    StorageError,
)


@pytest.fixture(params=["0.5", "0.4"])
def fm(request: pytest.FixtureRequest, tmp_path: Path) -> FileManager:
    fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
    save(fm, paths_of(["A01"], sites=[1, 2]) + paths_of(["B02"]), ngff=request.param, levels=2)
    return fm


def save(fm: FileManager, paths: list[str], **options: Any) -> None:
    fm.save_batch(
        [plane_of(path) for path in paths],
        paths,
        backend="zarr",
        pattern=PATTERN,
        store=STORE,
        channel_names=["DAPI", "GFP"],
        **options,
    )


def stack_of(well: str, site: int) -> Any:
    return np.array(
        [[plane_of(f"{well}_s{site}_w{channel}_z{z}.tif") for z in (5, 10)] for channel in (1, 2)]
    )


@pytest.mark.parametrize(
    "at",
    [
        {"well": "A01", "field": 2, "channel": 2, "z": 10},
        {"well": "A1", "site": 2, "wavelength": 2, "slice": 10},
        {"row": "A", "column": 1, "field": 2, "channel": 2, "z": np.int64(10)},
        {"row": 1, "column": 1, "field": "2", "channel": "GFP", "z": 10},
    ],
)
def test_a_plane_is_loaded_by_its_coordinates(fm: FileManager, at: dict[str, Any]) -> None:
    plane = fm.load(STORE, backend="zarr", at=at)
    np.testing.assert_array_equal(plane, plane_of("A01_s2_w2_z10.tif"))


def test_axes_that_are_not_told_are_kept(fm: FileManager) -> None:
    whole = fm.load(STORE, backend="zarr", at={"well": "A01", "field": 2})
    np.testing.assert_array_equal(whole, stack_of("A01", 2))
    stack = fm.load(STORE, backend="zarr", at={"well": "A01", "field": 2, "channel": 1})
    np.testing.assert_array_equal(stack, stack_of("A01", 2)[0])
    channels = fm.load(STORE, backend="zarr", at={"well": "A01", "field": 2, "z": 10})
    np.testing.assert_array_equal(channels, stack_of("A01", 2)[:, 1])


def test_the_only_field_of_a_well_need_not_be_told(fm: FileManager) -> None:
    np.testing.assert_array_equal(fm.load(STORE, backend="zarr", at={"well": "B02"}), stack_of("B02", 1))
    with pytest.raises(InvalidOption, match=r"well 'A/1' of 'plate.ome.zarr' has the fields 1, 2; name one"):
        fm.load(STORE, backend="zarr", at={"well": "A01"})


def test_smaller_levels(fm: FileManager) -> None:
    at = {"well": "B02", "channel": 1, "z": 5}
    assert fm.load(STORE, backend="zarr", at=at, level=1).shape == (10, 15)
    assert fm.load("B02_s1_w1_z5.tif", backend="zarr", store=STORE, level=1).shape == (10, 15)
    with pytest.raises(InvalidOption, match="level takes 0 to 1 for field 'B/2/1'; got 2"):
        fm.load(STORE, backend="zarr", at=at, level=2)


def test_a_field_is_a_dask_array(fm: FileManager, tmp_path: Path) -> None:
    lazy: Any = fm.load(STORE, backend="zarr", at={"well": "A01", "field": 2}, lazy=True)
    assert isinstance(lazy, dask.array.Array)
    assert (lazy.shape, lazy.chunksize) == ((2, 2, 20, 30), (1, 1, 20, 30))
    (chunk,) = [path for path in (tmp_path / STORE / "A/1/2/0").rglob("0/0/0/0") if path.is_file()]
    chunk.unlink()
    np.testing.assert_array_equal(lazy[1].compute(), stack_of("A01", 2)[1])
    with pytest.raises(CorruptData, match="is missing"):
        lazy[0].compute()


def test_a_plane_is_loaded_lazily_by_its_path(fm: FileManager) -> None:
    lazy: Any = fm.load("B02_s1_w2_z5.tif", backend="zarr", store=STORE, lazy=True)
    np.testing.assert_array_equal(lazy.compute(), plane_of("B02_s1_w2_z5.tif"))


def test_a_field_that_is_replaced_is_told(fm: FileManager) -> None:
    lazy: Any = fm.load(STORE, backend="zarr", at={"well": "B02"}, lazy=True)
    save(fm, paths_of(["B02"]))
    with pytest.raises(StorageError, match="was replaced since it was loaded lazily; load it again"):
        lazy.compute()


def test_labels_by_coordinates(fm: FileManager) -> None:
    paths = paths_of(["B02"], channels=[1])
    labels = [(plane_of(path) % 3).astype(np.uint16) for path in paths]
    fm.save_batch(labels, paths, backend="zarr", pattern=PATTERN, store=STORE, labels="cells")
    loaded = fm.load(STORE, backend="zarr", at={"well": "B02", "z": 10, "channel": 1}, labels="cells")
    np.testing.assert_array_equal(loaded, labels[1])


@pytest.mark.parametrize(
    ("at", "error", "message"),
    [
        (
            {"well": "C03", "field": 1},
            PathNotFound,
            "cannot read well C03, field 1: plate 'plate.ome.zarr' has no",
        ),
        ({"well": "C03"}, PathNotFound, "plate 'plate.ome.zarr' has no well 'C/3'"),
        (
            {"well": "B02", "channel": 3},
            PathNotFound,
            "well B02, channel 3 is not in field 'B/2/1' of 'plate.ome.zarr', which has channel 1, 2; z 5, "
            "10",
        ),
        ({"well": "B02", "t": 1}, PathNotFound, "well B02, t 1 is not in field 'B/2/1'"),
        ({"wel": "B02"}, InvalidOption, "at= takes coordinates along well (or row and column)"),
        ({"well": "B02", "z": 5.0}, InvalidOption, "at= takes whole numbers and text; got z=5.0"),
        (
            {"field": 1},
            InvalidPath,
            "at={'field': 1} names no well; add 'well', or 'row' and 'column'",
        ),
        ({}, InvalidPath, "at={} names no well; add 'well', or 'row' and 'column'"),
        ("A01", InvalidOption, "option 'at' takes"),
    ],
)
def test_what_is_not_there(fm: FileManager, at: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        fm.load(STORE, backend="zarr", at=at)
    assert message in str(caught.value)


@pytest.mark.parametrize("at", [{"well": "B02"}, {"well": "B02", "field": 1}])
@pytest.mark.parametrize("store", ["plaet.ome.zarr", "memory://lab/plaet.ome.zarr"])
def test_a_plate_that_is_not_there_is_no_plate_without_the_well(store: str, at: dict[str, Any]) -> None:
    with pytest.raises(PathNotFound, match=f"^there is no plate '{store}'$"):
        FileManager().load(store, backend="zarr", at=at)


def test_labels_that_are_not_there_are_named(fm: FileManager) -> None:
    with pytest.raises(PathNotFound, match=r"has no labels 'nuclei' in field 'B/2/1'$"):
        fm.load(STORE, backend="zarr", at={"well": "B02"}, labels="nuclei")


def test_a_level_that_leads_out_of_its_field_is_not_followed(fm: FileManager, tmp_path: Path) -> None:
    fm.save(np.full((20, 30), 7), "secret.zarr", backend="zarr")
    field = tmp_path / STORE / "B/2/1"
    document = next(file for file in (field / "zarr.json", field / ".zattrs") if file.exists())
    for path in ("../../../../secret.zarr", "/etc", "..", "0/../../x"):
        content = json.loads(document.read_text())
        ome = content.get("attributes", content).get("ome", content)
        ome["multiscales"][0]["datasets"][0]["path"] = path
        document.write_text(json.dumps(content))
        with pytest.raises(CorruptData, match="which leads out of it"):
            fm.load(STORE, backend="zarr", at={"well": "B02"})
