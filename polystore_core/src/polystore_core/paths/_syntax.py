"""Reading the text of a path pattern into its parts; :class:`PathPattern` describes the syntax."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple, NoReturn, TypeAlias

from polystore_core.errors import InvalidOption
from polystore_core.paths._axes import standard_axis

__all__ = ["FORMS", "Field", "Literal", "OptionalPart", "Part", "flatten", "parse_parts"]

FORMS = {
    "text": ("[^/]+?", "text without '/'"),
    "well": (
        "[A-Z]{1,2}(?!0+(?![0-9]))[0-9]{1,3}",
        "one or two capital letters and up to three digits, such as 'A01'",
    ),
    "a": ("[A-Za-z]+", "letters"),
    "an": ("[A-Za-z0-9]+", "letters and digits"),
    "guid": ("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "a GUID"),
    "number": ("[0-9]{%d,18}", "a number from 0, of up to 18 digits"),
}
"""Regular expression and description of each form that a field can have."""

_number = re.compile("(?:0([1-9][0-9]?))?d").fullmatch
_VALID_FORMS = "d (a number), 03d (zero-padded), a (letters), an (letters and digits), guid, text"


class Literal(NamedTuple):
    """Text that must be there as it is."""

    text: str


class Field(NamedTuple):
    """A value of one form; names that begin with ``_`` are matched but are no coordinate."""

    name: str
    form: str
    width: int
    default: str | None
    source: str

    @property
    def ignored(self) -> bool:
        return self.name.startswith("_")

    @property
    def is_number(self) -> bool:
        return self.form == "number"

    @property
    def expression(self) -> str:
        expression = FORMS[self.form][0]
        return expression % (self.width or 1) if self.is_number else expression


class OptionalPart(NamedTuple):
    """Parts that are there together or not at all."""

    parts: tuple[Part, ...]
    source: str


Part: TypeAlias = Literal | Field | OptionalPart


def flatten(parts: tuple[Part, ...], *, optional: bool = False) -> list[tuple[Literal | Field, bool]]:
    """Literals and fields in their order, each with whether it stands in an optional part."""
    flat: list[tuple[Literal | Field, bool]] = []
    for part in parts:
        if isinstance(part, OptionalPart):
            flat += flatten(part.parts, optional=True)
        else:
            flat.append((part, optional))
    return flat


def parse_parts(text: str) -> tuple[Part, ...]:
    """Read the text of a pattern, or raise an :class:`InvalidOption` that points at the mistake."""
    if not isinstance(text, str):
        raise InvalidOption(
            f"a pattern is text such as '{{well}}_s{{site:d}}.tif', not {type(text).__name__}"
        )
    if text.startswith("/"):
        _fail(text, 0, "begins with '/'", "a pattern describes the end of a path: drop the '/'")
    parts, end = _parse_until(text, 0, closing="")
    assert end == len(text)
    _check_fields(text, flatten(parts))
    _check_neighbours(text, parts)
    return parts


def _parse_until(text: str, start: int, closing: str) -> tuple[tuple[Part, ...], int]:
    """Read parts up to the closing bracket, or to the end of the text; return them and where they end."""
    parts: list[Part] = []
    literal = ""
    index = start
    while index < len(text):
        character = text[index]
        if text[index : index + 2] in ("{{", "}}", "[[", "]]"):
            literal += character
            index += 2
            continue
        if character == closing:
            break
        if character == "}":
            _fail(text, index, "has a '}' without '{'", "write '}}' for a literal brace")
        if character == "]":
            _fail(text, index, "has a ']' without '['", "write ']]' for a literal bracket")
        if character not in "{[":
            literal += character
            index += 1
            continue
        if literal:
            parts.append(Literal(literal))
            literal = ""
        if character == "{":
            end = text.find("}", index)
            if end < 0:
                _fail(text, index, "has a '{' that is never closed", "close it with '}', or write '{{'")
            parts.append(_parse_field(text, index, end))
        else:
            inner, end = _parse_until(text, index + 1, closing="]")
            if end == len(text):
                _fail(text, index, "has a '[' that is never closed", "close it with ']', or write '[['")
            parts.append(OptionalPart(inner, text[index : end + 1]))
        index = end + 1
    if literal:
        parts.append(Literal(literal))
    return tuple(parts), index


def _parse_field(text: str, start: int, end: int) -> Field:
    content = text[start + 1 : end]
    declaration, has_default, default = content.partition("=")
    name, has_form, form = declaration.partition(":")
    if not (name.isidentifier() and name.isascii()):
        _fail(
            text,
            start + 1,
            f"has a field named {name!r}",
            "a name has letters, digits and '_', such as {z:d}",
        )
    if has_default and not name.startswith("_"):
        _fail(text, start + 1, f"gives {name!r} a default", "only names that begin with '_' can have one")
    number = _number(form)
    if number is not None:
        width = int(number[1] or 0)
        if width > 18:
            _fail(text, start + len(name) + 2, f"asks for {width} digits", "at most {z:018d}")
        form = "number"
    elif has_form and form in FORMS and form not in ("number", "well"):
        width = 0
    elif not has_form:
        form, width = ("well" if name == "well" else "text"), 0
    else:
        _fail(text, start + len(name) + 2, f"has the unknown form {form!r}", f"forms: {_VALID_FORMS}")
    return Field(name, form, width, default if has_default else None, text[start : end + 1])


def _check_fields(text: str, flat: list[tuple[Literal | Field, bool]]) -> None:
    fields = [part for part, _ in flat if isinstance(part, Field) and not part.ignored]
    if not fields:
        _fail(text, 0, "has no field", "name what varies, such as {well} or {z:d}")
    first: dict[str, Field] = {}
    for field in fields:
        known = first.setdefault(standard_axis(field.name), field)
        if known.name != field.name:
            reason = f"names the same axis {known.name!r} and {field.name!r}"
            _fail(
                text,
                text.rindex(field.source),
                reason,
                f"write {known.source} in both places, or one of them",
            )
        if known.source != field.source:
            reason = f"writes {known.source} and {field.source}"
            _fail(text, text.rindex(field.source), reason, "write the same field in the same form")


def _check_neighbours(text: str, parts: tuple[Part, ...]) -> None:
    """Refuse two fields side by side of which nobody could tell where the first ends."""
    for part in parts:
        if isinstance(part, OptionalPart):
            _check_neighbours(text, part.parts)
    for left, right in pairwise(parts):
        if not (isinstance(left, Field) and isinstance(right, Field)):
            continue
        both_text = left.form == right.form == "text"
        both_numbers = left.is_number and right.is_number and not (left.width and right.width)
        if both_text or both_numbers:
            position = text.index(left.source + right.source) + len(left.source)
            mend = "put a separator between them" + ", or give both a width" * both_numbers
            _fail(text, position, f"does not tell {left.source} from {right.source}", mend)


def _fail(text: str, position: int, reason: str, mend: str) -> NoReturn:
    raise InvalidOption(f"the pattern {reason}: {mend}\n  {text}\n  {' ' * position}^")
