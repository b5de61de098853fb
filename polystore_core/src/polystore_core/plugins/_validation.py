"""Checking a plugin against the hook specifications before it can answer anything."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from polystore_core._suggest import did_you_mean, listed
from polystore_core.errors import PluginError
from polystore_core.plugins._hooks import HOOK_SPECIFICATIONS, PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["OPERATIONS", "capabilities_of", "validate_backend", "validate_wrapper"]

_PREFIX = f"{PROJECT}_"
_MARK = f"{PROJECT}_impl"

_SPECIFICATIONS: dict[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(function).parameters)[1:]
    for protocol in HOOK_SPECIFICATIONS
    for name, function in vars(protocol).items()
    if name.startswith(_PREFIX)
}

OPERATIONS: tuple[str, ...] = tuple(
    name.removeprefix(_PREFIX) for name in _SPECIFICATIONS if name != "polystore_close"
)
"""What a backend may be able to do, in the order of the hook specifications."""


def validate_backend(plugin: object, *, what: str) -> None:
    """Check every hook implementation of a backend.

    Raises
    ------
    PluginError
        Naming ``what``, the method and the mend.
    """
    for name, _, marks in _implementations(plugin, what):
        if marks["wrapper"] or marks["hookwrapper"]:
            raise PluginError(
                f"{what}: {name} is a wrapper, but a backend must answer by itself; remove wrapper=True, "
                "or register it in the entry-point group polystore.wrappers"
            )
    if not capabilities_of(plugin):
        raise PluginError(
            f"{what} implements no operation; decorate at least one of "
            f"{listed(_SPECIFICATIONS)} with @hookimpl"
        )


def validate_wrapper(plugin: object, *, what: str) -> None:
    """Check every hook implementation of a wrapper.

    Raises
    ------
    PluginError
        Naming ``what``, the method and the mend.
    """
    for name, _, marks in _implementations(plugin, what):
        if not marks["wrapper"]:
            raise PluginError(
                f"{what}: {name} must be marked @hookimpl(wrapper=True); a wrapper surrounds the backend's "
                "answer and may not give its own"
            )


def capabilities_of(plugin: object) -> tuple[str, ...]:
    """Operations that a plugin implements."""
    return tuple(
        operation
        for operation in OPERATIONS
        if getattr(getattr(plugin, _PREFIX + operation, None), _MARK, None) is not None
    )


def _implementations(plugin: object, what: str) -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Yield the hook implementations of a plugin, each already checked by name and arguments."""
    for name in dir(plugin):
        attribute = inspect.getattr_static(plugin, name)
        function = getattr(attribute, "__func__", attribute)
        marks = getattr(function, _MARK, None)
        if not (marks or (name.startswith(_PREFIX) and inspect.isroutine(attribute))):
            continue
        if name not in _SPECIFICATIONS:
            raise PluginError(
                f"{what}: there is no hook {name!r}.{did_you_mean(name, _SPECIFICATIONS)} "
                f"Hooks: {listed(_SPECIFICATIONS)}"
            )
        if marks and marks["specname"]:
            raise PluginError(f"{what}: {name} uses specname; name the method after its hook instead")
        if not marks:
            raise PluginError(f"{what}: {name} is not marked; write @hookimpl above it")
        _check_arguments(name, getattr(plugin, name), what)
        yield name, function, marks


def _check_arguments(name: str, method: Callable[..., Any], what: str) -> None:
    expected = _SPECIFICATIONS[name]
    parameters = inspect.signature(method).parameters
    mend = f"write def {name}({', '.join(('self', *expected))})"
    for parameter in parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            raise PluginError(
                f"{what}: {name} has the {parameter.kind.description} parameter {parameter.name!r}, which a "
                f"hook never fills; {mend}"
            )
        if parameter.default is not parameter.empty:
            raise PluginError(
                f"{what}: {name} has a default for {parameter.name!r}, which a hook never uses; {mend}"
            )
        if parameter.name not in expected:
            raise PluginError(f"{what}: {name} has no argument {parameter.name!r}; {mend}")
    missing = [argument for argument in expected if argument not in parameters]
    if missing:
        raise PluginError(f"{what}: {name} lacks the argument {missing[0]!r}; {mend}")
