"""What `polystore doctor` looks at; each check gives one finding per thing it looked at."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polystore
from polystore.cli._commands import BUILT_IN, COMMANDS, load_command
from polystore.cli._distributions import OURS, Requirement, extras, family, installed_version, requirements
from polystore.cli._errors import one_line
from polystore_core import BackendInfo, BackendRegistry, InvalidOption, PolyStoreError
from polystore_core.formats import FormatRegistry
from polystore_core.plugins import Plugin, discover, load_plugin, only_claimant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Finding", "examine"]

State = Literal["ok", "broken", "off", "absent"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one thing that was tried.

    Attributes
    ----------
    what
        Kind of thing: ``"backend"``, ``"format"``, ``"distribution"``...
    name
        Its name.
    state
        ``"ok"``; ``"broken"``; ``"off"``: kept out or not configured, by choice; ``"absent"``: optional and
        not installed.
    detail
        Version, or what is wrong.
    mend
        The line that mends it, as far as one is known.
    """

    what: str
    name: str
    state: State
    detail: str = ""
    mend: str | None = None


def examine(registry: BackendRegistry) -> Iterator[Finding]:
    """Look at everything, importing every plugin.

    Parameters
    ----------
    registry
        Its backends are opened; close it afterwards.
    """
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", version, "ok", sys.executable)
    yield from _distributions()
    yield from _extras()
    wrappers = list(_plugins("wrapper", "polystore.wrappers", _load))
    yield from wrappers
    told = {finding.name for finding in wrappers if finding.state == "broken"}
    for info in registry.backends():
        yield from _backend(registry, info, told)
    formats = FormatRegistry()
    yield from _plugins("format", "polystore.formats", lambda claimants: formats.of(f"x{claimants[0].name}"))
    yield from _plugins("command", COMMANDS, _load_command)


def _distributions() -> Iterator[Finding]:
    facade = installed_version(OURS)
    if facade != polystore.__version__:
        yield Finding(
            "distribution",
            OURS,
            "broken",
            f"its metadata says {facade}, what runs is {polystore.__version__} of {polystore.__file__}",
            "install the checkout anew: pip install --force-reinstall ./polystore_core ./plugins/* .",
        )
    for name in family(OURS):
        version = installed_version(name)
        if version is None:
            continue
        missing = [need for need in requirements(name) if need.extra is None and not need.is_installed]
        if missing:
            lacks = ", ".join(need.name for need in missing)
            yield Finding("distribution", name, "broken", f"{version}, but lacks {lacks}", _install(missing))
        elif version != facade:
            mend = "install all of one checkout: pip install ./polystore_core ./plugins/* ."
            yield Finding("distribution", name, "broken", f"{version}, but {OURS} is {facade}", mend)
        else:
            yield Finding("distribution", name, "ok", version)


def _extras() -> Iterator[Finding]:
    for extra, needs in extras(OURS).items():
        missing = [need for need in needs if not need.is_installed]
        if missing:
            lacks = ", ".join(need.name for need in missing)
            yield Finding("extra", extra, "absent", f"lacks {lacks}", f'pip install "{OURS}[{extra}]"')
        else:
            yield Finding("extra", extra, "ok", ", ".join(dict.fromkeys(need.name for need in needs)))


def _install(missing: list[Requirement]) -> str:
    return "pip install " + " ".join(f'"{need.text}"' for need in missing)


def _backend(registry: BackendRegistry, info: BackendInfo, told: set[str]) -> Iterator[Finding]:
    """Open a backend; a wrapper that does not fit around it is added to those that were told of."""
    if info.state == "blocked":
        yield Finding("backend", info.name, "off", one_line(info.error or ""))
        return
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            opened = registry.open(info.name)
        except InvalidOption as error:
            yield Finding(
                "backend", info.name, "off", one_line(error), f"polystore -c {info.name}.KEY=VALUE ..."
            )
        except PolyStoreError as error:
            yield _broken("backend", info.name, error)
        else:
            yield Finding("backend", info.name, "ok", ",".join(opened.capabilities))
    for warning in said:
        text = one_line(warning.message)
        name = text.partition("'")[2].partition("'")[0]
        if name not in told:
            told.add(name)
            yield Finding("wrapper", name, "broken", text)


def _plugins(what: str, group: str, load: Callable[[tuple[Plugin, ...]], object]) -> Iterator[Finding]:
    for name, claimants in discover(group).items():
        if all(plugin.blocked for plugin in claimants):
            yield Finding(what, name, "off", f"kept out by {claimants[0].blocked}")
            continue
        try:
            load(claimants)
        except PolyStoreError as error:
            yield _broken(what, name, error)
        except (Exception, SystemExit) as error:
            problem = f"{type(error).__name__}: {one_line(error)}"
            yield Finding(what, name, "broken", problem, _reinstall(claimants))
        else:
            yield Finding(what, name, "ok", f"{claimants[0].distribution} {claimants[0].version}")


def _load(claimants: tuple[Plugin, ...]) -> object:
    return load_plugin(only_claimant("wrapper", claimants))


def _load_command(claimants: tuple[Plugin, ...]) -> object:
    (plugin, *_) = claimants
    if plugin.name in BUILT_IN:
        raise InvalidOption(
            f"{plugin.distribution} names a command {plugin.name!r}, but that one is built in and answers; "
            "its authors must rename it"
        )
    return load_command(claimants)


def _broken(what: str, name: str, error: PolyStoreError) -> Finding:
    """Take the line that mends it out of the message, if it holds one."""
    text = one_line(error)
    before, found, line = text.partition("pip install")
    if not found:
        return Finding(what, name, "broken", text)
    problem = before.rpartition(". ")[0] or before.rstrip("; ")
    return Finding(what, name, "broken", problem, found + line.partition(". ")[0])


def _reinstall(claimants: tuple[Plugin, ...]) -> str:
    return f"pip install --force-reinstall {claimants[0].distribution}"
