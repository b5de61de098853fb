"""Checking that a value is one that JSON holds exactly."""

from __future__ import annotations

from typing import Any

from polystore_core.data._names import type_name
from polystore_core.errors import UnsupportedData

__all__ = ["check_json"]

_EXACT = frozenset({str, int, bool, type(None)})
_INFINITY = float("inf")
_DEEPEST = 200
"""Levels of nesting; the decoder of the standard library gives up at about a thousand."""

_WHAT_TO_TYPE = {
    "tuple": "list(value)",
    "set": "sorted(value)",
    "frozenset": "sorted(value)",
    "range": "list(value)",
    "bytes": "value.decode() or value.hex()",
    "bytearray": "value.decode() or value.hex()",
    "complex": "[value.real, value.imag]",
    "Decimal": "str(value)",
    "datetime": "value.isoformat()",
    "date": "value.isoformat()",
    "UUID": "str(value)",
}


def check_json(value: Any) -> None:
    """Refuse what JSON cannot hold exactly; the value itself is not changed.

    Raises
    ------
    UnsupportedData
        Naming the place as a path (``$.wells[3].name``) and what to type.
    """
    _check(value, [], [])


def _check(value: Any, trail: list[str | int], around: list[Any]) -> None:
    """Check one value; ``trail`` leads to it, ``around`` are the containers it lies in."""
    cls = type(value)
    if cls in _EXACT:
        return
    if cls is float:
        if value != value or value in {_INFINITY, -_INFINITY}:  # noqa: PLR0124 - true of NaN alone
            raise _flaw(trail, f"is {value}, which JSON has no number for; type None or a string")
        return
    if cls is not dict and cls is not list:
        raise _flaw(trail, _about_type(value))
    if any(outer is value for outer in around):
        raise _flaw(trail, "contains itself; JSON holds trees only")
    if len(around) == _DEEPEST:
        raise _flaw(trail, f"lies deeper than {_DEEPEST} levels; flatten the value")
    around.append(value)
    for key, item in value.items() if cls is dict else enumerate(value):
        if cls is dict and type(key) is not str:
            raise _flaw(
                trail, f"has the key {key!r}, and JSON keys are str; type {{str(k): v for k, v in ...}}"
            )
        if type(item) not in _EXACT:
            trail.append(key)
            _check(item, trail, around)
            trail.pop()
    around.pop()


def _about_type(value: Any) -> str:
    name = type_name(value)
    if hasattr(type(value), "__array__"):
        advice = (
            "value.item()" if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else "value.tolist()"
        )
    elif type(value).__name__ in _WHAT_TO_TYPE:
        advice = _WHAT_TO_TYPE[type(value).__name__]
    else:
        plain = next((base for base in (dict, list, str, bool, int, float) if isinstance(value, base)), None)
        if plain is not None:
            return f"is a {name}, not a plain {plain.__name__}; type {plain.__name__}(value)"
        if hasattr(value, "keys"):
            advice = "dict(value)"
        else:
            return f"is a {name}; JSON holds dict, list, str, int, float, bool and None"
    return f"is a {name}, which JSON cannot hold; type {advice}"


def _flaw(trail: list[str | int], problem: str) -> UnsupportedData:
    return UnsupportedData(f"{_place(trail)} {problem}")


def _place(trail: list[str | int]) -> str:
    place = "$"
    for step in trail:
        if isinstance(step, int):
            place += f"[{step}]"
        elif step.isidentifier():
            place += f".{step}"
        else:
            place += f"[{step!r}]"
    return place
