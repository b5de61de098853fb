"""What a disk may hold after the power was cut, worked out from the system calls made until then.

The model promises no more than POSIX does: the content of a file is safe once the file was synced, a name once
its directory was. Of names that are not yet safe the first few of each directory may have reached the disk, in
their order; of content that is not yet safe all, nothing, the beginning, or zeros instead.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Disk", "Event", "read_record"]


class Event(NamedTuple):
    """One recorded call."""

    kind: str
    number: int
    position: int
    path: str
    other: str
    content: bytes


def read_record(path: Path) -> Iterator[Event]:
    """Parse what the preloaded object has written."""
    with open(path, "rb") as file:
        while line := file.readline():
            kind, length, number, position, one, other = line.decode().rstrip("\n").split("\t")
            yield Event(kind, int(number), int(position), one, other, file.read(int(length)))


class _File:
    def __init__(self) -> None:
        self.content = bytearray()
        self.safe = b""

    def left(self, chance: random.Random) -> bytes:
        """What may be left of it."""
        content = bytes(self.content)
        if content == self.safe:
            return content
        return chance.choice(
            [content, self.safe, content[: chance.randrange(len(content) + 1)], bytes(len(content))]
        )


class _Change(NamedTuple):
    """One change of a directory: a name now stands for a file, a directory (``"directory"``) or nothing."""

    name: str
    meaning: _File | str | None


class Disk:
    """A folder as the process sees it, and as much of it as is safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._files: dict[int, _File] = {}
        self._names: dict[str, _File | str] = {}
        self._safe: dict[str, _File | str] = {}
        self._pending: dict[str, list[_Change]] = {}

    def apply(self, event: Event) -> None:
        """Take one more call into account."""
        match event.kind:
            case "create" if self._is_ours(event.path) and event.path not in self._names:
                self._files[event.number] = _File()
                self._change(event.path, self._files[event.number])
            case "write" if event.number in self._files:
                content = self._files[event.number].content
                content.extend(bytes(max(0, event.position - len(content))))
                content[event.position : event.position + len(event.content)] = event.content
            case "truncate" if event.number in self._files:
                content = self._files[event.number].content
                del content[event.position :]
                content.extend(bytes(event.position - len(content)))
            case "sync" if isinstance(file := self._names.get(event.path), _File):
                file.content = bytearray(event.content)
                file.safe = event.content
            case "sync":
                for change in self._pending.pop(event.path, []):
                    _make(self._safe, change)
            case "mkdir" if self._is_ours(event.path):
                self._change(event.path, "directory")
            case "unlink" if event.path in self._names:
                self._change(event.path, None)
            case "link" if event.path in self._names:
                self._change(event.other, self._names[event.path])
            case "rename" if event.path in self._names:
                self._change(event.other, self._names[event.path])
                self._change(event.path, None)

    def _is_ours(self, path: str) -> bool:
        return path.startswith(self._folder + "/")

    def _change(self, name: str, meaning: _File | str | None) -> None:
        change = _Change(name, meaning)
        _make(self._names, change)
        self._pending.setdefault(os.path.dirname(name), []).append(change)

    def leave(self, target: Path, chance: random.Random) -> None:
        """Write one of the possible states into an empty folder."""
        names = dict(self._safe)
        for changes in self._pending.values():
            for change in changes[: chance.randrange(len(changes) + 1)]:
                _make(names, change)
        for name, meaning in sorted(names.items(), key=lambda item: item[0]):
            path = target / os.path.relpath(name, self._folder)
            if not path.parent.is_dir():
                continue
            if isinstance(meaning, _File):
                path.write_bytes(meaning.left(chance))
            else:
                path.mkdir()


def _make(names: dict[str, _File | str], change: _Change) -> None:
    if change.meaning is None:
        names.pop(change.name, None)
    else:
        names[change.name] = change.meaning
