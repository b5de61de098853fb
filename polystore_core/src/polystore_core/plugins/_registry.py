"""Which backends there are, and opening the one that was named."""

from __future__ import annotations

import os
import threading
import warnings
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from polystore_core._suggest import did_you_mean, listed
from polystore_core.errors import (
    BackendUnavailable,
    InvalidOption,
    PluginError,
    PolyStoreError,
    UnknownBackend,
)
from polystore_core.plugins._backend import Backend
from polystore_core.plugins._discovery import (
    BACKENDS,
    WRAPPERS,
    Plugin,
    discover,
    load_plugin,
    only_claimant,
)
from polystore_core.plugins._options import check_configuration, takes
from polystore_core.plugins._validation import capabilities_of, validate_backend, validate_wrapper

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BackendInfo", "BackendRegistry", "BackendState"]

BackendState = Literal["installed", "open", "broken", "blocked", "conflict"]

_EXTRAS = {
    "disk": "polystore",
    "memory": "polystore",
    "virtual_workspace": "polystore",
    "zarr": "polystore[zarr]",
    "napari_stream": "polystore[napari]",
    "fiji_stream": "polystore[fiji]",
}
"""What to install for the backends that this project publishes."""


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """One row of what is installed.

    Attributes
    ----------
    name
        What to pass as ``backend=``.
    capabilities
        Operations it declares; empty if its distribution declares none and it is not open yet.
    distribution, version
        Who provides it; ``"in process"`` and an empty version for a registered object.
    state
        ``"installed"`` until it is first named, then ``"open"`` or ``"broken"``; ``"blocked"`` by an
        environment variable; ``"conflict"`` if two distributions claim the name.
    error
        Why it cannot be used, if it cannot.
    """

    name: str
    capabilities: tuple[str, ...]
    distribution: str
    version: str
    state: BackendState
    error: str | None = None


class BackendRegistry:
    """The backends of one pipeline: found by entry point, opened when first named.

    Two registries share nothing: each has, for example, a memory store of its own. A registry is
    thread-safe, pickles as names and configuration, and reopens its backends in the process that
    unpickles it.

    Parameters
    ----------
    config
        Backend name -> keyword arguments of that backend's class or factory. A class or factory with a
        parameter ``open_backend`` receives this registry's :meth:`open` there: that is how a backend is
        built around other backends, by name.

    Examples
    --------
    >>> from polystore_core import BackendRegistry
    >>> registry = BackendRegistry({"memory": {"max_bytes": 2**30}})
    >>> [info.name for info in registry.backends() if info.distribution == "polystore-memory"]
    ['memory']
    """

    def __init__(self, config: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._config = _checked_config(config or {})
        self._registered: dict[str, object] = {}
        self._wrappers: dict[str, object] = {}
        self._reset()

    def _reset(self) -> None:
        self._open: dict[str, Backend] = {}
        self._errors: dict[str, str] = {}
        self._found: dict[str, tuple[Plugin, ...]] | None = None
        self._lock = threading.RLock()
        _registries.add(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self._config, "registered": self._registered, "wrappers": self._wrappers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._config = state["config"]
        self._registered = state["registered"]
        self._wrappers = state["wrappers"]
        self._reset()

    def __repr__(self) -> str:
        return f"BackendRegistry({listed(self.names())})"

    @property
    def _installed(self) -> dict[str, tuple[Plugin, ...]]:
        """Found once, without the lock of a ``cached_property``: a forked child would wait for its owner."""
        if self._found is None:
            self._found = discover(BACKENDS)
        return self._found

    def names(self) -> tuple[str, ...]:
        """Names of all backends that may be given as ``backend=``, sorted."""
        installed = (
            name
            for name, claimants in self._installed.items()
            if any(plugin.blocked is None for plugin in claimants)
        )
        return tuple(sorted({*installed, *self._registered}))

    def backends(self) -> list[BackendInfo]:
        """Describe every backend, sorted by name, without importing or opening any.

        Examples
        --------
        >>> from polystore_core import BackendRegistry
        >>> [(info.name, info.state) for info in BackendRegistry().backends() if info.name == "disk"]
        [('disk', 'installed')]
        """
        return [self._info(name) for name in sorted({*self._installed, *self._registered})]

    def register(self, name: str, plugin: object, *, replace: bool = False) -> None:
        """Add a backend of this process.

        Parameters
        ----------
        name
            What to pass as ``backend=``.
        plugin
            A plugin object, or a class or function that makes one from this registry's configuration.
            To let the registry travel to other processes it must be picklable.
        replace
            Allows to take over a name that an installed or registered backend has.

        Raises
        ------
        PluginError
            If the name is taken, or the plugin breaks the contract.
        """
        if not replace and name in {*self._installed, *self._registered}:
            raise PluginError(f"there is a backend {name!r} already; pass replace=True to take its name over")
        if not _is_factory(plugin):
            validate_backend(plugin, what=f"backend {name!r}")
        with self._lock:
            self._registered[name] = plugin
            self._errors.pop(name, None)
            previous = self._open.pop(name, None)
        if previous is not None:
            previous.close()

    def register_wrapper(self, name: str, wrapper: object) -> None:
        """Surround every backend that is opened from now on.

        Parameters
        ----------
        name
            For messages.
        wrapper
            An object whose hook implementations are all ``@hookimpl(wrapper=True)``, or a class or
            function that makes one from the name of the backend it will surround.

        Raises
        ------
        PluginError
            If the wrapper breaks the contract, or a backend is open already.
        """
        if not _is_factory(wrapper):
            validate_wrapper(wrapper, what=f"wrapper {name!r}")
        with self._lock:
            if self._open:
                raise PluginError(
                    f"wrapper {name!r} came too late: {listed(self._open)} already open. "
                    "Register wrappers before the first save or load"
                )
            self._wrappers[name] = wrapper

    def open(self, name: str) -> Backend:
        """Return the backend of that name, opening it at its first use.

        Raises
        ------
        UnknownBackend
            If there is none; the message lists those there are.
        BackendUnavailable
            If it is known but not installed, or lacks a dependency; the message says what to install.
        PluginError
            If the plugin is broken, blocked or claimed twice.
        """
        if not isinstance(name, str):
            raise InvalidOption(f"backend takes a name; got {name!r}. Installed: {listed(self.names())}")
        backend = self._open.get(name)
        if backend is not None:
            return backend
        with self._lock:
            backend = self._open.get(name)
            if backend is None:
                backend = self._open[name] = self._opened(name)
            return backend

    def opened(self) -> tuple[Backend, ...]:
        """Return the backends that are open now, in the order of their opening."""
        with self._lock:
            return tuple(self._open.values())

    def close(self) -> None:
        """Close every open backend. Naming one afterwards opens it anew, memory stores empty."""
        with self._lock:
            backends, self._open = list(self._open.values()), {}
        for backend in backends:
            backend.close()

    def _opened(self, name: str) -> Backend:
        self._check_configured_names()
        try:
            backend = Backend(name, self._plugin(name), self._wrappers_around(name))
        except PolyStoreError as error:
            self._errors[name] = str(error)
            error.backend = error.backend or name
            raise
        self._errors.pop(name, None)
        return backend

    def _plugin(self, name: str) -> object:
        declared: tuple[str, ...] = ()
        if name in self._registered:
            source, what = self._registered[name], f"backend {name!r} (registered in process)"
        else:
            claimants = self._installed.get(name)
            if claimants is None:
                raise self._unknown(name)
            chosen = only_claimant("backend", claimants)
            source, what, declared = load_plugin(chosen), f"backend {chosen}", chosen.capabilities
        plugin = self._made(name, source, what)
        validate_backend(plugin, what=what)
        implemented = capabilities_of(plugin)
        if declared and {*declared} != {*implemented}:
            raise PluginError(
                f"{what} declares [{','.join(declared)}] but implements {listed(implemented)}; "
                f'write its entry point as {name} = "...:... [{",".join(implemented)}]"'
            )
        return plugin

    def _made(self, name: str, source: Any, what: str) -> object:
        config = self._config.get(name, {})
        if not _is_factory(source):
            if config:
                raise InvalidOption(f"{what} is an object and takes no configuration; got {listed(config)}")
            return source
        given = {"open_backend": self.open} if takes(source, "open_backend") else {}
        check_configuration(source, config, owner=f"configuration of backend {name!r}", given=given)
        return _call(source, what, **config, **given)

    def _wrappers_around(self, name: str) -> list[object]:
        wrappers = []
        for plugin_name, claimants in discover(WRAPPERS).items():
            if all(plugin.blocked for plugin in claimants):
                continue
            try:
                chosen = only_claimant("wrapper", claimants)
                wrappers.append(_wrapper(load_plugin(chosen), f"wrapper {chosen}", name))
            except PluginError as error:
                warnings.warn(
                    f"wrapper {plugin_name!r} does not surround backend {name!r}: {error}",
                    RuntimeWarning,
                    stacklevel=6,
                )
        wrappers += [_wrapper(source, f"wrapper {key!r}", name) for key, source in self._wrappers.items()]
        return wrappers

    def _check_configured_names(self) -> None:
        """Refuse configuration that no backend would ever see."""
        known = {*_EXTRAS, *self._installed, *self._registered}
        for name in self._config:
            if name not in known:
                raise InvalidOption(
                    f"there is configuration for {name!r}, but no such backend; "
                    f"installed: {listed(self.names())}.{did_you_mean(name, known)}"
                )

    def _unknown(self, name: str) -> PolyStoreError:
        installed = listed(self.names())
        if not name:
            return InvalidOption(f"say which backend: backend=...; installed: {installed}")
        if name in _EXTRAS:
            return BackendUnavailable(
                f'backend {name!r} is not installed; pip install "{_EXTRAS[name]}". Installed: {installed}'
            )
        hint = did_you_mean(name, {*_EXTRAS, *self.names()})
        meant = hint.partition("'")[2].partition("'")[0]
        if meant and meant not in self.names():
            hint += f' pip install "{_EXTRAS[meant]}"'
        return UnknownBackend(f"no backend {name!r}; installed: {installed}.{hint}")

    def _info(self, name: str) -> BackendInfo:
        error = self._errors.get(name)
        state: BackendState = "open" if name in self._open else "broken" if error else "installed"
        if name in self._registered:
            capabilities = capabilities_of(self._registered[name])
            return BackendInfo(name, capabilities, "in process", "", state, error)
        claimants = self._installed[name]
        allowed = [plugin for plugin in claimants if plugin.blocked is None]
        plugin = (allowed or claimants)[0]
        capabilities = self._open[name].capabilities if name in self._open else plugin.capabilities
        if len(allowed) != 1:
            state = "conflict" if allowed else "blocked"
            try:
                only_claimant("backend", claimants)
            except PluginError as conflict:
                error = str(conflict)
        distributions = " + ".join(plugin.distribution for plugin in allowed or claimants)
        return BackendInfo(name, capabilities, distributions, plugin.version, state, error)


def _checked_config(config: object) -> dict[str, dict[str, Any]]:
    example = '{"disk": {"root": "/data"}}'
    if not isinstance(config, Mapping):
        raise InvalidOption(
            f"the configuration maps backend names to options, like {example}; got {config!r}"
        )
    for name, options in config.items():
        if not isinstance(options, Mapping):
            raise InvalidOption(
                f"the configuration of {name!r} maps options to values, like {example}; got {options!r}"
            )
    return {name: dict(options) for name, options in config.items()}


def _is_factory(source: object) -> bool:
    return isinstance(source, type) or (callable(source) and not capabilities_of(source))


def _wrapper(source: Any, what: str, backend: str) -> object:
    wrapper = _call(source, what, backend) if _is_factory(source) else source
    validate_wrapper(wrapper, what=what)
    return wrapper


def _call(factory: Callable[..., object], what: str, *args: object, **config: Any) -> object:
    try:
        return factory(*args, **config)
    except PolyStoreError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what} cannot be opened: {type(error).__name__}: {error}") from error


_registries: weakref.WeakSet[BackendRegistry] = weakref.WeakSet()


def _renew_locks() -> None:
    """Give a forked child fresh locks: the thread that held one does not exist there."""
    for registry in _registries:
        registry._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
