"""The sender's thread: it alone talks to viewers, so that no caller ever waits for one."""

from __future__ import annotations

import contextlib
import os
import socket as sockets
import threading
import time
from math import ceil
from typing import TYPE_CHECKING, Any

import zmq

from polystore_streaming.processes import ALREADY_RUNS, is_running, launch
from polystore_streaming.sender._link import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polystore_streaming.memory import Arena
    from polystore_streaming.processes import LaunchedViewer
    from polystore_streaming.sender._frames import Frames
    from polystore_streaming.sender._target import Target

__all__ = ["Pump"]

_PING_SECONDS = 1.0


class Pump:
    """A thread that sends frames to viewers, starts them, and notices when they go and come.

    Parameters
    ----------
    backend
        Name of the backend, for viewers that are started.
    display_options
        What a started viewer gets to know.
    targets
        The viewers.
    frames, arena
        What there is to send, and where it lies.
    autostart
        Whether to start a viewer of this machine that does not run, once.
    """

    def __init__(
        self,
        backend: str,
        display_options: Mapping[str, Any],
        targets: tuple[Target, ...],
        frames: Frames,
        arena: Arena,
        *,
        autostart: bool,
    ) -> None:
        self._backend = backend
        self._display_options = display_options
        self._arena = arena
        self._autostart = autostart
        self._context: zmq.Context[Any] = zmq.Context()
        self._doorbell, self._bell = sockets.socketpair()
        self._doorbell.setblocking(False)
        self._bell.setblocking(False)
        self._rung = False
        self._closing = False
        self._launched: dict[str, LaunchedViewer] = {}
        self._exits: dict[int, Link] = {}
        self._poller = zmq.Poller()
        self._tasks: list[Callable[[], None]] = []
        self.links = {target.name: Link(target, frames, arena, self._context) for target in targets}
        self._thread = threading.Thread(target=self._run, name=f"polystore-{backend}", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Have the thread look what there is to do; costs next to nothing when it is awake anyway."""
        if not self._rung:
            self._rung = True
            with contextlib.suppress(OSError):
                self._bell.send(b"!")

    def start_again(self) -> None:
        """Start viewers that are unreachable, as at first use."""
        self._tasks.append(self._start_viewers)
        self.ring()

    @property
    def is_starting(self) -> bool:
        """Whether a viewer that was started here has not connected yet."""
        return any(link.state in ("starting", "greeting") for link in self.links.values())

    def close(self) -> None:
        """Say goodbye to the viewers and end the thread."""
        self._closing = True
        self._rung = False
        self.ring()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._prepare()
            self._work()
        finally:
            for link in self.links.values():
                link.close()
            self._context.term()
            self._bell.close()
            self._doorbell.close()
            for fd in self._exits:
                os.close(fd)

    def _prepare(self) -> None:
        self._poller.register(self._doorbell, zmq.POLLIN)
        for link in self.links.values():
            self._poller.register(link.socket, zmq.POLLIN)
            self._poller.register(link.monitor, zmq.POLLIN)
        self._start_viewers()

    def _work(self) -> None:
        next_ping = time.monotonic() + _PING_SECONDS
        while not self._closing:
            wait = ceil(max(0.0, next_ping - time.monotonic()) * 1000)
            ready = dict(self._poller.poll(wait))
            if self._doorbell.fileno() in ready:
                self._doorbell.recv(64)
            self._rung = False
            while self._tasks:
                self._tasks.pop()()
            for fd in self._exits.keys() & ready.keys():
                self._viewer_ended(self._exits[fd])
            pinging = time.monotonic() >= next_ping
            if pinging:
                next_ping = time.monotonic() + _PING_SECONDS
            for link in self.links.values():
                link.read_monitor()
                link.read_messages()
                link.advance()
                if pinging:
                    link.ping()
                    self._look_after(link)
                self._poller.modify(link.socket, zmq.POLLIN | (zmq.POLLOUT if link.wants_to_write else 0))
            self._arena.populate_ahead()

    def _start_viewers(self) -> None:
        for link in self.links.values():
            if link.state in ("greeting", "ready"):
                continue
            if link.target.files is None:
                link.give_up(f"no viewer answers at {link.target.endpoint}")
            elif is_running(link.target.files):
                link.state = "starting"
            elif not self._autostart:
                link.give_up(
                    f"no viewer {link.target.name!r} runs; start it by `polystore viewer {link.target.name}`"
                )
            else:
                self._start_viewer(link)

    def _start_viewer(self, link: Link) -> None:
        assert link.target.files is not None
        try:
            process = launch(link.target.files, self._backend, self._display_options)
        except OSError as error:
            link.give_up(f"viewer {link.target.name!r} could not be started: {error}")
            return
        link.state = "starting"
        if process is None:
            return
        self._launched[link.target.name] = process
        if hasattr(os, "pidfd_open"):
            fd = os.pidfd_open(process.pid)
            self._exits[fd] = link
            self._poller.register(fd, zmq.POLLIN)

    def _look_after(self, link: Link) -> None:
        """Notice, where the system does not tell, that a viewer that was to start has ended."""
        if link.state != "starting" or link.target.files is None:
            return
        process = self._launched.get(link.target.name)
        if process is None:
            if not is_running(link.target.files):
                link.give_up(f"viewer {link.target.name!r} ended before it could be reached")
        elif process.poll() is not None:
            self._viewer_ended(link)

    def _viewer_ended(self, link: Link) -> None:
        for fd in [fd for fd, other in self._exits.items() if other is link]:
            self._poller.unregister(fd)
            os.close(fd)
            del self._exits[fd]
        process = self._launched.pop(link.target.name, None)
        if process is None:
            return
        code = process.wait()
        if link.state == "starting" and code != ALREADY_RUNS:
            link.give_up(f"viewer {link.target.name!r} could not be started: {process.reason()}")
        elif link.state == "starting" and link.target.files is not None and not is_running(link.target.files):
            self._start_viewer(link)
