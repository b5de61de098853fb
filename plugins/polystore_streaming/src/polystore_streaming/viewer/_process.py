"""The viewer process: one display, one server, until the window is closed."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, cast

from polystore_core.errors import InvalidOption, PluginError, PolyStoreError
from polystore_core.plugins import discover, load_plugin, only_claimant
from polystore_streaming.processes import (
    ALREADY_RUNS,
    RuntimeFiles,
    ViewerRecord,
    claim,
    let_go,
    lower_priority,
    write_record,
)
from polystore_streaming.viewer._host import DisplayHost
from polystore_streaming.viewer._server import Server, allow_many_connections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from polystore_streaming._backend import ViewerBackend
    from polystore_streaming.viewer._display import Display
    from polystore_streaming.viewer._network import Listener

__all__ = ["main", "run_viewer"]

_LOCK_SECONDS = 1.0
"""For a viewer of the same name that is just ending."""


def run_viewer(
    backend: str,
    *,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    listeners: Sequence[Listener] = (),
    lock: int | None = None,
) -> int:
    """Run the viewer of a backend in this process, until its window is closed.

    Call it in the main thread.

    Parameters
    ----------
    backend
        Name of an installed backend such as ``"napari_stream"``.
    name
        Name of the viewer; by default its kind, such as ``"napari"``.
    options
        Options of the display.
    listeners
        Where to listen on the network, besides this machine's sockets.
    lock
        Descriptor of the lock of the viewer's name, if who started this process has taken it.

    Returns
    -------
    int
        0, or ``ALREADY_RUNS`` if a viewer of that name runs.

    Raises
    ------
    ViewerUnreachable, BackendUnavailable
        If the display cannot work here; the message says what to type.
    """
    plugin = _backend_class(backend)
    files = RuntimeFiles.of(name or plugin.viewer)
    if lock is None:
        lock = claim(files, _LOCK_SECONDS)
    if lock is None:
        print(f"polystore: viewer {files.name!r} runs already", file=sys.stderr)
        return ALREADY_RUNS
    os.set_inheritable(lock, False)
    lower_priority()
    try:
        _show(files, backend, _display_class(plugin), options or {}, listeners)
    finally:
        let_go(lock)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m polystore_streaming.viewer BACKEND``, as senders start it."""
    parser = argparse.ArgumentParser(prog="python -m polystore_streaming.viewer")
    parser.add_argument("backend")
    parser.add_argument("--name")
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--lock", type=int)
    given = parser.parse_args(arguments)
    try:
        return run_viewer(given.backend, name=given.name, options=given.options, lock=given.lock)
    except PolyStoreError as error:
        print(f"polystore: {error}", file=sys.stderr)
        return 1


def _show(
    files: RuntimeFiles,
    backend: str,
    display_class: Callable[..., Display],
    options: Mapping[str, Any],
    listeners: Sequence[Listener],
) -> None:
    display = display_class(f"PolyStore {files.name}", **options)
    host = DisplayHost(display)
    allow_many_connections()
    server = Server(files, host.mailbox, host.arrived, listeners)
    host.serve(server)
    endpoints = server.endpoints or [f"ipc://{files.socket}"]
    token = listeners[0].token if listeners else ""
    write_record(files, _record(files, backend, endpoints[0], token))
    server.start()
    try:
        display.run(host)
    finally:
        server.close()
        with contextlib.suppress(OSError):
            files.record.unlink()


def _record(files: RuntimeFiles, backend: str, endpoint: str, token: str) -> ViewerRecord:
    return ViewerRecord(
        name=files.name,
        backend=backend,
        pid=os.getpid(),
        endpoint=endpoint,
        token=token,
        started=time.time(),
    )


def _backend_class(backend: str) -> type[ViewerBackend]:
    from polystore_streaming._backend import ViewerBackend

    claimants = discover("polystore.backends").get(backend)
    if claimants is None:
        raise InvalidOption(f"no backend {backend!r} is installed; `polystore backends` lists them")
    plugin = load_plugin(only_claimant("backend", claimants))
    if not (isinstance(plugin, type) and issubclass(plugin, ViewerBackend)):
        raise InvalidOption(f"backend {backend!r} is no viewer")
    return plugin


def _display_class(plugin: type[ViewerBackend]) -> Callable[..., Display]:
    module, colon, name = plugin.display_class.partition(":")
    if not colon:
        raise PluginError(f"{plugin.__name__}.display_class is 'module:class', not {plugin.display_class!r}")
    return cast("Callable[..., Display]", getattr(importlib.import_module(module), name))
