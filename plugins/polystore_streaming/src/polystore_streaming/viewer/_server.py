"""The viewer's thread: sockets in, mailbox out, acknowledgements back."""

from __future__ import annotations

import contextlib
import os
import socket as sockets
import threading
import time
from collections import deque
from math import ceil
from typing import TYPE_CHECKING, Any

import zmq

from polystore_streaming.viewer._leases import Leases
from polystore_streaming.viewer._receiver import Receiver
from polystore_streaming.wire import MAX_HEADER_BYTES, MAX_PIECE_BYTES, Closing, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polystore_streaming.processes import RuntimeFiles
    from polystore_streaming.viewer._mailbox import Mailbox
    from polystore_streaming.viewer._network import Listener
    from polystore_streaming.viewer._peers import Address, Peer
    from polystore_streaming.wire import Ack

__all__ = ["Server", "allow_many_connections"]

_LONGEST_PART = max(MAX_HEADER_BYTES, MAX_PIECE_BYTES + MAX_PIECE_BYTES // 200 + 64)
"""A piece that does not compress grows by less than half a percent."""

_MOST_DESCRIPTORS = 65536

_LOCAL = 0
"""Number of the socket that only processes of this user reach."""

_HANDSHAKE_MS = 5000
"""Who has connected and does not speak ZeroMQ is turned away after this time."""

_GOODBYE_SECONDS = 0.5
"""How long a window that is being closed waits for its senders."""

_LOOK_MS = 2000
"""How often to look for connections and senders that say nothing."""


class Server:
    """Receives for one viewer, in a thread of its own.

    Parameters
    ----------
    files
        Sockets of the viewer on this machine.
    mailbox
        Where what has arrived goes.
    arrived
        Called, from the server's thread, after something has arrived.
    listeners
        Where to listen on the network.
    """

    def __init__(
        self,
        files: RuntimeFiles,
        mailbox: Mailbox,
        arrived: Callable[[], None],
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._files = files
        self._context: zmq.Context[Any] = zmq.Context()
        self._leases = Leases(str(files.lease))
        self._routers: list[tuple[zmq.Socket[bytes], str]] = []
        self.receiver = Receiver(
            files.name,
            mailbox,
            self._send,
            lambda: None if self._closing else arrived(),
            lease=str(files.lease),
            handed_over=self._leases.memory_of,
        )
        with contextlib.suppress(FileNotFoundError):
            files.socket.unlink()
        local = self._router()
        if hasattr(os, "geteuid"):
            local.setsockopt(zmq.IPC_FILTER_UID, os.geteuid())
        local.bind(f"ipc://{files.socket}")
        self.endpoints = [listener.bind(self._router(listener.token)) for listener in listeners]
        self._doorbell, self._bell = sockets.socketpair()
        self._doorbell.setblocking(False)
        self._bell.setblocking(False)
        self._acks: deque[tuple[Peer, Ack]] = deque()
        self._answers: deque[tuple[Peer, list[bytes]]] = deque()
        self._polled: set[int] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="polystore-viewer", daemon=True)

    def start(self) -> None:
        """Start to receive."""
        self._thread.start()

    def acknowledge(self, peer: Peer, ack: Ack) -> None:
        """Have a sender told what became of a frame; from any thread."""
        self._acks.append((peer, ack))
        self._ring()

    def answer(self, peer: Peer, parts: list[bytes]) -> None:
        """Have a question answered; from any thread."""
        self._answers.append((peer, parts))
        self._ring()

    def close(self) -> None:
        """Tell senders that the window is being closed, and end the thread."""
        self._closing = True
        self._ring()
        self._thread.join()

    def _router(self, token: str = "") -> zmq.Socket[bytes]:
        router: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        router.setsockopt(zmq.MAXMSGSIZE, _LONGEST_PART)
        router.setsockopt(zmq.RCVHWM, 64)
        router.setsockopt(zmq.SNDHWM, 1024)
        router.setsockopt(zmq.LINGER, 200)
        router.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        self._routers.append((router, token))
        return router

    def _ring(self) -> None:
        with contextlib.suppress(OSError):
            self._bell.send(b"!")

    def _send(self, address: Address, parts: list[bytes]) -> None:
        number, identity = address
        with contextlib.suppress(zmq.ZMQError):
            self._routers[number][0].send_multipart([identity, *parts], zmq.NOBLOCK)

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._doorbell, zmq.POLLIN)
        for router, _ in self._routers:
            poller.register(router, zmq.POLLIN)
        try:
            next_look = time.monotonic()
            while not self._closing:
                self._wait_and_serve(poller, _LOOK_MS)
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + _LOOK_MS / 1000
                    self._leases.turn_away_silent()
                    self.receiver.forget_silent()
            self._say_goodbye(poller)
        finally:
            self._let_go()

    def _wait_and_serve(self, poller: zmq.Poller, patience_ms: int) -> None:
        leases = set(self._leases.descriptors())
        for fd in self._polled - leases:
            poller.unregister(fd)
        for fd in leases - self._polled:
            poller.register(fd, zmq.POLLIN)
        self._polled = leases
        self._serve({fd for fd, _ in poller.poll(patience_ms)})

    def _serve(self, ready: set[Any]) -> None:
        if self._doorbell.fileno() in ready:
            self._doorbell.recv(4096)
        for number, (router, _) in enumerate(self._routers):
            if router in ready:
                self._receive(number)
        if self._leases.listener.fileno() in ready:
            self._leases.accept()
        for fd in ready:
            if isinstance(fd, int) and (ended := self._leases.read(fd)) is not None:
                self.receiver.forget(ended)
        self._deliver_answers()

    def _receive(self, number: int) -> None:
        router, token = self._routers[number]
        # A bound on how many, so that acknowledgements go out while a sender floods us.
        for _ in range(64):
            try:
                identity, *parts = router.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            buffers = [memoryview(part.buffer) for part in parts]
            self.receiver.receive((number, identity.bytes), buffers, token=token, is_local=number == _LOCAL)

    def _deliver_answers(self) -> None:
        acks: dict[Peer, list[Ack]] = {}
        while self._acks:
            peer, ack = self._acks.popleft()
            acks.setdefault(peer, []).append(ack)
        self.receiver.acknowledge(acks)
        while self._answers:
            self.receiver.answer(*self._answers.popleft())

    def _say_goodbye(self, poller: zmq.Poller) -> None:
        """Tell senders, and wait a moment for the bye of each: then it has read all that it was told."""
        self._deliver_answers()
        for address in self.receiver.peers:
            self._send(address, [encode(Closing())])
        deadline = time.monotonic() + _GOODBYE_SECONDS
        while self.receiver.peers and (left := deadline - time.monotonic()) > 0:
            self._wait_and_serve(poller, ceil(left * 1000))

    def _let_go(self) -> None:
        for router, _ in self._routers:
            router.close()
        self._leases.close()
        self._context.term()
        self._bell.close()
        self._doorbell.close()
        for left in (self._files.socket, self._files.lease):
            with contextlib.suppress(OSError):
                left.unlink()


def allow_many_connections() -> None:
    """Raise the number of descriptors that this process may have, as far as the system lets it.

    Each connection takes one, and libzmq ends the process when it can accept no more on a Unix socket.
    """
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
