"""A full disk, no inodes left, a limit on the size of files: said as such, and the old values stay."""

from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from faults_disks import small_disk
from faults_values import SUFFIXES, value_number, value_of

from polystore import BackendRegistry, FileManager
from polystore_core.errors import BatchError, StorageFull
from polystore_core.files import AtomicMetadataWriter, Durability, is_temporary_name

OLD, NEW = 1, 2


@pytest.fixture
def fm() -> FileManager:
    return FileManager(BackendRegistry())


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Two megabytes."""
    with small_disk(tmp_path / "disk", "size=2m") as folder:
        yield folder


@pytest.fixture
def disk_of_few_files(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "size=20m,nr_inodes=14") as folder:
        yield folder


def fill(folder: Path, *, leave: int = 0) -> None:
    with open(folder / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
        file.truncate(max(0, os.fstat(file.fileno()).st_size - leave))


def fill_with_files(folder: Path) -> None:
    for index in range(100):
        try:
            (folder / f"filler{index}").touch()
        except OSError as error:
            assert error.errno == errno.ENOSPC
            return


def options(path: Path) -> dict[str, Any]:
    return {"lossy": True} if path.suffix == ".jpg" else {}


def number_of(fm: FileManager, path: Path) -> int:
    return value_number(path.suffix, fm.load(path, backend="disk"))


def litter(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if is_temporary_name(name)]


@pytest.mark.parametrize("durability", ["atomic", "durable"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_keeps_the_old_value_of_every_format(
    fm: FileManager, disk: Path, suffix: str, durability: Durability
) -> None:
    path = disk / f"a{suffix}"
    fm.save(value_of(suffix, OLD), path, backend="disk", **options(path))
    fill(disk)
    with pytest.raises(StorageFull, match="no room to write") as caught:
        fm.save(value_of(suffix, NEW), path, backend="disk", durability=durability, **options(path))
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.path == str(path)
    assert number_of(fm, path) == OLD
    assert litter(disk) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_without_inodes_the_old_value_of_every_format_stays(
    fm: FileManager, disk_of_few_files: Path, suffix: str
) -> None:
    path = disk_of_few_files / f"a{suffix}"
    fm.save(value_of(suffix, OLD), path, backend="disk", **options(path))
    fill_with_files(disk_of_few_files)
    with pytest.raises(StorageFull, match="inodes") as caught:
        fm.save(value_of(suffix, NEW), path, backend="disk", **options(path))
    assert caught.value.errno == errno.ENOSPC
    assert number_of(fm, path) == OLD
    assert litter(disk_of_few_files) == []


@pytest.mark.parametrize("durability", ["atomic", "durable"])
def test_a_batch_on_a_full_disk_says_path_by_path_what_was_done(
    fm: FileManager, disk: Path, durability: Durability
) -> None:
    paths = [disk / f"{index}.bin" for index in range(8)]
    old, new = paths[::2], paths[1::2]
    fm.save_batch([value_of(".bin", OLD)] * 4, old, backend="disk")
    fill(disk, leave=250_000)
    with pytest.raises(BatchError) as caught:
        fm.save_batch([value_of(".bin", NEW)] * 8, paths, backend="disk", durability=durability)
    error = caught.value
    assert {*error.done, *error.failed} == {*map(str, paths)}
    assert error.failed
    for path, member in error.failed.items():
        assert isinstance(member, StorageFull)
        assert member.path == path
        assert Path(path) in new or number_of(fm, Path(path)) == OLD
        assert Path(path) in old or not Path(path).exists()
    for path in error.done:
        assert number_of(fm, Path(path)) == NEW
    assert litter(disk) == []
    print(f"{durability}: {len(error.done)} done, {len(error.failed)} failed")


def test_a_new_directory_without_room_is_said_as_such(fm: FileManager, disk_of_few_files: Path) -> None:
    fill_with_files(disk_of_few_files)
    with pytest.raises(StorageFull):
        fm.save(b"new", disk_of_few_files / "plate" / "a.bin", backend="disk")


def test_a_merge_on_a_full_disk_keeps_the_document(disk: Path) -> None:
    path = disk / "metadata.json"
    writer = AtomicMetadataWriter()
    writer.merge_subdirectory_metadata(path, {"A01": {"number": OLD}})
    content = path.read_bytes()
    fill(disk)
    with pytest.raises(StorageFull):
        writer.merge_subdirectory_metadata(path, {"A01": {"planes": ["plane"] * 10_000}})
    assert path.read_bytes() == content
    (disk / "filler").unlink()
    writer.merge_subdirectory_metadata(path, {"A02": {"number": NEW}})
    assert writer.read(path)["subdirectories"] == {"A01": {"number": OLD}, "A02": {"number": NEW}}
    assert litter(disk) == []


def save_beyond_the_limit(connection: Connection, path: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    try:
        FileManager(BackendRegistry()).save(value_of(path.suffix, NEW), path, backend="disk")
    except StorageFull as error:
        connection.send((error.errno, str(error)))


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".bin"])
def test_the_limit_on_the_size_of_files_keeps_the_old_value(
    fm: FileManager, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    fm.save(value_of(suffix, OLD), path, backend="disk")
    mine, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=save_beyond_the_limit, args=(theirs, path))
    child.start()
    assert mine.poll(60)
    number, message = mine.recv()
    child.join()
    assert number == errno.EFBIG
    assert message == f"no room to write {str(path)!r}: File too large; free some space, inodes or quota"
    assert number_of(fm, path) == OLD
    assert litter(tmp_path) == []
