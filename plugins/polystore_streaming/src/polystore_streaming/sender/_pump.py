"""The sender's thread: it alone talks to viewers, so that no caller ever waits for one."""

from __future__ import annotations

import contextlib
import socket as sockets
import threading
import time
import weakref
from collections import deque
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

import zmq

from polystore_streaming.processes import is_running, last_words, launch, never_preempt, read_record
from polystore_streaming.sender._link import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from polystore_streaming.memory import Arena
    from polystore_streaming.processes import LaunchedViewer, RuntimeFiles
    from polystore_streaming.sender._frames import Frames
    from polystore_streaming.sender._target import Target

__all__ = ["Pump"]

_PING_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
"""How long a viewer on the network may take to answer before nobody is said to be there."""


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
    ended
        Called, in the thread, when it ends.
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
        ended: Callable[[], None],
    ) -> None:
        self._backend = backend
        self._display_options = display_options
        self._arena = arena
        self._frames = frames
        self._autostart = autostart
        self._ended = ended
        self._context: zmq.Context[Any] = zmq.Context()
        self._doorbell, self._bell = sockets.socketpair()
        self._doorbell.setblocking(False)
        self._bell.setblocking(False)
        self._rung = False
        self._closing = False
        self._retired = False
        self._tried: set[str] = set()
        self._launched: set[str] = set()
        self._poller = zmq.Poller()
        self._tasks: deque[Callable[[], None]] = deque()
        self.links = {target.name: Link(target, frames, arena, self._context) for target in targets}
        self._thread = threading.Thread(target=self._run, name=f"polystore-{backend}", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Have the thread look what there is to do; costs next to nothing when it is awake anyway."""
        if not self._rung:
            self._rung = True
            with contextlib.suppress(OSError):
                self._bell.send(b"!")

    def undelivered(self) -> list[Link]:
        """Return the viewers that have yet to take frames, and still may."""
        return [
            link for name, link in self.links.items() if self._frames.undelivered(name) and link.may_answer
        ]

    def is_starting(self, link: Link) -> bool:
        """Whether a viewer is on its way, and cannot be expected to answer yet."""
        if link.state == "greeting":
            return not link.is_silent
        files = link.target.files
        return link.state == "starting" and (files is None or read_record(files) is None)

    def retire(self) -> None:
        """End the thread, as :meth:`stop` does, once every viewer that can be reached has everything."""
        self._retired = True
        self.ring()

    def stop(self) -> None:
        """Have the thread say goodbye to the viewers and end; from any thread."""
        self._closing = True
        self._rung = False
        self.ring()

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join()

    def forget(self) -> None:
        """Close, in a forked child, its copies of the descriptors of its parent."""
        self._doorbell.close()
        self._bell.close()
        for link in self.links.values():
            link.drop_lease()

    def _run(self) -> None:
        try:
            self._prepare()
            self._work()
        except Exception as error:
            for link in self.links.values():
                link.give_up(f"the thread that sends to viewers failed: {type(error).__name__}: {error}")
            raise
        finally:
            for link in self.links.values():
                link.close()
            self._context.term()
            self._bell.close()
            self._doorbell.close()
            self._ended()

    def _prepare(self) -> None:
        never_preempt()
        self._poller.register(self._doorbell, zmq.POLLIN)
        for link in self.links.values():
            self._poller.register(link.socket, zmq.POLLIN)
            self._poller.register(link.monitor, zmq.POLLIN)
        self._start_viewers()

    def _work(self) -> None:
        next_ping = time.monotonic() + _PING_SECONDS
        while not (self._closing or (self._retired and not self.undelivered())):
            wait = ceil(max(0.0, next_ping - time.monotonic()) * 1000)
            ready = dict(self._poller.poll(wait))
            if self._doorbell.fileno() in ready:
                self._doorbell.recv(64)
            self._rung = False
            while self._tasks:
                self._tasks.popleft()()
            pinging = time.monotonic() >= next_ping
            if pinging:
                next_ping = time.monotonic() + _PING_SECONDS
            for link in self.links.values():
                if link.monitor in ready:
                    link.read_monitor()
                if link.socket in ready:
                    link.read_messages()
                if pinging:
                    link.ping()
                    self._look_after(link)
                link.advance()
                self._poller.modify(link.socket, zmq.POLLIN | (zmq.POLLOUT if link.wants_to_write else 0))
            self._arena.populate_ahead()

    def _start_viewers(self) -> None:
        for link in self.links.values():
            if link.target.files is not None and not is_running(link.target.files):
                self._start_viewer(link, link.target.files)

    def _start_viewer(self, link: Link, files: RuntimeFiles) -> None:
        """Start a viewer that does not run, once."""
        if not self._autostart:
            link.give_up(f"no viewer {files.name!r} runs; start it by `{files.command}`", absent=True)
            return
        if files.name in self._tried:
            link.give_up(_why_it_ended(files), absent=True)
            return
        self._tried.add(files.name)
        try:
            process = launch(files, self._backend, self._display_options)
        except (OSError, ValueError) as error:
            link.give_up(f"viewer {files.name!r} could not be started: {error}", absent=True)
            return
        if process is None:
            return
        self._launched.add(files.name)
        threading.Thread(
            target=_await_end,
            args=(process, weakref.ref(self), files.name),
            name="polystore-wait",
            daemon=True,
        ).start()

    def _look_after(self, link: Link) -> None:
        """Notice that somebody who was to come has gone."""
        files = link.target.files
        if link.state != "starting" or link.target.name in self._launched:
            return
        if files is None:
            if time.monotonic() - link.since > _CONNECT_SECONDS:
                link.give_up(f"no viewer answers at {link.target.endpoint}")
        elif not is_running(files):
            self._start_viewer(link, files)

    def note_end(self, name: str) -> None:
        """Note that the process of a viewer that was started here has ended; from any thread."""
        self._tasks.append(partial(self._viewer_ended, name))
        self.ring()

    def _viewer_ended(self, name: str) -> None:
        self._launched.discard(name)
        link = self.links[name]
        if link.state == "starting" and link.target.files is not None:
            link.give_up(_why_it_ended(link.target.files), absent=True)


def _why_it_ended(files: RuntimeFiles) -> str:
    return f"viewer {files.name!r} could not be started: {last_words(files)}; to try again: `{files.command}`"


def _await_end(process: LaunchedViewer, pump: weakref.ref[Pump], name: str) -> None:
    """Wait for a viewer process, so that none is left behind as a zombie."""
    process.wait()
    alive = pump()
    if alive is not None:
        alive.note_end(name)
