"""Metadata that many processes update, kill and damage."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from files_children import Child
from hypothesis import given
from hypothesis import strategies as st

from polystore_core import CorruptData, LockTimeout, PathNotFound, UnsupportedData
from polystore_core.files import (
    AtomicMetadataWriter,
    Durability,
    atomic_update_json,
    atomic_write_json,
    file_lock,
    is_companion_name,
    is_temporary_name,
    repair,
    sweep_temporaries,
)
from polystore_core.files._frames import encode_frame, parse_frames
from polystore_core.files._queue import open_queue


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metadata.json"


def entries(path: Path) -> Any:
    return AtomicMetadataWriter().read(path)["subdirectories"]


def merge(path: Path, name: str, times: int, durability: Durability = "durable") -> None:
    writer = AtomicMetadataWriter(durability=durability)
    for index in range(times):
        writer.merge_subdirectory_metadata(
            path, {name: {"planes": {str(index): index}}, "all": {name: index}}
        )


def test_objects_are_merged_at_every_depth(path: Path) -> None:
    writer = AtomicMetadataWriter()
    writer.merge_subdirectory_metadata(path, {"A01": {"a": {"b": {"c": 1}}, "list": [1]}})
    writer.merge_subdirectory_metadata(path, {"A01": {"a": {"b": {"d": 2}}, "list": [2]}, "A02": {}})
    assert entries(path) == {"A01": {"a": {"b": {"c": 1, "d": 2}}, "list": [2]}, "A02": {}}


def test_replacing_leaves_the_other_subdirectories(path: Path) -> None:
    writer = AtomicMetadataWriter()
    writer.merge_subdirectory_metadata(path, {"A01": {"a": 1}, "A02": {"a": 1}})
    writer.replace_subdirectory_metadata(path, {"A01": {"b": 2}})
    assert entries(path) == {"A01": {"b": 2}, "A02": {"a": 1}}


def test_many_updates_are_merged_in_their_order(path: Path) -> None:
    AtomicMetadataWriter().merge_many(path, ({"A01": {"n": n, str(n): n}} for n in range(3)))
    assert entries(path) == {"A01": {"n": 2, "0": 0, "1": 1, "2": 2}}


def test_many_updates_are_merged_all_or_none(path: Path) -> None:
    with pytest.raises(UnsupportedData):
        AtomicMetadataWriter().merge_many(path, [{"A01": {"a": 1}}, {"A02": {"a": float("nan")}}])
    assert not path.exists()


def test_other_content_of_the_file_is_kept(path: Path) -> None:
    atomic_write_json(path, {"plate": "P1"})
    AtomicMetadataWriter().merge_subdirectory_metadata(path, {"A01": {}})
    assert AtomicMetadataWriter().read(path) == {"plate": "P1", "subdirectories": {"A01": {}}}


def test_an_entry_must_be_an_object(path: Path) -> None:
    with pytest.raises(UnsupportedData) as caught:
        AtomicMetadataWriter().merge_subdirectory_metadata(path, {"A01": 5})  # type: ignore[dict-item]
    assert str(caught.value) == (
        "the metadata of subdirectory 'A01' must be an object, not int; wrap it: {'A01': {'value': ...}}"
    )


def test_a_missing_file_is_an_error_to_read(path: Path) -> None:
    with pytest.raises(PathNotFound):
        AtomicMetadataWriter().read(path)


def test_everything_beside_the_file_is_recognised(path: Path) -> None:
    merge(path, "A01", 2)
    others = [name for name in os.listdir(path.parent) if name != path.name]
    assert others
    assert all(is_companion_name(name) for name in others)


def test_a_held_lock_is_a_time_out(path: Path) -> None:
    with file_lock(path.parent / ".metadata.json.polystore-lock"):
        errors: list[Exception] = []

        def merge_elsewhere() -> None:
            try:
                AtomicMetadataWriter(timeout=0.05).merge_subdirectory_metadata(path, {"A01": {}})
            except LockTimeout as error:
                errors.append(error)

        thread = threading.Thread(target=merge_elsewhere)
        thread.start()
        thread.join()
    assert len(errors) == 1
    merge(path, "A02", 1)
    assert set(entries(path)) == {"A02", "all"}


def expected(names: list[str], times: int) -> dict[str, Any]:
    planes = {name: {"planes": {str(index): index for index in range(times)}} for name in names}
    return {**planes, "all": dict.fromkeys(names, times - 1)}


@pytest.mark.parametrize("durability", ["atomic", "durable"])
@pytest.mark.parametrize(
    ("processes", "times", "method"),
    [
        (8, 50, "fork"),
        (3, 30, "spawn"),
        pytest.param(8, 200, "fork", marks=pytest.mark.stress),
        pytest.param(16, 200, "spawn", marks=pytest.mark.stress),
        pytest.param(64, 50, "fork", marks=pytest.mark.stress),
    ],
)
def test_no_update_of_any_process_is_lost(
    path: Path, processes: int, times: int, method: str, durability: Durability
) -> None:
    names = [f"W{index}" for index in range(processes)]
    children = [Child(merge, path, name, times, durability, method=method) for name in names]
    for child in children:
        assert child.receive() is None
        child.close()
    print(f"{processes} x {times} merges ({method}, {durability}): 0 lost")
    assert entries(path) == expected(names, times)
    assert (path.parent / ".metadata.json.polystore-queue").read_bytes() == b""


def test_no_update_of_any_thread_is_lost(path: Path) -> None:
    names = [f"W{index}" for index in range(8)]
    threads = [threading.Thread(target=merge, args=(path, name, 25)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert entries(path) == expected(names, 25)


def count(path: Path, times: int) -> None:
    for _ in range(times):
        atomic_update_json(path, lambda found: {**found, "n": found.get("n", 0) + 1}, default={})


def test_updates_by_function_and_merges_do_not_lose_each_other(path: Path) -> None:
    children = [Child(count, path, 50) for _ in range(3)]
    children += [Child(merge, path, f"W{index}", 50) for index in range(3)]
    for child in children:
        assert child.receive() is None
        child.close()
    document = AtomicMetadataWriter().read(path)
    assert document["n"] == 150
    assert document["subdirectories"] == expected(["W0", "W1", "W2"], 50)


def merge_and_tell(connection: Connection, path: Path, name: str, start: int) -> None:
    writer = AtomicMetadataWriter()
    index = start
    while not connection.poll(0):
        writer.merge_subdirectory_metadata(path, {name: {str(index): index}})
        connection.send(index)
        index += 1


@pytest.mark.parametrize("kills", [50, pytest.param(2_000, marks=pytest.mark.stress)])
def test_killed_writers_lose_nothing_that_was_acknowledged(path: Path, kills: int) -> None:
    chance = random.Random(kills)
    acknowledged: dict[str, list[int]] = {f"W{index}": [] for index in range(8)}
    writers = {name: Child(merge_and_tell, path, name, 0, talks=True) for name in acknowledged}
    reads = 0
    try:
        for _ in range(kills):
            name = chance.choice(list(writers))
            victim = writers[name]
            for _ in range(chance.randrange(1, 4)):
                acknowledged[name].append(victim.receive())
            victim.kill()
            acknowledged[name] += [index for index in victim.received() if index is not None]
            victim.close()
            with file_lock(path.parent / ".metadata.json.polystore-lock", timeout=30):
                pass
            found = entries(path)
            reads += 1
            assert all(str(index) in found[name] for index in acknowledged[name])
            writers[name] = Child(merge_and_tell, path, name, acknowledged[name][-1] + 1, talks=True)
    finally:
        for name, writer in writers.items():
            writer.kill()
            acknowledged[name] += [index for index in writer.received() if index is not None]
            writer.close()
    merge(path, "last", 1)
    found = entries(path)
    lost = [
        (name, index)
        for name, sent in acknowledged.items()
        for index in sent
        if str(index) not in found[name]
    ]
    sent = sum(map(len, acknowledged.values()))
    swept = sweep_temporaries(path.parent)
    print(f"{kills} kills: {sent} merges acknowledged, {len(lost)} lost, {reads} reads, {swept} swept")
    assert lost == []
    assert not any(is_temporary_name(name) for name in os.listdir(path.parent))


def test_a_file_cut_at_any_byte_is_noticed(path: Path) -> None:
    atomic_write_json(path, {"plate": "µP1", "subdirectories": {"A01": {"planes": [1, 2.5, None]}}})
    content = path.read_bytes()
    for length in range(len(content.rstrip())):
        path.write_bytes(content[:length])
        with pytest.raises(CorruptData):
            merge(path, "A02", 1)
        assert path.read_bytes() == content[:length]
    report = repair(path, restore=True)
    assert report.restored
    assert path.read_bytes() == content
    print(f"cut at {len(content.rstrip())} places: all noticed")


@pytest.mark.parametrize("flips", [200, pytest.param(2_000, marks=pytest.mark.stress)])
def test_a_flipped_bit_is_an_error_or_a_readable_document(path: Path, flips: int) -> None:
    merge(path, "A01", 5)
    content = path.read_bytes()
    chance = random.Random(0)
    noticed = 0
    for _ in range(flips):
        damaged = bytearray(content)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            AtomicMetadataWriter().read(path)
        except CorruptData:
            noticed += 1
            with pytest.raises(CorruptData):
                merge(path, "A02", 1)
            assert path.read_bytes() == damaged
    print(f"{flips} flipped bits: {noticed} made the file unreadable and were noticed")
    assert noticed > 0


def test_an_update_that_failed_is_not_merged_later(path: Path) -> None:
    path.write_bytes(b"damaged")
    with pytest.raises(CorruptData):
        merge(path, "A01", 1)
    path.unlink()
    merge(path, "A02", 1)
    assert set(entries(path)) == {"A02", "all"}


@pytest.fixture
def queue_path(path: Path) -> Path:
    merge(path, "A00", 1)
    return path.parent / ".metadata.json.polystore-queue"


def test_what_a_killed_process_had_queued_is_merged_by_the_next(path: Path, queue_path: Path) -> None:
    queue_path.write_bytes(encode_frame(b"12345678", b'D{"merge": {"A01": {"a": 1}}}'))
    assert repair(path).waiting == 1
    atomic_update_json(path, lambda found: {**found, "plate": "P1"})
    assert entries(path)["A01"] == {"a": 1}
    assert queue_path.read_bytes() == b""


def test_merging_once_more_after_a_crash_changes_nothing(path: Path, queue_path: Path) -> None:
    frame = encode_frame(b"12345678", b'D{"merge": {"A01": {"a": 1}}}')
    for _ in range(2):
        queue_path.write_bytes(frame)
        merge(path, "A02", 1)
    assert entries(path) == {
        "A00": {"planes": {"0": 0}},
        "A01": {"a": 1},
        "A02": {"planes": {"0": 0}},
        "all": {"A00": 0, "A02": 0},
    }


@pytest.mark.parametrize(
    "tail", [bytes(1), bytes(4096), b"\xf7PS\xff", b"garbage", b"\xf7PS\xff" + bytes(16)]
)
def test_a_torn_or_zeroed_queue_is_skipped(path: Path, queue_path: Path, tail: bytes) -> None:
    queue_path.write_bytes(tail)
    merge(path, "A01", 1)
    assert "A01" in entries(path)
    assert queue_path.read_bytes() == b""


def test_no_part_of_a_frame_is_a_frame() -> None:
    frame = encode_frame(b"12345678", b"payload")
    assert [found.payload for found in parse_frames(frame)] == [b"payload"]
    for length in range(len(frame)):
        assert list(parse_frames(frame[:length])) == []
        assert list(parse_frames(frame[:length] + bytes(len(frame) - length))) == []


@given(payload=st.binary(max_size=50), bit=st.integers(0))
def test_a_frame_with_a_flipped_bit_is_no_frame(payload: bytes, bit: int) -> None:
    frame = bytearray(encode_frame(b"12345678", payload))
    bit %= len(frame) * 8
    frame[bit // 8] ^= 1 << bit % 8
    assert list(parse_frames(bytes(frame))) == []


@given(payloads=st.lists(st.binary(max_size=50), max_size=5), noise=st.binary(max_size=30))
def test_whole_frames_are_found_after_noise(payloads: list[bytes], noise: bytes) -> None:
    content = noise + b"".join(encode_frame(b"12345678", payload) for payload in payloads)
    assert [frame.payload for frame in parse_frames(content)] == payloads


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Any]:
    with open_queue(str(tmp_path / "queue"), "metadata.json", create=True) as queue:
        yield queue


def test_frames_come_out_in_the_order_they_went_in(queue: Any) -> None:
    tickets = [queue.append(bytes([index])) for index in range(5)]
    frames = queue.pending()
    assert [frame.payload for frame in frames] == [bytes([index]) for index in range(5)]
    assert not any(map(queue.is_committed, tickets))
    queue.remove(frames)
    assert all(map(queue.is_committed, tickets))


def test_a_frame_appended_meanwhile_stays(queue: Any) -> None:
    early = queue.append(b"early")
    frames = queue.pending()
    late = queue.append(b"late")
    queue.remove(frames)
    assert queue.is_committed(early)
    assert not queue.is_committed(late)
    assert [frame.payload for frame in queue.pending()] == [b"late"]


def test_a_withdrawn_frame_is_not_pending(queue: Any) -> None:
    queue.append(b"first")
    queue.withdraw(queue.append(b"second"))
    assert [frame.payload for frame in queue.pending()] == [b"first"]


@pytest.mark.parametrize("later", [[b"b"], [b"second"], [b"b" * 100], [b"b", b"b", b"b", b"b"]])
def test_a_later_frame_in_its_place_means_committed(queue: Any, later: list[bytes]) -> None:
    queue.append(b"zero")
    ticket = queue.append(b"first")
    queue.remove(queue.pending())
    for payload in later:
        queue.append(payload)
    assert queue.is_committed(ticket)


def test_a_damaged_frame_is_not_taken_for_committed(tmp_path: Path, queue: Any) -> None:
    ticket = queue.append(b"first")
    (tmp_path / "queue").write_bytes(b"x" * 100)
    assert not queue.is_committed(ticket)


def test_a_long_queue_is_emptied_before_more_is_appended(queue: Any) -> None:
    payload = bytes(range(1, 201)) * 100
    for _ in range(10):
        queue.append(payload)
    frames = queue.pending()
    assert len(frames) == 10
    queue.remove(frames)
    assert queue.pending() == []
    assert queue.append(b"next").start == 0
