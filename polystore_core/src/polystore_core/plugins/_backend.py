"""One opened backend: its plugin, the wrappers around it, and what can be called."""

from __future__ import annotations

from types import new_class
from typing import TYPE_CHECKING, Any, NoReturn

import pluggy

from polystore_core._suggest import listed
from polystore_core.errors import UnsupportedOperation
from polystore_core.plugins._hooks import HOOK_SPECIFICATIONS, PROJECT
from polystore_core.plugins._validation import OPERATIONS, capabilities_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Backend"]

_SPECIFICATIONS = new_class("Specifications", HOOK_SPECIFICATIONS)
"""All of them in one class: pluggy looks at every attribute, and each class has dozens of Python's own."""


class Backend:
    """A backend ready to answer.

    Each operation is an attribute that takes the arguments of its hook by keyword; an operation that
    the plugin does not implement raises :class:`~polystore_core.UnsupportedOperation`. Every backend
    has a plugin manager of its own, so exactly one implementation can answer and the cost of a call
    does not depend on how many backends are installed.

    Parameters
    ----------
    name
        What users call it.
    plugin
        A validated backend plugin.
    wrappers
        Validated wrapper plugins, the innermost first.
    """

    def __init__(self, name: str, plugin: object, wrappers: Iterable[object] = ()) -> None:
        self.name = name
        self.capabilities = capabilities_of(plugin)
        self._hooks = pluggy.PluginManager(PROJECT)
        self._hooks.add_hookspecs(_SPECIFICATIONS)
        self._hooks.register(plugin, name=name)
        for wrapper in wrappers:
            self._hooks.register(wrapper)
        self._hooks.check_pending()
        operations = {operation: self._bound(operation) for operation in OPERATIONS}
        self.read = operations["read"]
        self.write = operations["write"]
        self.list = operations["list"]
        self.stream = operations["stream"]
        self.stat = operations["stat"]
        self.delete = operations["delete"]
        self.move = operations["move"]
        self.copy = operations["copy"]
        self.make_directory = operations["make_directory"]
        self.flush = operations["flush"]
        self.metrics = operations["metrics"]

    def can(self, operation: str) -> bool:
        """Whether the plugin implements the operation."""
        return operation in self.capabilities

    def close(self) -> None:
        """Let the plugin release what it holds."""
        self._hooks.hook.polystore_close()

    def _bound(self, operation: str) -> Callable[..., Any]:
        """Return what a call of the operation goes to.

        Without a wrapper that is the plugin's own method: going through pluggy to reach the only
        implementation would double the cost of a small read.
        """
        if not self.can(operation):
            return self._refusal(operation)
        hook: pluggy.HookCaller = getattr(self._hooks.hook, f"{PROJECT}_{operation}")
        implementations = hook.get_hookimpls()
        return hook if len(implementations) > 1 else implementations[0].function

    def _refusal(self, operation: str) -> Callable[..., NoReturn]:
        message = (
            f"backend {self.name!r} cannot {operation.replace('_', ' ')}; it can: {listed(self.capabilities)}"
        )

        def refuse(**_: object) -> NoReturn:
            raise UnsupportedOperation(message, backend=self.name, operation=operation)

        return refuse
