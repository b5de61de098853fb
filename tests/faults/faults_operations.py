"""What is done while system calls fail: each operation with what there is before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from faults_values import SUFFIXES, value_number, value_of

from polystore import FileManager
from polystore_core.errors import PathNotFound
from polystore_core.files import (
    AtomicMetadataWriter,
    Durability,
    atomic_update_json,
    atomic_write_json,
    file_lock,
    repair,
)

__all__ = ["DOCUMENT", "GROUPS", "Operation", "State", "read_state", "write_value"]

State = Mapping[str, int | None]
"""Path -> number of the value there; ``None`` where there is nothing."""

DOCUMENT = "metadata.json"
_OLD, _NEW, _OTHER = 1, 2, 3
_DURABILITIES: tuple[Durability, ...] = ("atomic", "durable")

_TRANSFERS = (
    ("a.bin", "b.bin", None),
    ("a.bin", "b.bin", _OTHER),
    ("a.npy", "b.tif", _OTHER),
    ("a.npy", "plate/b.npy", None),
)
"""From where to where a file is copied or moved, and what is there before."""


def _is_old_or_new(found: State, before: State, after: State) -> bool:
    return all(found[path] in (before[path], after[path]) for path in before)


class Operation(NamedTuple):
    """One call, and what it is to do.

    Attributes
    ----------
    name
        For the report.
    before, after
        What there is, and what there is to be once the call has returned.
    call
        Does it, given a file manager.
    prepare
        Done after ``before`` has been written.
    is_sound
        ``is_sound(found, before, after)``: whether nothing is lost when the call has failed.
    is_repeatable
        Whether the call, made again after it failed, is to succeed.
    """

    name: str
    before: State
    after: State
    call: Callable[[FileManager], object]
    prepare: Callable[[], object] = lambda: None
    is_sound: Callable[[State, State, State], bool] = _is_old_or_new
    is_repeatable: bool = False


def write_value(fm: FileManager, path: str, number: int) -> None:
    """Write a numbered value, as whatever the path is."""
    if path == DOCUMENT:
        AtomicMetadataWriter().merge_many(path, [_entry(number), {"B02": {"kept": _OTHER}}])
    else:
        fm.save(value_of(_suffix(path), number), path, backend="disk", **_options(path))


def read_state(fm: FileManager, paths: Mapping[str, Any]) -> dict[str, int | None]:
    """The numbers of what there is now; AssertionError for a value that is neither whole nor missing."""
    return {path: _number(fm, path) for path in paths}


def _number(fm: FileManager, path: str) -> int | None:
    try:
        if path == DOCUMENT:
            entries = AtomicMetadataWriter().read(path)["subdirectories"]
            assert entries.get("B02", {"kept": _OTHER}) == {"kept": _OTHER}
            return int(entries["A01"]["number"])
        return value_number(_suffix(path), fm.load(path, backend="disk"))
    except PathNotFound:
        return None


def _suffix(path: str) -> str:
    return Path(path).suffix


def _options(path: str) -> dict[str, Any]:
    return {"lossy": True} if path.endswith(".jpg") else {}


def _entry(number: int) -> dict[str, dict[str, Any]]:
    return {"A01": {"number": number, "planes": ["0"] * 500}}


def _saves() -> Iterator[Operation]:
    for durability in _DURABILITIES:
        for suffix in SUFFIXES:
            yield _save(f"a{suffix}", _OLD, durability, _options(suffix))
        yield _save("plate/well/a.npy", None, durability, {})
        yield _save("a.tif", None, durability, {"overwrite": False})


def _save(path: str, before: int | None, durability: Durability, options: Mapping[str, Any]) -> Operation:
    value = value_of(_suffix(path), _NEW)
    return Operation(
        f"save {path} {durability}",
        {path: before},
        {path: _NEW},
        lambda fm: fm.save(value, path, backend="disk", durability=durability, **options),
        is_repeatable="overwrite" not in options,
    )


def _batches() -> Iterator[Operation]:
    paths = [f"a{suffix}" for suffix in SUFFIXES if suffix != ".jpg"]
    values = [value_of(_suffix(path), _NEW) for path in paths]
    for durability in _DURABILITIES:
        yield Operation(
            f"save_batch {durability}",
            dict.fromkeys(paths, _OLD),
            dict.fromkeys(paths, _NEW),
            partial(_save_all, values, paths, durability),
            is_repeatable=True,
        )
    wells = [f"{well}/a.bin" for well in ("A01", "A02", "B01")]
    yield Operation(
        "save_batch into new directories",
        dict.fromkeys(wells),
        dict.fromkeys(wells, _NEW),
        partial(_save_all, [value_of(".bin", _NEW)] * len(wells), wells, "durable"),
        is_repeatable=True,
    )


def _loads() -> Iterator[Operation]:
    for suffix in SUFFIXES:
        path = f"a{suffix}"
        for copy in (True, False):
            yield Operation(
                f"load {path} copy={copy}",
                {path: _OLD},
                {path: _OLD},
                partial(_load, path, copy),
                is_repeatable=True,
            )


def _updates() -> Iterator[Operation]:
    def change(document: dict[str, Any]) -> None:
        document["subdirectories"].update(_entry(_NEW))

    for durability in _DURABILITIES:
        writer = AtomicMetadataWriter(durability=durability, timeout=10)
        calls: dict[str, Callable[[], object]] = {
            "merge": partial(writer.merge_subdirectory_metadata, DOCUMENT, _entry(_NEW)),
            "replace": partial(writer.replace_subdirectory_metadata, DOCUMENT, _entry(_NEW)),
            "update": partial(atomic_update_json, DOCUMENT, change, durability=durability, timeout=10),
            "write": partial(
                atomic_write_json,
                DOCUMENT,
                {"subdirectories": _entry(_NEW)},
                durability=durability,
                timeout=10,
            ),
        }
        for name, call in calls.items():
            yield _update(f"{name} {durability}", _OLD, call)
        yield _update(f"first merge {durability}", None, calls["merge"])
    yield Operation(
        "repair",
        {DOCUMENT: _OLD},
        {DOCUMENT: _OLD},
        lambda fm: repair(DOCUMENT, restore=True, timeout=10),
        prepare=lambda: Path(DOCUMENT).write_bytes(b'{"subdirectories": {'),
        is_sound=lambda found, before, after: True,
        is_repeatable=True,
    )


def _update(name: str, before: int | None, call: Callable[[], object]) -> Operation:
    return Operation(name, {DOCUMENT: before}, {DOCUMENT: _NEW}, lambda fm: call(), is_repeatable=True)


def _copies() -> Iterator[Operation]:
    for source, target, there in _TRANSFERS:
        yield Operation(
            f"copy {source} to {target} over {there}",
            {source: _NEW, target: there},
            {source: _NEW, target: _NEW},
            partial(_copy, source, target, there is not None),
            is_repeatable=there is not None,
        )
    yield Operation(
        "copy directory",
        {"plate/A01/a.bin": _NEW, "plate/b.tif": _NEW, "other/A01/a.bin": None, "other/b.tif": None},
        {"plate/A01/a.bin": _NEW, "plate/b.tif": _NEW, "other/A01/a.bin": _NEW, "other/b.tif": _NEW},
        lambda fm: fm.copy("plate", "other", backend="disk"),
    )


def _moves() -> Iterator[Operation]:
    for source, target, there in _TRANSFERS:
        yield Operation(
            f"move {source} to {target} over {there}",
            {source: _NEW, target: there},
            {source: None, target: _NEW},
            partial(_move, source, target, there is not None),
            is_sound=lambda found, before, after: (
                _is_old_or_new(found, before, after) and _NEW in found.values()
            ),
        )
    yield Operation(
        "move directory",
        {"plate/A01/a.bin": _NEW, "other/A01/a.bin": None},
        {"plate/A01/a.bin": None, "other/A01/a.bin": _NEW},
        lambda fm: fm.move("plate", "other", backend="disk"),
        is_sound=lambda found, before, after: _NEW in found.values(),
    )


def _deletions() -> Iterator[Operation]:
    yield Operation("delete", {"a.npy": _OLD}, {"a.npy": None}, lambda fm: fm.delete("a.npy", backend="disk"))
    yield Operation(
        "delete directory",
        {"plate/A01/a.bin": _OLD, "plate/b.tif": _OLD, "other.bin": _OLD},
        {"plate/A01/a.bin": None, "plate/b.tif": None, "other.bin": _OLD},
        lambda fm: fm.delete("plate", backend="disk", recursive=True),
    )


def _locks() -> Iterator[Operation]:
    for timeout in (None, 5.0):
        yield Operation(f"lock {timeout}", {}, {}, partial(_lock, timeout), is_repeatable=True)


def _save_all(values: list[Any], paths: list[str], durability: Durability, fm: FileManager) -> None:
    fm.save_batch(values, paths, backend="disk", durability=durability)


def _load(path: str, copy: bool, fm: FileManager) -> int:
    return value_number(_suffix(path), fm.load(path, backend="disk", copy=copy))


def _copy(source: str, target: str, overwrite: bool, fm: FileManager) -> None:
    fm.copy(source, target, backend="disk", overwrite=overwrite)


def _move(source: str, target: str, overwrite: bool, fm: FileManager) -> None:
    fm.move(source, target, backend="disk", overwrite=overwrite)


def _lock(timeout: float | None, fm: FileManager) -> None:
    with file_lock("a.lock", timeout=timeout):
        pass


GROUPS: dict[str, Callable[[], Iterator[Operation]]] = {
    "save": _saves,
    "save_batch": _batches,
    "load": _loads,
    "metadata": _updates,
    "copy": _copies,
    "move": _moves,
    "delete": _deletions,
    "lock": _locks,
}
