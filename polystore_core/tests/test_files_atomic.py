"""The atomic writer: old or new, and nothing else."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from files_children import in_child
from hypothesis import given, settings
from hypothesis import strategies as st

from polystore_core import (
    AccessDenied,
    BatchError,
    InvalidPath,
    IsADirectory,
    NotADirectory,
    PathExists,
    StorageError,
    StorageFull,
)
from polystore_core.files import AtomicBatch, Durability, atomic_writer, is_temporary_name

LEVELS: tuple[Durability, ...] = ("atomic", "durable")


def write(path: Path | str, content: bytes = b"new", **options: object) -> None:
    with atomic_writer(path, **options) as file:  # type: ignore[arg-type]
        file.write(content)


def write_half(path: Path) -> None:
    with atomic_writer(path) as file:
        file.write(b"half")
        _ = 1 / 0


def write_chunks(path: Path, size: int, chunk: int) -> None:
    with atomic_writer(path) as file:
        for _ in range(size // chunk):
            file.write(bytes(chunk))


def write_batch(paths: list[Path], content: bytes) -> None:
    with AtomicBatch() as batch:
        for path in paths:
            with batch.writer(path) as file:
                file.write(content)


def litter(directory: Path) -> list[str]:
    return [name for name in os.listdir(directory) if is_temporary_name(name)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run(
        [*as_root, "mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "none", str(disk)], check=True
    )
    yield disk
    subprocess.run([*as_root, "umount", str(disk)], check=True)


def remount_read_only(disk: Path) -> None:
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*as_root, "mount", "-o", "remount,ro", str(disk)], check=True)


@pytest.mark.parametrize("durability", LEVELS)
def test_the_file_appears_when_the_block_ends(tmp_path: Path, durability: Durability) -> None:
    path = tmp_path / "a.bin"
    with atomic_writer(path, durability=durability) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("durability", LEVELS)
def test_a_whole_content_is_written_in_one_call(tmp_path: Path, durability: Durability) -> None:
    target = tmp_path / "plate" / "a.bin"
    assert atomic_writer(target, durability=durability).write(b"first") == 5
    assert atomic_writer(target, durability=durability).write(memoryview(b"second")) == 6
    with pytest.raises(PathExists):
        atomic_writer(target, overwrite=False, durability=durability).write(b"third")
    assert target.read_bytes() == b"second"
    assert os.listdir(target.parent) == ["a.bin"]


@pytest.mark.parametrize("durability", LEVELS)
def test_missing_parents_are_created(tmp_path: Path, durability: Durability) -> None:
    write(tmp_path / "plate" / "well" / "a.bin", durability=durability)
    assert (tmp_path / "plate" / "well" / "a.bin").read_bytes() == b"new"


def test_an_error_in_the_block_keeps_the_old_file_and_leaves_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write(path, b"old")
    with pytest.raises(ZeroDivisionError):
        write_half(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_the_file_can_be_read_sought_and_closed_in_the_block(tmp_path: Path) -> None:
    with atomic_writer(tmp_path / "a.bin", durability="durable") as file:
        file.write(b"new!")
        file.seek(0)
        assert file.read() == b"new!"
        assert os.fstat(file.fileno()).st_size == 4
        file.truncate(3)
        file.close()
    assert (tmp_path / "a.bin").read_bytes() == b"new"


def test_an_existing_file_is_kept_without_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write(path, b"old")
    with pytest.raises(PathExists) as caught:
        write(path, overwrite=False)
    assert str(caught.value) == f"{str(path)!r} exists already; pass overwrite=True to replace it"
    assert path.read_bytes() == b"old"


def test_of_two_who_may_not_overwrite_the_first_to_finish_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    slow = atomic_writer(path, overwrite=False)
    slow.__enter__().write(b"second")
    write(path, b"first", overwrite=False)
    with pytest.raises(PathExists):
        slow.__exit__(None, None, None)
    assert path.read_bytes() == b"first"
    assert litter(tmp_path) == []


def test_a_directory_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(IsADirectory, match="it is a directory; name a file in it"):
        write(tmp_path)


def test_a_file_is_no_parent(tmp_path: Path) -> None:
    write(tmp_path / "a.bin")
    with pytest.raises(NotADirectory, match="a directory is needed where there is a file"):
        write(tmp_path / "a.bin" / "b.bin")


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_an_impossible_name_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises((InvalidPath, StorageError)):
        write(f"{tmp_path}/{name}")


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="is a device, pipe or socket and is not replaced"):
        write(tmp_path / "pipe")


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_gets_what_the_umask_allows(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write(tmp_path / "a.bin")
    finally:
        os.umask(before)
    assert (tmp_path / "a.bin").stat().st_mode & 0o7777 == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_an_existing_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.bin"
    write(path, b"old")
    path.chmod(mode)
    write(path)
    assert path.stat().st_mode & 0o7777 == mode


def test_a_linked_target_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    write(tmp_path / "far" / "a.bin", b"old")
    (tmp_path / "link").symlink_to("far/a.bin")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "a.bin").read_bytes() == b"new"


def test_a_dangling_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("far/a.bin")
    write(tmp_path / "link")
    assert (tmp_path / "far" / "a.bin").read_bytes() == b"new"


def write_beyond_the_size_limit(path: Path) -> str:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    with pytest.raises(StorageFull) as caught:
        write(path, bytes(100_000))
    assert caught.value.errno == errno.EFBIG
    return str(caught.value)


def test_the_file_size_limit_is_reported_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write(path, b"old")
    message = in_child(write_beyond_the_size_limit, path)
    assert message == f"no room to write {str(path)!r}: File too large; free some space, inodes or quota"
    assert path.read_bytes() == b"old"
    assert litter(tmp_path) == []


@pytest.mark.parametrize("chunk", [1_000, 4_000_000])
def test_a_full_disk_keeps_the_old_file(small_disk: Path, chunk: int) -> None:
    path = small_disk / "a.bin"
    write(path, b"old")
    with pytest.raises(StorageFull) as caught:
        write_chunks(path, 4_000_000, chunk)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert litter(small_disk) == []


def test_a_whole_content_too_large_for_the_disk_keeps_the_old_file(small_disk: Path) -> None:
    target = small_disk / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(StorageFull):
        atomic_writer(target).write(bytes(1 << 24))
    assert target.read_bytes() == b"old"
    assert os.listdir(small_disk) == ["a.bin"]


def test_an_error_without_number_on_a_full_disk_means_full(small_disk: Path) -> None:
    import numpy as np

    with pytest.raises(StorageFull), atomic_writer(small_disk / "a.bin") as file:
        np.zeros(4_000_000, np.uint8).tofile(file)
    assert litter(small_disk) == []


def test_a_read_only_disk_denies_access(small_disk: Path) -> None:
    remount_read_only(small_disk)
    with pytest.raises(AccessDenied) as caught:
        write(small_disk / "a.bin")
    assert caught.value.errno == errno.EROFS


def test_the_error_of_another_file_is_not_ours(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, atomic_writer(tmp_path / "a.bin"):
        (tmp_path / "missing").read_bytes()
    assert type(caught.value) is FileNotFoundError


@settings(max_examples=50)
@given(contents=st.lists(st.binary(max_size=200_000), min_size=1, max_size=3))
def test_what_was_written_last_is_there(
    contents: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("last") / "a.bin"
    for content in contents:
        write(path, content)
    assert path.read_bytes() == contents[-1]


def test_a_batch_appears_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / f"field {index // 50}" / f"{index}.bin" for index in range(200)]
    with AtomicBatch() as batch:
        for path in paths:
            with batch.writer(path) as file:
                file.write(path.name.encode())
        assert not any(path.exists() for path in paths)
    assert all(path.read_bytes() == path.name.encode() for path in paths)
    assert not any(litter(directory) for directory in tmp_path.iterdir())


def test_an_error_in_the_block_of_a_batch_keeps_all_files(tmp_path: Path) -> None:
    write(tmp_path / "a.bin", b"old")
    with pytest.raises(IsADirectory):
        write_batch([tmp_path / "a.bin", tmp_path], b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_batch_says_which_paths_failed(tmp_path: Path) -> None:
    good, taken = tmp_path / "good.bin", tmp_path / "taken.bin"
    batch = AtomicBatch().__enter__()
    for path in (good, taken):
        with batch.writer(path, overwrite=False) as file:
            file.write(b"new")
    write(taken, b"first")
    with pytest.raises(BatchError) as caught:
        batch.__exit__(None, None, None)
    assert caught.value.done == (str(good),)
    assert isinstance(caught.value.failed[str(taken)], PathExists)
    assert taken.read_bytes() == b"first"
    assert litter(tmp_path) == []


def test_a_batch_on_a_full_disk_keeps_what_was_there(small_disk: Path) -> None:
    write(small_disk / "a.bin", b"old")
    with pytest.raises(StorageFull):
        write_batch([small_disk / f"{name}.bin" for name in "abc"], bytes(500_000))
    assert os.listdir(small_disk) == ["a.bin"]
    assert (small_disk / "a.bin").read_bytes() == b"old"


def test_a_batch_closes_what_it_opened(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with AtomicBatch(root=tmp_path) as batch:
        for index in range(100):
            with batch.writer(f"{index}.bin") as file:
                file.write(b"new")
    assert len(os.listdir("/proc/self/fd")) == before
