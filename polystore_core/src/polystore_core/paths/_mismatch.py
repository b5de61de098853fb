"""Saying why a path does not fit a pattern."""

from __future__ import annotations

import re

from polystore_core.paths._expression import expression_of
from polystore_core.paths._syntax import Field, Literal, Part

__all__ = ["describe_mismatch"]


def describe_mismatch(pattern: str, parts: tuple[Part, ...], example: str, path: str) -> str:
    """Message that says how far the path fits the pattern and shows a name that fits."""
    reason = _reason(parts, path)
    return f"{path!r} does not fit the pattern {pattern!r}: {reason}; a name that fits is {example!r}"


def _reason(parts: tuple[Part, ...], path: str) -> str:
    starts = [match.end() for match in re.finditer("^|/", path)]
    if "/" not in "".join(_source(part) for part in parts):
        starts = starts[-1:]
    fitting, end, start = max(_progress(parts, path, start) for start in starts)
    fitted, rest = path[start:end], path[end:]
    if fitting == len(parts):
        return f"{rest!r} is left over behind {fitted!r}"
    following = _source(parts[fitting])
    if not fitted:
        return f"{following!r} does not fit the beginning of {rest!r}"
    last = parts[fitting - 1]
    if isinstance(last, Field) and last.form == "text":
        return f"no {following!r} follows {last.source!r}"
    return f"it fits up to {fitted!r}, but {following!r} does not fit {rest!r}"


def _progress(parts: tuple[Part, ...], path: str, start: int) -> tuple[int, int, int]:
    """Number of leading parts that fit from ``start`` on, and where in the path they end."""
    for count in range(len(parts), 0, -1):
        match = re.compile(expression_of(parts[:count], greedy=True)).match(path, start)
        if match is not None:
            return count, match.end(), start
    return 0, start, start


def _source(part: Part) -> str:
    return part.text if isinstance(part, Literal) else part.source
