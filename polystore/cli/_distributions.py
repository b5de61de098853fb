"""Which distributions there are and what they ask for, read from their metadata."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata

__all__ = ["OURS", "Requirement", "extras", "family", "installed_version", "requirements"]

OURS = "polystore"

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


@dataclass(frozen=True)
class Requirement:
    """One line of what a distribution asks for.

    Attributes
    ----------
    name
        Distribution that is asked for.
    text
        With versions and extras, without conditions: what follows ``pip install``.
    extra
        Extra that asks for it; ``None`` if it is always needed.
    """

    name: str
    text: str
    extra: str | None

    @cached_property
    def is_installed(self) -> bool:
        """Whether some version of it is installed."""
        return installed_version(self.name) is not None


def installed_version(name: str) -> str | None:
    """Version of an installed distribution, ``None`` if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def requirements(name: str) -> list[Requirement]:
    """What an installed distribution asks for; nothing if it is not installed.

    A requirement with another condition than an extra (a platform, a Python version) is left out.

    Examples
    --------
    >>> from polystore.cli._distributions import requirements
    >>> [need.name for need in requirements("polystore") if need.name.startswith("polystore-c")]
    ['polystore-core']
    """
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        text, _, condition = line.partition(";")
        extra = _EXTRA.search(condition)
        if condition.strip() and not re.fullmatch(rf"\s*{_EXTRA.pattern}\s*", condition):
            continue
        asked = _NAME.match(text)
        if asked:
            found.append(Requirement(asked[0], text.strip(), extra[1] if extra else None))
    return found


def extras(name: str) -> dict[str, list[Requirement]]:
    """What each extra asks for, in terms of other distributions; extras made of extras are left out.

    Examples
    --------
    >>> from polystore.cli._distributions import extras
    >>> "scipy" in [need.name for need in extras("polystore")["demo"]]
    True
    """
    found: dict[str, list[Requirement]] = {}
    for need in requirements(name):
        if need.extra is not None and need.name != name:
            found.setdefault(need.extra, []).append(need)
    return found


def family(name: str) -> list[str]:
    """Return a distribution and those that it asks for, directly or not, whose names begin with its own.

    Examples
    --------
    >>> from polystore.cli._distributions import family
    >>> family("polystore")[:3]
    ['polystore', 'polystore-core', 'polystore-disk']
    """
    found = {name}
    left = [name]
    while left:
        asked = {need.name for need in requirements(left.pop()) if need.name.startswith(f"{name}-")}
        left.extend(asked - found)
        found |= asked
    return sorted(found)
