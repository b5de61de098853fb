"""Memory that senders have handed over, as long as they live."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from polystore_core.errors import CorruptData
from polystore_streaming.memory import listen, map_received, peer_is_same_user, receive

if TYPE_CHECKING:
    import socket

__all__ = ["Leases"]

_MOST_CONNECTIONS = 512


class Leases:
    """The socket that memory comes in by, and the connections through which it came.

    Parameters
    ----------
    path
        Of the socket.
    """

    def __init__(self, path: str) -> None:
        self.listener = listen(path)
        self._connections: dict[int, tuple[socket.socket, bytes | None]] = {}
        self._memory: dict[bytes, memoryview] = {}

    def descriptors(self) -> list[int]:
        """What to poll: the listener and every connection."""
        return [self.listener.fileno(), *self._connections]

    def memory_of(self, session: bytes) -> memoryview | None:
        """Return what was handed over for a session, taking in what has just come."""
        self.accept()
        for fd in list(self._connections):
            self.read(fd)
        return self._memory.get(session)

    def accept(self) -> None:
        """Take new connections of processes of this user; others are turned away."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if not peer_is_same_user(connection) or len(self._connections) >= _MOST_CONNECTIONS:
                connection.close()
                continue
            connection.setblocking(False)
            self._connections[connection.fileno()] = (connection, None)

    def read(self, fd: int) -> bytes | None:
        """Read from a connection; return the session of a sender that has ended."""
        if fd not in self._connections:
            return None
        connection, session = self._connections[fd]
        try:
            received = receive(connection)
        except BlockingIOError:
            return None
        except OSError:
            received = None
        if received is None or session is not None:
            if received is not None:
                os.close(received[1])
            return self._end(fd)
        session, memory_fd = received
        try:
            size = os.fstat(memory_fd).st_size
            self._memory[session] = map_received(memory_fd, size)
        except CorruptData:
            return self._end(fd)
        self._connections[fd] = (connection, session)
        return None

    def close(self) -> None:
        """Close everything; memory is unmapped when the last frame in it is gone."""
        for fd in list(self._connections):
            self._end(fd)
        self.listener.close()

    def _end(self, fd: int) -> bytes | None:
        connection, session = self._connections.pop(fd)
        with contextlib.suppress(OSError):
            connection.close()
        if session is not None:
            self._memory.pop(session, None)
        return session
