"""What a durable save forces to the medium, and when."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plates import PATTERN, STORE, paths_of, plane_of

from polystore_core import BackendRegistry, FileManager, InvalidOption

IMAGE = np.arange(48, dtype=np.uint16).reshape(3, 4, 4)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Identities of what was forced to the medium, by the real call."""
    seen: list[tuple[int, int]] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        status = os.fstat(descriptor)
        seen.append((status.st_dev, status.st_ino))

    monkeypatch.setattr(os, "fsync", noted)
    return seen


def manager(folder: Path, **configuration: Any) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": folder, **configuration}}))


def unsynced(folder: Path, synced: list[tuple[int, int]]) -> list[str]:
    """Return what is in a folder, itself included, that was not forced to the medium."""
    left = []
    for path in (folder, *folder.rglob("*")):
        status = path.stat()
        if (status.st_dev, status.st_ino) not in synced and "polystore-lock" not in path.name:
            left.append(str(path.relative_to(folder)))
    return left


@pytest.mark.parametrize("path", ["results/image.npy", "results/data.zarr/A01/raw"])
def test_a_durable_save_over_an_array_forces_the_new_one(
    tmp_path: Path, synced: list[tuple[int, int]], path: str
) -> None:
    fm = manager(tmp_path)
    fm.save(IMAGE, path, backend="zarr")
    fm.save(IMAGE + 1, path, backend="zarr", durability="durable")
    stored = next((tmp_path / "results").rglob("c")).parent
    assert unsynced(stored, synced) == []
    status = stored.parent.stat()
    assert (status.st_dev, status.st_ino) in synced


@pytest.mark.parametrize("path", ["results/image.npy", "results/data.zarr/A01/raw"])
def test_a_first_durable_save_leaves_nothing_out(
    tmp_path: Path, synced: list[tuple[int, int]], path: str
) -> None:
    manager(tmp_path, durability="durable").save(IMAGE, path, backend="zarr")
    assert unsynced(tmp_path / "results", synced) == []
    status = tmp_path.stat()
    assert (status.st_dev, status.st_ino) in synced


def test_an_atomic_save_forces_nothing(tmp_path: Path, synced: list[tuple[int, int]]) -> None:
    manager(tmp_path).save(IMAGE, "data.zarr/raw", backend="zarr")
    manager(tmp_path, durability="durable").save(IMAGE, "data.zarr/raw", backend="zarr", durability="atomic")
    assert synced == []


def test_files_are_forced_before_the_array_is_in_its_place(
    tmp_path: Path, synced: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from polystore_zarr import _saving
    from polystore_zarr._staging import publish

    def checked(staged: str, *arguments: Any, **named: Any) -> None:
        assert unsynced(Path(staged), synced) == []
        publish(staged, *arguments, **named)

    monkeypatch.setattr(_saving, "publish", checked)
    manager(tmp_path).save(IMAGE, "image.npy", backend="zarr", durability="durable")


def test_a_durable_region_forces_its_chunks(tmp_path: Path, synced: list[tuple[int, int]]) -> None:
    fm = manager(tmp_path, durability="durable")
    fm.save(IMAGE[:1], "data.zarr/stack", backend="zarr", region=np.s_[:1], shape=IMAGE.shape)
    fm.save(IMAGE[1:], "data.zarr/stack", backend="zarr", region=np.s_[1:])
    assert [name for name in unsynced(tmp_path / "data.zarr", synced) if not name.endswith("lock")] == []
    assert (fm.load("data.zarr/stack", backend="zarr") == IMAGE).all()


def test_a_durable_plate_forces_fields_and_documents(tmp_path: Path, synced: list[tuple[int, int]]) -> None:
    fm = manager(tmp_path)
    paths = paths_of(["A01", "B02"])
    planes = [plane_of(path) for path in paths]
    plate: dict[str, Any] = {"pattern": PATTERN, "store": STORE, "durability": "durable"}
    fm.save_batch(planes, paths, backend="zarr", **plate)
    assert unsynced(tmp_path / STORE, synced) == []
    synced.clear()
    fm.save_batch(planes, paths, backend="zarr", labels="nuclei", **plate)
    labels = [path for path in (tmp_path / STORE).rglob("labels") if unsynced(path, synced)]
    assert labels == []


def test_another_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="'atomic', 'durable'"):
        manager(tmp_path).save(IMAGE, "image", backend="zarr", durability="safe")
