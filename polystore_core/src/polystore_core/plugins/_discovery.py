"""What is installed, read from the metadata of distributions, without importing any of it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from polystore_core.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

__all__ = [
    "BACKENDS",
    "FORMATS",
    "PROGRESS",
    "WRAPPERS",
    "Plugin",
    "discover",
    "load_plugin",
    "only_claimant",
]

BACKENDS = "polystore.backends"
WRAPPERS = "polystore.wrappers"
FORMATS = "polystore.formats"
PROGRESS = "polystore.progress"

_ALLOW = "POLYSTORE_PLUGINS"
_BLOCK = "POLYSTORE_BLOCK_PLUGINS"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point of one installed distribution.

    Attributes
    ----------
    name
        Name of the backend or wrapper, or suffix of the format.
    group
        Entry-point group.
    reference
        ``module:attribute``, not imported.
    capabilities
        What the bracket behind the reference lists: operations of a backend, data kinds of a format.
    distribution, version
        Who provides it.
    blocked
        Name of the environment variable that keeps it out, if one does.
    """

    name: str
    group: str
    reference: str
    capabilities: tuple[str, ...]
    distribution: str
    version: str
    blocked: str | None = None

    def __str__(self) -> str:
        return f"{self.name!r} ({self.reference}, from {self.distribution} {self.version})"


def discover(group: str) -> dict[str, tuple[Plugin, ...]]:
    """Return the plugins of a group by name; a name that several distributions claim has several.

    Nothing is imported. ``POLYSTORE_PLUGINS`` and ``POLYSTORE_BLOCK_PLUGINS`` (comma-separated plugin or
    distribution names) mark what they keep out as ``blocked``; an allowed backend brings the formats of its
    distribution along.

    Examples
    --------
    >>> from polystore_core.plugins import discover
    >>> [plugin.distribution for plugin in discover("polystore.backends")["memory"]]
    ['polystore-memory']
    """
    found: dict[str, tuple[Plugin, ...]] = {}
    for plugin in sorted(
        map(_described, _entry_points(group, _searched())),
        key=lambda plugin: (plugin.name, plugin.distribution),
    ):
        claimants = found.get(plugin.name, ())
        if plugin not in claimants:  # one distribution is met twice while it is being reinstalled
            found[plugin.name] = (*claimants, plugin)
    return found


def only_claimant(what: str, claimants: tuple[Plugin, ...]) -> Plugin:
    """Return the one plugin that is allowed to answer to a name.

    Raises
    ------
    PluginError
        If every claimant is blocked, or more than one is not.
    """
    allowed = [plugin for plugin in claimants if plugin.blocked is None]
    if len(allowed) == 1:
        return allowed[0]
    if not allowed:
        plugin = claimants[0]
        raise PluginError(f"{what} {plugin} is kept out by {plugin.blocked}; change that variable to use it")
    first, second = allowed[:2]
    raise PluginError(
        f"{what} {first.name!r} is claimed by two distributions: {first.distribution} {first.version} and "
        f"{second.distribution} {second.version}. Uninstall one of them, or set "
        f"{_BLOCK}={second.distribution}"
    )


def load_plugin(plugin: Plugin) -> object:
    """Import what a plugin's entry point names.

    Raises
    ------
    PluginError
        Whatever the import raised, ``SystemExit`` included, chained as the cause.
    """
    from importlib.metadata import EntryPoint

    try:
        loaded: object = EntryPoint(plugin.name, plugin.reference, plugin.group).load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"plugin {plugin} cannot be imported: {type(error).__name__}: {error}. "
            f"Repair it with: pip install --force-reinstall {plugin.distribution}"
        ) from error
    return loaded


@lru_cache(maxsize=16)
def _entry_points(group: str, searched: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group; ``searched`` makes the answer new when something was installed."""
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


def _searched() -> tuple[tuple[str, int], ...]:
    """Return the folders that distributions are looked for in, each with its time of change."""
    return tuple((folder, _changed(folder)) for folder in sys.path)


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or ".").st_mtime_ns
    except OSError:
        return 0


def _described(entry_point: EntryPoint) -> Plugin:
    distribution = entry_point.dist
    owner = distribution.name if distribution else "unknown distribution"
    return Plugin(
        name=entry_point.name,
        group=entry_point.group,
        reference=entry_point.value.partition("[")[0].strip(),
        capabilities=tuple(entry_point.extras),
        distribution=owner,
        version=distribution.version if distribution else "?",
        blocked=_kept_out_by(entry_point),
    )


def _kept_out_by(entry_point: EntryPoint) -> str | None:
    """Return the environment variable that keeps a plugin out.

    A backend that is allowed brings the formats of its distribution along; a progress bar stores nothing
    and needs no permission.
    """
    if _ALLOW not in os.environ and _BLOCK not in os.environ:
        return None
    identity = {entry_point.name}
    companions: set[str] = set()
    if entry_point.dist:
        identity.add(entry_point.dist.name)
        companions = {other.name for other in entry_point.dist.entry_points if other.group == BACKENDS}
    if not identity.isdisjoint(_names(_BLOCK)):
        return _BLOCK
    if _ALLOW in os.environ and entry_point.group != PROGRESS:
        return _ALLOW if (identity | companions).isdisjoint(_names(_ALLOW)) else None
    return None


def _names(variable: str) -> Iterator[str]:
    return (name.strip() for name in os.environ.get(variable, "").split(","))
