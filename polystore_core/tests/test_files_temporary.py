"""Temporaries: recognised by name, swept when their owner is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from files_children import Child
from hypothesis import given
from hypothesis import strategies as st

from polystore_core import NotADirectory, PathNotFound
from polystore_core.files import atomic_writer, is_temporary_name, sweep_temporaries


def start_writing(connection: object, path: Path) -> None:
    with atomic_writer(path) as file:
        file.write(b"half")
        connection.send("writing")  # type: ignore[attr-defined]
        connection.recv()  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_temporary_of_a_killed_process_is_swept(tmp_path: Path, method: str) -> None:
    child = Child(start_writing, tmp_path / "a.bin", method=method, talks=True)
    child.receive()
    child.kill()
    child.close()
    assert [is_temporary_name(name) for name in os.listdir(tmp_path)] == [True]
    assert sweep_temporaries(tmp_path) == 1
    assert os.listdir(tmp_path) == []


def test_the_temporary_of_a_living_process_stays(tmp_path: Path) -> None:
    with atomic_writer(tmp_path / "a.bin") as file:
        file.write(b"new")
        assert sweep_temporaries(tmp_path) == 0
    assert (tmp_path / "a.bin").read_bytes() == b"new"


def test_a_number_given_to_a_later_process_does_not_protect(tmp_path: Path) -> None:
    with atomic_writer(tmp_path / "a.bin"):
        (name,) = os.listdir(tmp_path)
    host, pid, start, rest = name.removeprefix(".polystore-").split("-")
    (tmp_path / f".polystore-{host}-{pid}-{int(start) + 1}-{rest}").touch()
    assert sweep_temporaries(tmp_path) == 1
    assert os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize(("age", "swept"), [(3_600, 0), (90_000, 1)])
def test_the_temporary_of_another_host_stays_for_a_day(tmp_path: Path, age: int, swept: int) -> None:
    path = tmp_path / ".polystore-00000000-1-1-0123456789ab.tmp"
    path.touch()
    os.utime(path, (path.stat().st_mtime - age,) * 2)
    assert sweep_temporaries(tmp_path) == swept


@given(name=st.text(max_size=40))
def test_nobody_elses_name_is_a_temporary(name: str) -> None:
    assert not is_temporary_name(name)


def test_only_files_are_swept(tmp_path: Path) -> None:
    (tmp_path / ".polystore-00000000-1-1-0123456789ab.tmp").mkdir()
    (tmp_path / ".hidden.tmp").touch()
    assert sweep_temporaries(tmp_path, older_than=-1) == 0


def test_directories_are_swept_on_request(tmp_path: Path) -> None:
    directory = tmp_path / ".polystore-00000000-1-1-0123456789ab.tmp"
    (directory / "c").mkdir(parents=True)
    (directory / "c/0").touch()
    assert sweep_temporaries(tmp_path, older_than=-1, directories=True) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PathNotFound):
        sweep_temporaries(tmp_path / "missing")
    with pytest.raises(NotADirectory):
        sweep_temporaries(tmp_path / "file")


def test_a_directory_may_be_given_by_descriptor(tmp_path: Path) -> None:
    (tmp_path / ".polystore-00000000-1-1-0123456789ab.tmp").touch()
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        assert sweep_temporaries(fd, older_than=-1) == 1
    finally:
        os.close(fd)
