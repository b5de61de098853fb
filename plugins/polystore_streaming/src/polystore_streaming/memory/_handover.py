"""Handing memory over to another process of the same user, through a Unix socket.

A sender connects to the viewer's socket and sends one packet: 16 bytes that name its session and, as
ancillary data, the descriptor. Both ends check that the other process belongs to the same user. The sender
keeps the connection: when it ends, the viewer knows that the sender has.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import struct

__all__ = ["SESSION_BYTES", "hand_over", "listen", "peer_is_same_user", "receive"]

SESSION_BYTES = 16
"""Length of the name of a session."""


def listen(path: str) -> socket.socket:
    """Open the socket that senders hand memory over to; a stale one of that name is replaced.

    It does not block. Only this user can connect.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(64)
    listener.setblocking(False)
    return listener


def hand_over(path: str, session: bytes, fd: int) -> socket.socket:
    """Hand memory over and return the connection, which is to be kept.

    Raises
    ------
    OSError
        If there is no such socket, or a process of another user listens on it.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(1.0)
        connection.connect(path)
        _require_same_user(connection, path)
        socket.send_fds(connection, [session], [fd])
    except BaseException:
        connection.close()
        raise
    connection.setblocking(False)
    return connection


def receive(connection: socket.socket) -> tuple[bytes, int] | None:
    """Receive what a sender hands over: name of the session and descriptor; ``None`` if it is not as agreed.

    Descriptors that were not asked for are closed.

    Raises
    ------
    BlockingIOError
        If nothing has come yet.
    """
    room = socket.CMSG_SPACE(8 * array.array("i").itemsize)
    session, ancillary, flags, _ = connection.recvmsg(SESSION_BYTES + 1, room, socket.MSG_CMSG_CLOEXEC)
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    expected = len(session) == SESSION_BYTES and len(fds) == 1 and not flags & socket.MSG_CTRUNC
    if expected:
        return session, fds[0]
    for fd in fds:
        os.close(fd)
    return None


def _require_same_user(connection: socket.socket, path: str) -> None:
    if not peer_is_same_user(connection):
        raise PermissionError(f"the viewer at {path} belongs to another user")


def peer_is_same_user(connection: socket.socket) -> bool:
    """Whether the process at the other end runs as this user, as the kernel says."""
    if not hasattr(socket, "SO_PEERCRED"):
        return False
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return bool(user == os.geteuid())
