"""Strict JSON: what goes in comes out, and nothing else gets through."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from polystore_core.errors import UnsupportedData

__all__ = ["JsonObject", "deep_merge", "encode_document", "encode_value", "parse_document", "require_json"]

JsonObject: TypeAlias = dict[str, Any]

_LINE_LEVELS = 2
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def require_json(value: Mapping[str, Any], what: str) -> None:
    """Check that the root is an object and every key at every depth is text."""
    if not isinstance(value, dict):
        raise UnsupportedData(
            f"{what} must be a JSON object, not {type(value).__name__}; wrap it: {{'data': ...}}"
        )
    try:
        _check_keys(value)
    except (TypeError, RecursionError) as error:
        raise UnsupportedData(f"{what} cannot be written as JSON: {error}") from error


def encode_value(value: Mapping[str, Any], what: str) -> str:
    """Encode one object on one line.

    Parameters
    ----------
    value
        A dictionary with text keys of lists, tuples (read back as lists), text, numbers, booleans, None.
    what
        The subject of the error message.

    Raises
    ------
    UnsupportedData
        For NaN, infinities, keys that are not text, and anything JSON cannot express.
    """
    require_json(value, what)
    return _encode(value, what, _encoder.encode).decode()


def encode_document(document: JsonObject, what: str) -> bytes:
    """Encode a whole file: one line for each entry of the outer levels, to be read and compared.

    Raises
    ------
    UnsupportedData
        As :func:`encode_value`.
    """
    return _encode(document, what, lambda value: _lines(value, _LINE_LEVELS, "") + "\n")


def _encode(value: object, what: str, encode: Callable[[object], str]) -> bytes:
    try:
        return encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsupportedData(f"{what} cannot be written as JSON: {error}") from error


def parse_document(content: bytes) -> JsonObject:
    """Read a whole file.

    Raises
    ------
    ValueError
        If it is not UTF-8, not JSON, has NaN, an infinity or a key twice, or is no object at its root.
    """
    try:
        value = _decoder.decode(content.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError(f"an object is needed at its root, not {type(value).__name__}")  # noqa: TRY004
    return value


def deep_merge(target: JsonObject, update: Mapping[str, Any]) -> None:
    """Merge ``update`` into ``target``: objects are merged key by key, everything else is replaced.

    Examples
    --------
    >>> metadata = {"A01": {"channels": {"1": "DAPI"}, "planes": [0]}}
    >>> deep_merge(metadata, {"A01": {"channels": {"2": "GFP"}, "planes": [0, 1]}})
    >>> metadata
    {'A01': {'channels': {'1': 'DAPI', '2': 'GFP'}, 'planes': [0, 1]}}
    """
    for key, value in update.items():
        present = target.get(key)
        if isinstance(present, dict) and isinstance(value, Mapping):
            deep_merge(present, value)
        else:
            target[key] = value


def _check_keys(value: object) -> None:
    if isinstance(value, dict):
        for key, child in value.items():
            if not isinstance(key, str):
                raise TypeError(f"key {key!r} is not text")
            _check_keys(child)
    elif isinstance(value, list | tuple):
        for child in value:
            _check_keys(child)


def _lines(value: object, levels: int, indent: str) -> str:
    if not isinstance(value, dict) or not value or levels == 0:
        return _encoder.encode(value)
    inner = indent + "  "
    entries = (
        f"{inner}{_encoder.encode(key)}: {_lines(child, levels - 1, inner)}" for key, child in value.items()
    )
    return "{\n" + ",\n".join(entries) + f"\n{indent}}}"


def _unique(pairs: list[tuple[str, Any]]) -> JsonObject:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {double!r} is there twice in one object")
    return result


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
