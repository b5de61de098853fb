"""Metadata that is not what it should be: said as such, and left as it is; what can be mended is kept twice."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import socket
import stat
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from polystore_core.errors import AccessDenied, CorruptData, PolyStoreError
from polystore_core.files import (
    AtomicMetadataWriter,
    atomic_update_json,
    atomic_write_json,
    is_companion_name,
    is_temporary_name,
    repair,
)

PRECIOUS = b"nobody is to touch this"
FIRST = {"A01": {"planes": [1, 2.5, None], "name": "µ"}}
SECOND = {"A02": {"planes": []}}

CALLS: dict[str, Callable[[Path], object]] = {
    "read": lambda path: AtomicMetadataWriter().read(path),
    "merge": lambda path: AtomicMetadataWriter(timeout=5).merge_subdirectory_metadata(path, SECOND),
    "replace": lambda path: AtomicMetadataWriter(timeout=5).replace_subdirectory_metadata(path, SECOND),
    "merge many": lambda path: AtomicMetadataWriter(timeout=5).merge_many(path, [SECOND, SECOND]),
    "update": lambda path: atomic_update_json(path, lambda found: found, default={}, timeout=5),
    "write": lambda path: atomic_write_json(path, {"plate": "P1"}, timeout=5),
}


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


NO_FILES: dict[str, Callable[[Path], object]] = {
    "directory": Path.mkdir,
    "full directory": lambda path: (path / "inner").mkdir(parents=True),
    "pipe": os.mkfifo,
    "socket": make_socket,
    "device": lambda path: path.symlink_to("/dev/full"),
    "link to itself": lambda path: path.symlink_to(path),
    "links in a circle": lambda path: (path.symlink_to(f"{path}2"), Path(f"{path}2").symlink_to(path)),
    "link to a directory": lambda path: path.symlink_to(path.parent),
}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "metadata.json"


def companion(path: Path, name: str) -> Path:
    return path.with_name(f".{path.name}.polystore-{name}")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_refused_and_stays(
    path: Path, make: Callable[[Path], object], call: Callable[[Path], object]
) -> None:
    make(path)
    before = os.lstat(path)
    with pytest.raises(PolyStoreError):
        call(path)
    after = os.lstat(path)
    assert (after.st_ino, stat.S_IFMT(after.st_mode)) == (before.st_ino, stat.S_IFMT(before.st_mode))
    assert not any(is_temporary_name(name) for name in os.listdir(path.parent))


def as_nobody(connection: Connection, call: Callable[[Path], object], path: Path) -> None:
    os.setuid(65_534)
    try:
        call(path)
    except AccessDenied as error:
        connection.send(str(error))
    except BaseException as error:
        connection.send(error)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_unreadable_document_is_no_missing_document(
    path: Path, call: Callable[[Path], object]
) -> None:
    atomic_write_json(path, {"subdirectories": FIRST})
    content = path.read_bytes()
    path.chmod(0)
    mine, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=as_nobody, args=(theirs, call, path))
    child.start()
    assert mine.poll(60)
    message = mine.recv()
    child.join()
    assert isinstance(message, str)
    assert "not allowed to" in message
    assert path.read_bytes() == content


DAMAGES: dict[str, Callable[[Path], object]] = {
    **NO_FILES,
    "link to another file": lambda path: path.symlink_to("precious"),
    "hard link to another file": lambda path: path.hardlink_to("precious"),
    "zeros": lambda path: path.write_bytes(bytes(200_000)),
    "noise": lambda path: path.write_bytes(random.Random(0).randbytes(200_000)),
    "text": lambda path: path.write_bytes(b"text"),
    "magic only": lambda path: path.write_bytes(b"\xf7PS\xff" * 1_000),
    "a length of four gigabytes": lambda path: path.write_bytes(b"\xf7PS\xff\xff\xff\xff\xff" + bytes(100)),
}


@pytest.mark.parametrize("which", ["queue", "good", "lock"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_whatever_lies_beside_the_document_a_merge_is_in_it_or_an_error(
    path: Path, which: str, damage: Callable[[Path], object]
) -> None:
    (path.parent / "precious").write_bytes(PRECIOUS)
    writer = AtomicMetadataWriter(timeout=5)
    writer.merge_subdirectory_metadata(path, FIRST)
    companion(path, which).unlink()
    damage(companion(path, which))
    try:
        writer.merge_subdirectory_metadata(path, SECOND)
        expected = FIRST | SECOND
    except PolyStoreError:
        expected = FIRST
    assert writer.read(path) == {"subdirectories": expected}
    if not companion(path, which).samefile("precious") if companion(path, which).exists() else True:
        assert (path.parent / "precious").read_bytes() == PRECIOUS


def test_a_document_cut_at_any_byte_is_kept_and_can_be_restored(path: Path) -> None:
    atomic_write_json(path, {"subdirectories": FIRST}, durability="atomic")
    content = path.read_bytes()
    lengths = range(len(content.rstrip()))
    for length in lengths:
        path.write_bytes(content[:length])
        for name in ("replace", "merge many", "update"):
            with pytest.raises(CorruptData):
                CALLS[name](path)
        assert path.read_bytes() == content[:length]
        report = repair(path, restore=True)
        assert report.kept is not None
        assert Path(report.kept).read_bytes() == content[:length]
        assert path.read_bytes() == content
    assert len([name for name in os.listdir(path.parent) if ".damaged-" in name]) == len(lengths)
    print(f"cut at {len(lengths)} places: all noticed, kept and restored")


def append_frames(path: Path, updates: list[dict[str, Any]]) -> bytes:
    """What a queue holds when its writers were killed before anybody merged for them."""
    from polystore_core.files._queue import open_queue

    with open_queue(str(companion(path, "queue")), path, create=True) as queue:
        assert queue is not None
        for update in updates:
            queue.append(b"A" + json.dumps({"merge": update}).encode())
    return companion(path, "queue").read_bytes()


@pytest.mark.parametrize("flips", [200, pytest.param(2_000, marks=pytest.mark.stress)])
def test_a_flipped_bit_in_the_queue_never_makes_up_an_update(path: Path, flips: int) -> None:
    chance = random.Random(flips)
    updates = [{f"W{index}": {"number": index}} for index in range(4)]
    frames = append_frames(path, updates)
    writer = AtomicMetadataWriter(durability="atomic")
    dropped = 0
    for _ in range(flips):
        damaged = bytearray(frames)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.unlink(missing_ok=True)
        companion(path, "queue").write_bytes(damaged)
        writer.merge_subdirectory_metadata(path, SECOND)
        found = writer.read(path)["subdirectories"]
        assert found.pop("A02") == SECOND["A02"]
        assert all({name: entry} in updates for name, entry in found.items())
        assert len(found) >= len(updates) - 1
        dropped += len(updates) - len(found)
    print(f"{flips} flipped bits: {dropped} updates of the dead dropped, none altered")


@pytest.mark.parametrize("flips", [200, pytest.param(2_000, marks=pytest.mark.stress)])
def test_a_flipped_bit_in_the_spare_copy_is_not_restored_as_good(path: Path, flips: int) -> None:
    chance = random.Random(flips)
    atomic_write_json(path, {"subdirectories": FIRST}, durability="atomic")
    good = companion(path, "good").read_bytes()
    refused = 0
    for _ in range(flips):
        damaged = bytearray(good)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        companion(path, "good").write_bytes(damaged)
        path.write_bytes(b"{")
        report = repair(path, restore=False)
        assert report.state == "damaged"
        refused += report.good is None
        assert path.read_bytes() == b"{"
    print(f"{flips} flipped bits in the spare copy: {refused} made it unreadable and it was not offered")
    assert refused > 0


def test_nothing_but_the_document_and_its_companions_is_left(path: Path) -> None:
    for name in ("merge", "update", "replace", "write"):
        CALLS[name](path)
    assert all(name == path.name or is_companion_name(name) for name in os.listdir(path.parent))
