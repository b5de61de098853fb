"""How the display is set up."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from polystore_core.errors import InvalidOption

__all__ = ["SYSTEM_JAR", "DisplayOptions", "Launcher", "read_options"]

Launcher: TypeAlias = Literal["jar", "pyimagej"]

SYSTEM_JAR = "/usr/share/java/ij.jar"
"""Where Debian and Ubuntu install ImageJ."""

_VARIABLES = {
    "launcher": "POLYSTORE_FIJI_LAUNCHER",
    "jar": "POLYSTORE_FIJI_JAR",
    "fiji": "POLYSTORE_FIJI",
    "memory": "POLYSTORE_FIJI_MEMORY",
}
_NAMES = ("launcher", "jar", "fiji", "memory", "windows")


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayOptions:
    """How ImageJ is started, and what gets a window of its own.

    Attributes
    ----------
    launcher
        ``"jar"`` starts ImageJ from one jar; ``"pyimagej"`` has pyimagej start Fiji.
    jar
        The jar; used by the launcher ``"jar"``.
    fiji
        A Fiji folder, a version of ImageJ2 or a Maven endpoint such as ``"sc.fiji:fiji"``, as pyimagej takes
        it; used by the launcher ``"pyimagej"``. ``None`` leaves the choice to pyimagej.
    memory
        The most memory Java may take, such as ``"8g"``; ``None`` for Java's default, a quarter.
    windows
        Axes whose values get a window each, such as ``("well",)``. Other axes become sliders.
    """

    launcher: Launcher = "jar"
    jar: str = SYSTEM_JAR
    fiji: str | None = None
    memory: str | None = None
    windows: tuple[str, ...] = ()


def read_options(given: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> DisplayOptions:
    """Check options, and take from the environment what they leave out.

    Parameters
    ----------
    given
        JSON values by the names of :class:`DisplayOptions`. A jar alone chooses the launcher ``"jar"``,
        ``fiji`` alone the launcher ``"pyimagej"``.
    environment
        Where ``POLYSTORE_FIJI_LAUNCHER``, ``POLYSTORE_FIJI_JAR``, ``POLYSTORE_FIJI`` and
        ``POLYSTORE_FIJI_MEMORY`` are looked up; by default that of the process.

    Raises
    ------
    InvalidOption
        If an option is unknown, of the wrong type, or contradicts another one.

    Examples
    --------
    >>> read_options({"fiji": "/opt/Fiji.app", "windows": ["well"]}, {}).launcher
    'pyimagej'
    """
    unknown = sorted(set(given) - set(_NAMES))
    if unknown:
        raise InvalidOption(f"no option {unknown[0]!r} of the Fiji display; there are: {', '.join(_NAMES)}")
    texts = _texts(given, os.environ if environment is None else environment)
    launcher = texts.get("launcher") or ("pyimagej" if "fiji" in texts and "jar" not in texts else "jar")
    if launcher not in ("jar", "pyimagej"):
        raise InvalidOption(f"launcher {launcher!r}; it is 'jar' or 'pyimagej'")
    if "jar" in texts and "fiji" in texts and "launcher" not in texts:
        raise InvalidOption("both jar and fiji are given; say launcher='jar' or launcher='pyimagej'")
    if launcher == "pyimagej" and "jar" in texts and "fiji" not in texts:
        raise InvalidOption("launcher='pyimagej' takes no jar but fiji, a folder, a version or an endpoint")
    if launcher == "jar" and "fiji" in texts and "jar" not in texts:
        raise InvalidOption("launcher='jar' takes no fiji but jar, the path of an ij.jar")
    memory = texts.get("memory")
    if memory is not None and not re.fullmatch(r"[1-9][0-9]*[kmgKMG]", memory):
        raise InvalidOption(f"memory {memory!r}; write it like '500m' or '8g'")
    return DisplayOptions(
        launcher=cast("Launcher", launcher),
        jar=texts.get("jar", SYSTEM_JAR),
        fiji=texts.get("fiji"),
        memory=memory,
        windows=_axes(given.get("windows", ())),
    )


def _texts(given: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the options that are texts; what is given excludes what the environment says of its kind."""
    chosen = {name: value for name, value in given.items() if name in _VARIABLES and value is not None}
    for name, value in chosen.items():
        if not isinstance(value, str) or not value:
            raise InvalidOption(f"{name} is {value!r}; it is a text")
    surroundings = {
        name: environment[variable] for name, variable in _VARIABLES.items() if environment.get(variable)
    }
    if chosen.keys() & {"launcher", "jar", "fiji"}:
        surroundings = {name: text for name, text in surroundings.items() if name == "memory"}
    return {**surroundings, **chosen}


def _axes(windows: object) -> tuple[str, ...]:
    if isinstance(windows, str) or not isinstance(windows, Sequence):
        raise InvalidOption(f"windows is {windows!r}; it is a list of axes such as ['well', 'field']")
    if not all(isinstance(axis, str) for axis in windows):
        raise InvalidOption(f"windows is {windows!r}; axes are texts")
    return tuple(windows)
