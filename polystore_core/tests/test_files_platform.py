"""What differs between platforms, with the calls of the other platform handed in."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from polystore_core import AccessDenied, LockTimeout, PathExists, StorageError
from polystore_core.files import file_lock, is_temporary_name
from polystore_core.files._lock_calls import WINDOWS_LOCKS, polling_locks
from polystore_core.files._platform import POSIX, WINDOWS, Platform, retrying_replace
from polystore_core.files._staged import StagedFile


def sharing_violation(number: int = 32) -> PermissionError:
    error = PermissionError(errno.EACCES, "the file is used by another process")
    error.winerror = number  # type: ignore[attr-defined]
    return error


class BusyDisk:
    """A rename that finds the target in use for the first few times."""

    def __init__(self, busy: int, number: int = 32) -> None:
        self.busy = busy
        self.number = number
        self.waits: list[float] = []

    def replace(self, source: str, target: str) -> None:
        if self.busy > 0:
            self.busy -= 1
            raise sharing_violation(self.number)
        Path(source).replace(target)

    def platform(self) -> Platform:
        return WINDOWS._replace(replace=retrying_replace(self.replace, self.waits.append))


def write(path: Path, platform: Platform, *, overwrite: bool = True) -> None:
    staged = StagedFile(path, platform=platform, overwrite=overwrite)
    try:
        staged.file.write(b"new")
        staged.finish()
        staged.sync()
        staged.publish()
        staged.sync_directory()
    except OSError as error:
        staged.discard()
        translated = staged.translate(error)
        raise translated from error
    finally:
        staged.close()


@pytest.mark.parametrize("number", [5, 32, 33])
def test_a_file_in_use_is_replaced_as_soon_as_it_is_free(tmp_path: Path, number: int) -> None:
    disk = BusyDisk(4, number)
    write(tmp_path / "a.bin", disk.platform())
    assert disk.waits == [0.001, 0.002, 0.004, 0.008]
    assert (tmp_path / "a.bin").read_bytes() == b"new"


def test_a_file_that_stays_in_use_is_an_error_after_two_seconds(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    disk = BusyDisk(1_000)
    with pytest.raises(AccessDenied):
        write(tmp_path / "a.bin", disk.platform())
    assert 1 < sum(disk.waits) <= 2
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_real_lack_of_permission_is_not_retried(tmp_path: Path) -> None:
    disk = BusyDisk(1_000, number=1314)
    with pytest.raises(AccessDenied):
        write(tmp_path / "a.bin", disk.platform())
    assert disk.waits == []


def test_a_failed_sync_is_not_tried_again(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    calls: list[int] = []

    def failing(fd: int) -> None:
        calls.append(fd)
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(StorageError) as caught:
        write(tmp_path / "a.bin", POSIX._replace(sync_file=failing))
    assert caught.value.errno == errno.EIO
    assert len(calls) == 1
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert not any(is_temporary_name(name) for name in os.listdir(tmp_path))


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_without_hard_links_a_new_file_is_still_never_replaced(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", no_links)
    write(tmp_path / "a.bin", POSIX, overwrite=False)
    staged = StagedFile(tmp_path / "b.bin", overwrite=False)
    (tmp_path / "b.bin").write_bytes(b"first")
    with pytest.raises(FileExistsError):
        staged.publish()
    staged.discard()
    assert sorted(os.listdir(tmp_path)) == ["a.bin", "b.bin"]
    assert (tmp_path / "b.bin").read_bytes() == b"first"


def test_the_locks_of_the_other_platform_exclude(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with file_lock(path, calls=WINDOWS_LOCKS):
        fd = os.open(path, os.O_RDWR)
        assert not WINDOWS_LOCKS.attempt(fd, None)
        os.close(fd)
    with file_lock(path, calls=WINDOWS_LOCKS, timeout=0):
        pass


def test_a_lock_that_can_only_try_waits_by_trying(tmp_path: Path) -> None:
    answers = iter([False, False, False, True])
    released: list[int] = []
    with file_lock(tmp_path / "x.lock", calls=polling_locks(lambda fd: next(answers), released.append)):
        assert next(answers, "asked until it was granted") == "asked until it was granted"
    assert len(released) == 1


def test_a_lock_that_can_only_try_keeps_to_the_time_out(tmp_path: Path) -> None:
    calls = polling_locks(lambda fd: False, lambda fd: None)
    with pytest.raises(LockTimeout), file_lock(tmp_path / "x.lock", calls=calls, timeout=0):
        pass


def test_windows_refuses_to_rename_over_a_file(tmp_path: Path) -> None:
    def rename(source: str, target: str) -> None:
        os.link(source, target)
        Path(source).unlink()

    platform = WINDOWS._replace(publish_new=retrying_replace(rename, lambda _: None))
    write(tmp_path / "a.bin", platform, overwrite=False)
    with pytest.raises(PathExists):
        write(tmp_path / "a.bin", platform, overwrite=False)
