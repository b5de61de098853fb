"""Natural order of names: ``z2`` before ``z10``.

Runs of the digits 0-9 compare as numbers, every other character by code point, and ``/`` before any other
character, so that paths compare component by component. Names that differ only in leading zeros (``a01``,
``a1``) follow the order of plain strings: the order is total and never depends on the order given.
"""

from __future__ import annotations

import re
from itertools import pairwise, repeat
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["natural_key", "natural_sorted"]

_find_numbers = re.compile("[0-9]+").sub
_find_zeros = re.compile("0+").finditer
_split_numbers = re.compile("([0-9]+)").split
_LINES_PER_SHAPE = 8
"""Below it, planning how to pad each shape costs more than it saves."""

_WIDEST_PADDING = 32
"""Digit runs up to this long are padded to a common width; longer ones would waste memory."""

_SHAPE = bytes(
    byte if byte in b"/\n" else ord("0") if byte in b"0123456789" else ord("x") for byte in range(256)
)
"""Maps a UTF-8 byte to what decides whether plain order is natural order: digit, separator or other."""


def natural_key(name: str) -> tuple[str, str]:
    """Sort key of one name in natural order.

    Parameters
    ----------
    name
        A file name or path with ``/`` between components.

    Returns
    -------
    tuple of str
        Comparable with the key of any other name. Each number is written behind its number of digits,
        which makes the order of the text the order of the numbers.

    Examples
    --------
    >>> from polystore_core.paths import natural_key
    >>> sorted(["z10.tif", "z2.tif", "z1.tif"], key=natural_key)
    ['z1.tif', 'z2.tif', 'z10.tif']
    """
    return _find_numbers(_with_length, name).replace("/", "\0"), name


def _with_length(match: re.Match[str]) -> str:
    digits = match[0].lstrip("0")
    length = len(digits)
    return f"{length}{digits}" if length < 9 else f"9{length:09d}{digits}"


def natural_sorted(names: Iterable[str]) -> list[str]:
    """Sort names in natural order; the same as sorting by :func:`natural_key`, but faster.

    Parameters
    ----------
    names
        File names or paths with ``/`` between components; not changed.

    Returns
    -------
    list of str
        A new list.

    Examples
    --------
    >>> from polystore_core.paths import natural_sorted
    >>> natural_sorted(["B1/z2", "A10/z1", "A2/z10", "A2/z9", "A/z1"])
    ['A/z1', 'A2/z9', 'A2/z10', 'A10/z1', 'B1/z2']
    """
    ordered = sorted(names)
    if len(ordered) < 2:
        return ordered
    text = "\n".join(ordered)
    if text.count("\n") != len(ordered) - 1:
        return sorted(ordered, key=natural_key)
    if _plain_order_is_natural(text, len(ordered)):
        return ordered
    keys = _keys_by_shape(text) or _padded_keys(text)
    if keys is None:
        return sorted(ordered, key=natural_key)
    return [ordered[place] for place in sorted(range(len(ordered)), key=keys.__getitem__)]


def _plain_order_is_natural(text: str, count: int) -> bool:
    """Whether all lines have their digits and separators in the same places, as zero-padded names have."""
    shape = text.encode("utf-8", "surrogatepass").translate(_SHAPE) + b"\n"
    width, remainder = divmod(len(shape), count)
    return remainder == 0 and shape == shape[:width] * count


def _keys_by_shape(text: str) -> list[str] | None:
    """Zero-pad the numbers line by line; quicker where many lines have few shapes, ``None`` elsewhere.

    The first numbers of all lines get one width, so do the second ones, and so on: two lines that are equal
    up to a number have as many numbers before it.
    """
    if not text.isascii():
        return None
    shapes = text.encode().translate(_SHAPE).decode().split("\n")
    distinct = set(shapes)
    if len(distinct) * _LINES_PER_SHAPE > len(shapes):
        return None
    numbers = {shape: [match.span() for match in _find_zeros(shape)] for shape in distinct}
    widths: dict[int, int] = {}
    for spans in numbers.values():
        for place, (begin, end) in enumerate(spans):
            widths[place] = max(widths.get(place, 0), end - begin)
    if max(widths.values(), default=0) > _WIDEST_PADDING:
        return None
    pads = {shape: _padding(spans, widths) for shape, spans in numbers.items()}
    lines = text.replace("/", "\0").split("\n")
    return [pads[shape](line) for shape, line in zip(shapes, lines, strict=True)]


def _padding(spans: list[tuple[int, int]], widths: dict[int, int]) -> Callable[[str], str]:
    """Return what pads the numbers of a line of one shape: a cut into pieces, with zeros between them."""
    missing = [(begin, widths[place] - end + begin) for place, (begin, end) in enumerate(spans)]
    missing = [(begin, zeros) for begin, zeros in missing if zeros]
    if not missing:
        return str
    cuts = [0, *(begin for begin, _ in missing), None]
    pieces = itemgetter(*(slice(begin, end) for begin, end in pairwise(cuts)))
    template = "".join("%s" + "0" * zeros for _, zeros in missing) + "%s"
    return lambda line: template % pieces(line)


def _padded_keys(text: str) -> list[str] | None:
    """Zero-pad every number in the text to one width, all lines at once."""
    parts = _split_numbers(text.replace("/", "\0"))
    numbers = parts[1::2]
    width = max(map(len, numbers), default=0)
    if width > _WIDEST_PADDING:
        return None
    parts[1::2] = map(str.zfill, numbers, repeat(width))
    return "".join(parts).split("\n")
