"""Turning the parts of a pattern into a regular expression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from polystore_core.paths._syntax import Field, Literal, OptionalPart, Part, flatten

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["captured_fields", "expression_of"]


def captured_fields(parts: tuple[Part, ...]) -> list[Field]:
    """Fields that have a group of their own in the expression, in the order of the groups."""
    captured: list[Field] = []
    settled: set[str] = set()
    for part, optional in flatten(parts):
        if isinstance(part, Field) and not part.ignored and part.name not in settled:
            captured.append(part)
            if not optional:
                settled.add(part.name)
    return captured


def expression_of(parts: tuple[Part, ...], *, greedy: bool = False) -> str:
    """Regular expression of the parts.

    A field that was certainly matched before must repeat the same text. Optional parts are tried without
    them first, unless ``greedy``. Letter case does not matter in the literal extension of the file name.
    """
    return _Writer(extension_start(parts), greedy).write(parts)


class _Writer:
    """Carries what the expression of a part depends on: the groups and literals before it."""

    def __init__(self, extension: tuple[int, int], greedy: bool) -> None:
        self.maybe = "?" if greedy else "??"
        self.extension = extension
        self.literals = 0
        self.groups = 0
        self.settled: dict[str, int] = {}

    def write(self, parts: Sequence[Part], *, optional: bool = False) -> str:
        expression = ""
        for part in parts:
            if isinstance(part, Literal):
                expression += self.write_literal(part.text)
            elif isinstance(part, OptionalPart):
                expression += f"(?:{self.write(part.parts, optional=True)}){self.maybe}"
            else:
                expression += self.write_field(part, optional=optional)
        return expression

    def write_literal(self, text: str) -> str:
        literal, position = self.extension
        self.literals += 1
        kept = len(text) if self.literals - 1 < literal else position if self.literals - 1 == literal else 0
        exact, loose = re.escape(text[:kept]), re.escape(text[kept:])
        return exact + f"(?i:{loose})" * bool(loose)

    def write_field(self, field: Field, *, optional: bool) -> str:
        if field.ignored:
            return f"(?:{field.expression})"
        if field.name in self.settled:
            return rf"(?:\{self.settled[field.name]})"
        self.groups += 1
        if not optional:
            self.settled[field.name] = self.groups
        return f"({field.expression})"


def extension_start(parts: tuple[Part, ...]) -> tuple[int, int]:
    """Which literal, and where in it, begins the extension: behind it stands no coordinate and no ``/``."""
    literals = 0
    start: tuple[int, int] | None = None
    for part, _ in flatten(parts):
        if isinstance(part, Literal):
            dot = part.text.rfind(".")
            if "/" in part.text:
                start = None
            if dot > part.text.rfind("/"):
                start = (literals, dot)
            literals += 1
        elif not part.ignored:
            start = None
    return (literals, 0) if start is None else start
