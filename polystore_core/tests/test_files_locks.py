"""Locks between processes and threads."""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from files_children import Child, in_child

from polystore_core import AccessDenied, LockTimeout, StorageError
from polystore_core.files import file_lock


def hold(connection: Connection, path: Path) -> None:
    with file_lock(path):
        connection.send("locked")
        connection.recv()


def is_free(path: Path) -> bool:
    try:
        with file_lock(path, timeout=0):
            return True
    except LockTimeout:
        return False


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "plate.lock"


@pytest.fixture
def holder(lock: Path, request: pytest.FixtureRequest) -> Iterator[Child]:
    child = Child(hold, lock, method=getattr(request, "param", "fork"), talks=True)
    assert child.receive() == "locked"
    yield child
    child.close()


@pytest.mark.parametrize("holder", ["fork", "spawn"], indirect=True)
def test_another_process_is_excluded(lock: Path, holder: Child) -> None:
    assert not is_free(lock)
    holder.send()
    holder.receive()
    assert is_free(lock)


def test_it_is_a_lock_of_the_kernel_that_other_programs_see(lock: Path) -> None:
    with file_lock(lock), lock.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_waiting_ends_with_the_time_out(lock: Path, holder: Child) -> None:
    with pytest.raises(LockTimeout) as caught, file_lock(lock, timeout=0.05):
        pass
    assert str(caught.value) == (
        f"{str(lock)!r} was locked by somebody else for 0.05 seconds; "
        "wait longer with timeout=, or see who holds it: lsof or fuser"
    )


def test_who_gave_up_does_not_keep_the_lock(lock: Path, holder: Child) -> None:
    for _ in range(5):
        with pytest.raises(LockTimeout), file_lock(lock, timeout=0.01):
            pass
    holder.send()
    holder.receive()
    with file_lock(lock, timeout=10):
        pass


def test_who_waits_with_a_time_out_gets_the_lock(lock: Path, holder: Child) -> None:
    def wait() -> None:
        with file_lock(lock, timeout=30):
            got.set()

    got = threading.Event()
    thread = threading.Thread(target=wait)
    thread.start()
    holder.send()
    assert got.wait(30)
    thread.join()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_lock_of_a_killed_process_is_free_at_once(lock: Path, method: str) -> None:
    for _ in range(10):
        child = Child(hold, lock, method=method, talks=True)
        child.receive()
        child.kill()
        assert is_free(lock)
        child.close()


def test_the_same_thread_may_lock_again(lock: Path) -> None:
    again = file_lock(lock)
    with again, again, file_lock(lock.parent / "." / lock.name, timeout=0):
        pass
    with file_lock(lock):
        assert not in_child(is_free, lock)
    assert in_child(is_free, lock)


def test_inner_blocks_do_not_release(lock: Path) -> None:
    with file_lock(lock):
        with file_lock(lock):
            pass
        assert not in_child(is_free, lock)


def test_another_thread_is_excluded(lock: Path) -> None:
    answers: list[bool] = []
    with file_lock(lock):
        thread = threading.Thread(target=lambda: answers.append(is_free(lock)))
        thread.start()
        thread.join()
    assert answers == [False]


def fork_and_be_killed(connection: Connection, path: Path) -> None:
    with file_lock(path):
        grandchild = os.fork()
        if grandchild == 0:
            os.read(os.open("/dev/zero", os.O_RDONLY), 1)
            threading.Event().wait(30)
            os._exit(0)
        connection.send(grandchild)
        connection.recv()


def test_a_forked_child_does_not_keep_the_lock_of_its_killed_parent(lock: Path) -> None:
    child = Child(fork_and_be_killed, lock, talks=True)
    grandchild = child.receive()
    child.kill()
    try:
        with file_lock(lock, timeout=5):
            pass
    finally:
        os.kill(grandchild, 9)
        child.close()


def leave_the_parents_block(path: Path) -> bool:
    return is_free(path)


def test_a_forked_child_does_not_hold_the_lock(lock: Path) -> None:
    with file_lock(lock):
        assert not in_child(leave_the_parents_block, lock, method="fork")
        assert not in_child(is_free, lock)


def test_a_started_program_does_not_inherit_the_descriptor(lock: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with file_lock(lock):
        (fd,) = [int(fd) for fd in os.listdir("/proc/self/fd") if _points_to(fd, lock)]
        assert not os.get_inheritable(fd)
    assert set(os.listdir("/proc/self/fd")) == before


def _points_to(fd: str, path: Path) -> bool:
    try:
        return Path(f"/proc/self/fd/{fd}").readlink() == path
    except OSError:
        return False


def test_a_link_is_not_followed(lock: Path) -> None:
    lock.symlink_to("elsewhere")
    with pytest.raises(AccessDenied, match="is a symbolic link and is not followed; remove the link"):
        is_free(lock)
    assert not (lock.parent / "elsewhere").exists()


def test_the_lock_file_stays_and_stays_empty(lock: Path) -> None:
    with file_lock(lock):
        pass
    assert lock.read_bytes() == b""


def test_parents_are_created(tmp_path: Path) -> None:
    assert is_free(tmp_path / "plate" / "x.lock")


def test_a_directory_or_pipe_is_no_lock_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="it is not a regular file; name another lock file"):
        is_free(tmp_path / "pipe")
    with pytest.raises(IsADirectoryError):
        is_free(tmp_path)


def denied(path: str) -> float:
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    begin = time.monotonic()
    with pytest.raises(AccessDenied), file_lock(path, timeout=60):
        pass
    return time.monotonic() - begin


def test_a_lack_of_permission_is_reported_at_once() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o555)
        assert in_child(denied, f"{directory}/x.lock") < 30


def test_who_waited_for_a_removed_lock_file_waits_for_the_new_one(lock: Path, holder: Child) -> None:
    def wait() -> None:
        with file_lock(lock):
            got.set()

    got = threading.Event()
    thread = threading.Thread(target=wait)
    thread.start()
    while not any(_points_to(fd, lock) for fd in os.listdir("/proc/self/fd")):
        pass
    lock.unlink()
    second = Child(hold, lock, talks=True)
    second.receive()
    holder.send()
    holder.receive()
    assert not got.wait(0.1)
    second.send()
    assert got.wait(30)
    thread.join()
    second.close()


def count_up(path: Path, times: int) -> list[float]:
    counter = path.parent / "counter"
    waits = []
    for _ in range(times):
        begin = time.monotonic()
        with file_lock(path):
            waits.append(time.monotonic() - begin)
            counter.write_text(str(int(counter.read_text() or "0") + 1))
    return waits


@pytest.mark.parametrize(
    ("processes", "times"), [(4, 200), pytest.param(16, 2_000, marks=pytest.mark.stress)]
)
def test_no_two_are_ever_inside(lock: Path, processes: int, times: int) -> None:
    (lock.parent / "counter").write_text("0")
    children = [Child(count_up, lock, times) for _ in range(processes)]
    waits = sorted(wait for child in children for wait in child.receive())
    for child in children:
        child.join()
        child.close()
    print(f"{processes} x {times} locks: longest wait {waits[-1] * 1e3:.1f} ms")
    assert (lock.parent / "counter").read_text() == str(processes * times)


def lock_until_told(connection: Connection, path: Path) -> int:
    connection.recv()
    times = 0
    while not connection.poll(0):
        with file_lock(path):
            times += 1
            sum(range(5_000))
    return times


def test_all_who_want_the_lock_get_it_equally_often(lock: Path) -> None:
    children = [Child(lock_until_told, lock, talks=True) for _ in range(4)]
    for child in children:
        child.send("begin")
    count_up_to = threading.Event()
    count_up_to.wait(0.5)
    for child in children:
        child.send("end")
    times = sorted(child.receive() for child in children)
    for child in children:
        child.close()
    print(f"locks taken in half a second: {times}")
    assert times[0] * 2 >= times[-1]
