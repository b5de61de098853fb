"""The properties that ImageJ keeps with a region: lines that ``java.util.Properties`` reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXACT", "is_plain", "joined", "split"]

EXACT = "polystore"
"""The property that holds what ImageJ itself does not: JSON, what is not plain ASCII in percent form."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_PLAIN_VALUE = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]*[!-\[\]-~])?")
"""Printable ASCII without backslashes and outer blanks: what Java reads as it was written."""

_KEPT = " !\"#$&'()*+,/:;<=>?@[]^`{|}~"
"""What need not be escaped beside letters and digits."""


def is_plain(key: str, value: object) -> bool:
    """Tell whether a property comes back from ImageJ as it was."""
    return (
        key != EXACT
        and isinstance(value, str)
        and _PLAIN_KEY.fullmatch(key) is not None
        and _PLAIN_VALUE.fullmatch(value) is not None
    )


def joined(words: Mapping[str, str]) -> str:
    """Write properties as ImageJ does, sorted."""
    return "".join(
        f"{key}: {quote(value, safe=_KEPT) if key == EXACT else value}\n"
        for key, value in sorted(words.items())
    )


def split(properties: str) -> dict[str, str]:
    """Read properties as ImageJ writes them."""
    words: dict[str, str] = {}
    for line in properties.split("\n"):
        key, colon, value = line.partition(":")
        if colon:
            words[key.strip()] = value.strip()
    if EXACT in words:
        words[EXACT] = unquote(words[EXACT])
    words.pop("", None)
    return words
