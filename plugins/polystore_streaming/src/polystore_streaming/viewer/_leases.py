"""Memory that senders have handed over, as long as they live."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from polystore_core.errors import CorruptData
from polystore_streaming.memory import listen, map_received, peer_is_same_user, receive

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = ["Leases"]

_MOST_CONNECTIONS = 512
_MOST_SILENT = 64
_SILENT_SECONDS = 5.0


class Leases:
    """The socket that memory comes in by, and the connections through which it came.

    Who connects and hands nothing over is turned away after a few seconds, or when others come.

    Parameters
    ----------
    path
        Of the socket.
    clock
        Seconds, monotonic.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.listener = listen(path)
        self._clock = clock
        self._silent: dict[int, tuple[socket.socket, float]] = {}
        self._leased: dict[int, tuple[socket.socket, bytes]] = {}
        self._memory: dict[bytes, memoryview] = {}
        self._spare = [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)]

    def descriptors(self) -> list[int]:
        """What to poll: the listener and every connection."""
        return [self.listener.fileno(), *self._silent, *self._leased]

    def memory_of(self, session: bytes) -> memoryview | None:
        """Return what was handed over for a session, taking in what has just come."""
        self.accept()
        for fd in list(self._silent):
            self.read(fd)
        return self._memory.get(session)

    def accept(self) -> None:
        """Take new connections of processes of this user; others are turned away."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:
                return
            except OSError:
                self._turn_one_away()
                return
            if not peer_is_same_user(connection) or len(self._leased) >= _MOST_CONNECTIONS:
                connection.close()
                continue
            connection.setblocking(False)
            while len(self._silent) >= _MOST_SILENT:
                self._end(next(iter(self._silent)))
            self._silent[connection.fileno()] = connection, self._clock()

    def read(self, fd: int) -> bytes | None:
        """Read from a connection; return the session of a sender that has ended."""
        if fd in self._leased:
            return self._read_again(fd)
        if fd in self._silent:
            self._read_first(fd)
        return None

    def turn_away_silent(self) -> None:
        """End connections through which nothing has come for a while."""
        deadline = self._clock() - _SILENT_SECONDS
        for fd in [fd for fd, (_, since) in self._silent.items() if since < deadline]:
            self._end(fd)

    def close(self) -> None:
        """Close everything; memory is unmapped when the last frame in it is gone."""
        for fd in [*self._silent, *self._leased]:
            self._end(fd)
        self.listener.close()
        for fd in self._spare:
            os.close(fd)

    def _read_first(self, fd: int) -> None:
        connection, _ = self._silent[fd]
        try:
            received = receive(connection)
        except BlockingIOError:
            return
        except OSError:
            received = None
        if received is None:
            self._end(fd)
            return
        session, memory_fd = received
        try:
            memory = map_received(memory_fd, os.fstat(memory_fd).st_size)
        except CorruptData:
            self._end(fd)
            return
        if session in self._memory:
            self._end(fd)
            return
        del self._silent[fd]
        self._leased[fd] = connection, session
        self._memory[session] = memory

    def _read_again(self, fd: int) -> bytes | None:
        """Nothing more is to come: whatever does come ends the connection."""
        connection, _ = self._leased[fd]
        try:
            received = receive(connection)
        except BlockingIOError:
            return None
        except OSError:
            received = None
        if received is not None:
            os.close(received[1])
        return self._end(fd)

    def _end(self, fd: int) -> bytes | None:
        connection, session = self._leased.pop(fd, (None, None))
        if connection is None:
            connection, _ = self._silent.pop(fd)
        with contextlib.suppress(OSError):
            connection.close()
        if session is not None:
            del self._memory[session]
        return session

    def _turn_one_away(self) -> None:
        """Accept and close one connection when no descriptor is left, or the listener would never rest."""
        while self._spare:
            os.close(self._spare.pop())
        with contextlib.suppress(OSError):
            self.listener.accept()[0].close()
            self._spare.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
