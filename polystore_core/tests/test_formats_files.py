"""What codecs share: writing pieces in one call, whole or not at all."""

from __future__ import annotations

import errno
import gzip
import io
import resource
import signal
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from files_children import in_child

from polystore_core.formats import write_pieces

PIECES: list[bytes | bytearray | memoryview] = [
    b"header",
    memoryview(bytes(range(256)) * 1_000),
    b"",
    bytearray(b"trailer"),
]
JOINED = b"".join(PIECES)


def write_to(file: BinaryIO | gzip.GzipFile) -> None:
    file.write(b"before ")
    write_pieces(cast("BinaryIO", file), PIECES)
    assert file.tell() == len(b"before ") + len(JOINED)
    file.write(b" after")


@pytest.mark.parametrize("buffering", [-1, 0])
def test_pieces_follow_each_other_in_a_file(tmp_path: Path, buffering: int) -> None:
    with (tmp_path / "a.bin").open("w+b", buffering=buffering) as file:
        write_to(file)
    assert (tmp_path / "a.bin").read_bytes() == b"before " + JOINED + b" after"


def test_pieces_follow_each_other_in_memory() -> None:
    file = io.BytesIO()
    write_to(file)
    assert file.getvalue() == b"before " + JOINED + b" after"


def test_pieces_go_through_a_file_that_packs_them(tmp_path: Path) -> None:
    """Although such a file gives away the descriptor of the one below it."""
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        write_to(file)
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == b"before " + JOINED + b" after"


def write_to_a_limited_file(path: Path) -> int:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    with path.open("w+b") as file, pytest.raises(OSError) as caught:
        write_pieces(file, PIECES)
    assert caught.value.errno == errno.EFBIG
    return path.stat().st_size


def test_what_the_system_took_only_in_part_goes_on_until_it_takes_no_more(tmp_path: Path) -> None:
    assert in_child(write_to_a_limited_file, tmp_path / "a.bin") == 100_000


@pytest.mark.stress
def test_pieces_longer_than_one_call_takes_are_written_whole(tmp_path: Path) -> None:
    """Linux writes at most 2 GiB less a page at a time."""
    pieces: list[bytes | memoryview] = [b"header", memoryview(bytes(2**31 + 5)), b"trailer"]
    with (tmp_path / "a.bin").open("w+b") as file:
        write_pieces(file, pieces)
        assert file.tell() == sum(map(len, pieces))
        file.seek(-10, io.SEEK_END)
        assert file.read() == b"\0\0\0trailer"
