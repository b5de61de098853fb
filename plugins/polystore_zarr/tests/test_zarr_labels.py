"""Label images and the image beside which they lie: they fit, or the save is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import obstore
import pytest
import zarr
from ome_zarr_models import v04, v05
from plates import PATTERN, STORE, attributes_of, paths_of, plane_of
from s3_server import BUCKET, S3
from zarr.storage import ObjectStore

from polystore_core import BackendRegistry, BatchError, FileManager, PathExists, PathNotFound, StorageError
from polystore_zarr._plate_listing import PlateListing
from polystore_zarr._remote import _plates as remote_plates

PATHS = paths_of(["A01"], channels=[1])
LEVELS: dict[str, Any] = {"levels": 2, "pixel_size": 0.5}


class Plate(NamedTuple):
    """A plate in a directory or in an object store, with one field of two levels."""

    fm: FileManager
    store: str
    opened: Callable[[str], Any]
    ngff: str

    def save(self, added: int = 0, size: tuple[int, int] = (20, 30), **options: Any) -> None:
        """Save the image of the field."""
        self._save([plane_of(path, *size) + np.uint16(added) for path in PATHS], LEVELS | options)

    def save_labels(self, name: str = "nuclei", size: tuple[int, int] = (20, 30), **options: Any) -> None:
        """Save labels of the field."""
        self._save([self.label(path, size) for path in PATHS], {"labels": name} | options)

    def _save(self, planes: list[Any], options: dict[str, Any]) -> None:
        common: dict[str, Any] = {"pattern": PATTERN, "store": self.store, "ngff": self.ngff}
        self.fm.save_batch(planes, PATHS, backend="zarr", **common | options)

    def label(self, path: str, size: tuple[int, int] = (20, 30)) -> Any:
        """Return labels for a path."""
        return (plane_of(path, *size) % 5).astype(np.uint32)

    def load(self, **options: Any) -> Any:
        """Load the first plane."""
        return self.fm.load(PATHS[0], backend="zarr", store=self.store, **options)

    def delete(self, node: str) -> None:
        """Delete a node of the field."""
        self.fm.delete(f"{self.store}/A/1/1/{node}", backend="zarr", recursive=True)

    def validated(self) -> list[str]:
        """Validate the field and its labels with ome-zarr-models; return the names of the labels."""
        models: Any = v05 if self.ngff == "0.5" else v04
        image = models.Image.from_zarr(self.opened("A/1/1"))
        count = len(attributes_of(image).multiscales[0].datasets)
        if image.labels is None:
            return []
        names = list(attributes_of(image.labels).labels)
        for name in names:
            labels = models.ImageLabel.from_zarr(self.opened(f"A/1/1/labels/{name}"))
            assert len(attributes_of(labels).multiscales[0].datasets) == count
        return names


@pytest.fixture(params=["disk, 0.5", "disk, 0.4", "s3, 0.5", "s3, 0.4"])
def plate(request: pytest.FixtureRequest, server: S3, tmp_path: Path) -> Iterator[Plate]:
    where, ngff = request.param.split(", ")
    if where == "disk":
        fm = FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))
        plate = Plate(fm, STORE, lambda node: zarr.open_group(tmp_path / STORE / node, mode="r"), ngff)
        plate.save()
        yield plate
        return
    fm = FileManager(BackendRegistry({"zarr": {"storage_options": server.options}}))

    def opened(node: str) -> Any:
        return zarr.open_group(ObjectStore(server.store(f"{STORE}/{node}"), read_only=True), mode="r")

    plate = Plate(fm, f"s3://{BUCKET}/{STORE}", opened, ngff)
    plate.save()
    yield plate
    store = server.store()
    obstore.delete(store, [meta["path"] for page in obstore.list(store) for meta in page])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"levels": 1}, "20 x 30 pixels of 0.5 x 0.5 micrometer in 1 level"),
        ({"levels": 3}, "20 x 30 pixels of 0.5 x 0.5 micrometer in 3 levels"),
        ({"size": (20, 28)}, "20 x 28 pixels of 0.5 x 0.5 micrometer in 2 levels"),
        ({"pixel_size": 0.25}, "20 x 30 pixels of 0.25 x 0.25 micrometer in 2 levels"),
    ],
)
def test_an_image_that_its_labels_would_not_fit_is_refused(
    plate: Plate, changes: dict[str, Any], said: str
) -> None:
    plate.save_labels()
    with pytest.raises(BatchError) as caught:
        plate.save(added=1, **changes)
    (error, *_) = caught.value.failed.values()
    assert isinstance(error, PathExists)
    assert str(error) == (
        f"'labels/nuclei' of field 'A/1/1' in {plate.store!r} has 20 x 30 pixels of 0.5 x 0.5 micrometer in "
        f"2 levels, and the new image {said}: labels and image would not fit. Delete its labels first: "
        f"fm.delete('{plate.store}/A/1/1/labels', backend='zarr', recursive=True)"
    )
    np.testing.assert_array_equal(plate.load(), plane_of(PATHS[0]))
    assert plate.validated() == ["nuclei"]


def test_without_its_labels_it_is_replaced(plate: Plate) -> None:
    plate.save_labels()
    plate.delete("labels")
    assert plate.validated() == []
    plate.save(size=(10, 12), levels=1)
    assert plate.load().shape == (10, 12)
    plate.save_labels(size=(10, 12))
    assert plate.validated() == ["nuclei"]


def test_labels_that_fit_stay(plate: Plate) -> None:
    plate.save_labels("nuclei")
    plate.save_labels("cells")
    plate.save(added=1)
    np.testing.assert_array_equal(plate.load(), plane_of(PATHS[0]) + 1)
    np.testing.assert_array_equal(plate.load(labels="cells"), plate.label(PATHS[0]))
    assert plate.validated() == ["cells", "nuclei"]


def test_one_of_several_is_deleted(plate: Plate) -> None:
    plate.save_labels("nuclei")
    plate.save_labels("cells")
    plate.delete("labels/nuclei")
    assert plate.validated() == ["cells"]
    with pytest.raises(PathNotFound):
        plate.load(labels="nuclei")
    plate.delete("labels/cells")
    assert plate.validated() == []
    plate.save(size=(10, 12))
    plate.save_labels("nuclei", size=(10, 12))
    assert plate.validated() == ["nuclei"]


def interrupting(plate: Plate, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """Replace the image by one of another shape right before a step of the next save of labels."""
    original = getattr(owner, name)

    def step(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(owner, name, original)
        plate.save(size=(10, 12))
        return original(*arguments, **named)

    monkeypatch.setattr(owner, name, step)


def test_labels_of_an_image_that_is_replaced_meanwhile_are_refused(
    plate: Plate, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plate.store.startswith("s3"):
        interrupting(plate, monkeypatch, remote_plates, "commit")
    else:
        interrupting(plate, monkeypatch, PlateListing, "lock")
    with pytest.raises(BatchError) as caught:
        plate.save_labels()
    (error, *_) = caught.value.failed.values()
    assert isinstance(error, StorageError)
    assert "it has 10 x 12 pixels of 0.5 x 0.5 micrometer in 2 levels now, not 20 x 30" in str(error)
    assert plate.validated() == []


def test_labels_go_if_they_were_listed_beside_another_image(
    server: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an object store nothing keeps an image from being replaced between two requests."""
    fm = FileManager(BackendRegistry({"zarr": {"storage_options": server.options}}))

    def opened(node: str) -> Any:
        return zarr.open_group(ObjectStore(server.store(f"late.zarr/{node}"), read_only=True), mode="r")

    plate = Plate(fm, f"s3://{BUCKET}/late.zarr", opened, "0.5")
    plate.save()
    interrupting(plate, monkeypatch, remote_plates, "_change")
    with pytest.raises(BatchError, match="was replaced while the labels"):
        plate.save_labels()
    assert plate.validated() == []
    with pytest.raises(PathNotFound):
        plate.load(labels="nuclei")
