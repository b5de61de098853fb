"""The tables of the document, said by the message classes themselves."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

from polystore_streaming import wire

MESSAGES = {
    "hello": wire.Hello,
    "share": wire.Share,
    "frame": wire.Frame,
    "piece": wire.Piece,
    "request": wire.Request,
    "counts": wire.Counts,
    "ping": wire.Ping,
    "bye": wire.Bye,
    "welcome": wire.Welcome,
    "refused": wire.Refused,
    "shared": wire.Shared,
    "acks": wire.Acks,
    "reply": wire.Reply,
    "pong": wire.Pong,
    "who": wire.Who,
    "closing": wire.Closing,
}
PARTS = {"array": wire.ArraySpec, "ack": wire.Ack}

POWERS = {
    2**power - less: f"2^{power}" + (f" - {less}" if less else "")
    for power in range(9, 65)
    for less in (0, 1)
}


def rows(kind: type) -> list[tuple[str, str, str]]:
    """Key, type and default of each field of a message, as the document's tables have them."""
    found: Any = inspect.type_info(kind)
    return [(field.encode_name, described(field.type), default(field)) for field in found.fields]


def default(field: Any) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if isinstance(value, msgspec.Raw):
        value = msgspec.msgpack.decode(value)
    if value is None:
        return "nil"
    return str(value).lower() if isinstance(value, (bool, int, float)) else "empty"


def described(kind: Any) -> str:
    match kind:
        case inspect.IntType():
            several = f", a multiple of {kind.multiple_of}" if kind.multiple_of else ""
            return f"integer {number(kind.ge)} to {number(kind.le)}{several}"
        case inspect.StrType():
            return f"text of at most {kind.max_length}"
        case inspect.BytesType():
            return f"{kind.max_length} bytes" if kind.min_length else f"at most {kind.max_length} bytes"
        case inspect.FloatType():
            return "float"
        case inspect.BoolType():
            return "boolean"
        case inspect.NoneType():
            return "nil"
        case inspect.RawType():
            return "anything"
        case inspect.LiteralType():
            return (
                "a data type"
                if set(kind.values) == set(wire.DTYPES)
                else ", ".join(f"`{v}`" for v in kind.values)
            )
        case inspect.StructType():
            return next(f"`{name}`" for name, part in PARTS.items() if part is kind.cls)
        case inspect.TupleType():
            return f"{len(kind.item_types)} of: {described(kind.item_types[0])}"
        case inspect.VarTupleType():
            least = f"{kind.min_length} to " if kind.min_length else "at most "
            count = f"{least}{kind.max_length}" if kind.max_length else "any number"
            return f"{count} of: {described(kind.item_type)}"
        case inspect.DictType():
            return f"at most {kind.max_length} of: {described(kind.key_type)} -> {described(kind.value_type)}"
        case inspect.UnionType():
            return " or ".join(map(described, kind.types))
    raise TypeError(kind)


def number(value: int | None) -> str:
    assert value is not None
    return POWERS.get(value) or (f"-{POWERS[-value]}" if -value in POWERS else str(value))
