"""Writing a name from the texts of its fields."""

from __future__ import annotations

import re
from operator import index as as_integer
from typing import TYPE_CHECKING, SupportsIndex

from polystore_core.errors import InvalidOption
from polystore_core.paths._syntax import FORMS, Field, OptionalPart, Part, flatten

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["sample", "spell", "write_name"]

_GUID = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"


def spell(field: Field, value: object) -> str:
    """Text of a value in the form of its field, or an :class:`InvalidOption`."""
    text: object = value
    if field.is_number:
        text = None
        if isinstance(value, SupportsIndex) and not isinstance(value, bool):
            text = f"{as_integer(value):0{field.width}d}"
    if not isinstance(text, str) or not re.fullmatch(field.expression, text):
        raise InvalidOption(f"field {field.source} takes {FORMS[field.form][1]}, not {value!r}")
    return text


def sample(field: Field) -> str:
    """Some text that fits the field."""
    if field.is_number:
        return f"{1:0{field.width}d}"
    return {"well": "A01", "a": "A", "guid": _GUID}.get(field.form, field.name.strip("_") or "x")


def write_name(parts: tuple[Part, ...], texts: Mapping[str, str]) -> str:
    """Put texts in the places of the fields; an optional part that adds nothing new is left out."""
    return _write(parts, texts, set())


def _write(parts: tuple[Part, ...], texts: Mapping[str, str], written: set[str]) -> str:
    name = ""
    for part in parts:
        if isinstance(part, OptionalPart):
            fields = [inner for inner, _ in flatten(part.parts) if isinstance(inner, Field)]
            given = all(field.name in texts or field.default is not None for field in fields)
            news = not fields or any(field.name not in written for field in fields)
            if given and news:
                name += _write(part.parts, texts, written)
        elif isinstance(part, Field):
            written.add(part.name)
            name += texts[part.name] if part.name in texts else _default(part)
        else:
            name += part.text
    return name


def _default(field: Field) -> str:
    default = field.default or ""
    return default.zfill(field.width) if field.is_number else default
