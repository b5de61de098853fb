"""The viewers that run: what each says about itself, believed only while its process lives."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from polystore_core.files import atomic_writer
from polystore_streaming.processes._alive import is_running
from polystore_streaming.processes._runtime import RuntimeFiles, runtime_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ViewerRecord", "read_record", "running_viewers", "write_record"]


class ViewerRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a viewer process says about itself.

    Attributes
    ----------
    name
        Name of the viewer, as senders give it.
    backend
        The backend that shows there.
    pid
        Its process.
    endpoint
        Where its ZeroMQ socket listens.
    token
        What a sender has to say in its hello.
    started
        Seconds since the epoch.
    """

    name: str
    backend: str
    pid: int
    endpoint: str
    token: str
    started: float


def write_record(files: RuntimeFiles, record: ViewerRecord) -> None:
    """Tell others about a viewer; the file is readable by this user alone, as its directory is."""
    with atomic_writer(files.record) as file:
        file.write(msgspec.json.encode(record))


def read_record(files: RuntimeFiles) -> ViewerRecord | None:
    """Return what a viewer said about itself; ``None`` if it has not said anything that can be read."""
    try:
        return msgspec.json.decode(files.record.read_bytes(), type=ViewerRecord)
    except (OSError, ValueError):
        return None


def running_viewers() -> Iterator[ViewerRecord]:
    """Yield the records of the viewers that run; what dead ones left behind is removed."""
    for path in sorted(runtime_directory().glob("*.json")):
        files = RuntimeFiles.of(path.name.removesuffix(".json"))
        if is_running(files):
            record = read_record(files)
            if record is not None:
                yield record
        else:
            for left in (files.record, files.socket, files.lease):
                with contextlib.suppress(OSError):
                    left.unlink()
