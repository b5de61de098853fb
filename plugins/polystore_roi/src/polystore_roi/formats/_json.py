"""Reading and writing JSON that may come from anywhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from polystore_core.errors import CorruptData, InvalidOption, UnsupportedData
from polystore_core.formats import read_all, require_room, write_all

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["damage_is_corrupt", "dump", "load"]

_PER_VALUE = 200
"""Memory that a value takes until it is part of a region, generously."""


def dump(value: Any, file: BinaryIO, *, indent: int | None) -> None:
    """Write a JSON value as UTF-8."""
    if indent is not None and indent < 0:
        raise InvalidOption(f"indent is a number of spaces or None; got {indent}")
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    except (ValueError, RecursionError) as error:
        raise UnsupportedData(f"JSON cannot hold these regions: {error}") from error
    write_all(file, written.encode())


def load(file: BinaryIO, max_bytes: int) -> Any:
    """Read a JSON value.

    Raises
    ------
    CorruptData
        If the file is no JSON in UTF-8, repeats a key, or may need more than ``max_bytes``.
    """
    content = read_all(file, max_bytes, expansion=4)
    values = 1 + sum(map(content.count, (b",", b":", b"[", b"{")))
    require_room(4 * len(content) + _PER_VALUE * values, max_bytes)
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except CorruptData:
        raise
    except (ValueError, RecursionError) as error:
        raise CorruptData(f"not JSON that can be read: {error}") from error


def damage_is_corrupt(read: Callable[[], list[Any]]) -> list[Any]:
    """Call a reader; what it raises about values from a file is that the file is damaged."""
    try:
        return read()
    except UnsupportedData as error:
        raise CorruptData(str(error)) from error


def _refuse(constant: str) -> NoReturn:
    raise CorruptData(f"not JSON: {constant} is no JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise CorruptData("not JSON with one meaning: an object repeats a key")
    return found
