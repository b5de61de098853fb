"""Which viewer to send to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from polystore_core.errors import InvalidOption
from polystore_streaming.processes import RuntimeFiles

if TYPE_CHECKING:
    import zmq

__all__ = ["Target", "ViewerAddress", "targets"]

_KEY_LENGTH = 40
"""Of a CURVE key in Z85."""

ViewerAddress: TypeAlias = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """A viewer, as a sender addresses it.

    Attributes
    ----------
    name
        For messages and metrics: the viewer's name, or its address on the network.
    endpoint
        ZeroMQ address.
    files
        Files of a viewer of this machine, which can be started; ``None`` on the network.
    token
        What the viewer asks for on the network.
    server_key
        The viewer's public CURVE key; empty without encryption.
    """

    name: str
    endpoint: str
    files: RuntimeFiles | None = None
    token: str = ""
    server_key: str = ""

    def secure(self, socket: zmq.Socket[bytes]) -> None:
        """Encrypt a connection, if the viewer has a key."""
        if not self.server_key:
            return
        import zmq

        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = self.server_key.encode()


def targets(viewer: str, addresses: ViewerAddress | Sequence[ViewerAddress] | None) -> tuple[Target, ...]:
    """Return the targets for what the configuration of a viewer backend says.

    Parameters
    ----------
    viewer
        Kind of the viewer, such as ``"napari"``: also the name of the one that is used by default.
    addresses
        One or several of: the name of a viewer of this machine; ``"tcp://HOST:PORT"``; a mapping with
        ``endpoint``, ``token`` and ``server_key``.

    Raises
    ------
    InvalidOption
        If it is none of these, or names a viewer twice.

    Examples
    --------
    >>> from polystore_streaming.sender import targets
    >>> [target.name for target in targets("napari", ["left", "tcp://127.0.0.1:5555"])]
    ['napari.left', 'tcp://127.0.0.1:5555']
    """
    if addresses is None or isinstance(addresses, (str, Mapping)):
        addresses = [viewer if addresses is None else addresses]
    found = tuple(_target(viewer, address) for address in addresses)
    if not found or len({target.name for target in found}) != len(found):
        raise InvalidOption(f"viewers= takes one or more viewers, each once; got {addresses!r}")
    return found


def _target(viewer: str, address: ViewerAddress) -> Target:
    if isinstance(address, Mapping):
        if not {"endpoint"} <= set(address) <= {"endpoint", "token", "server_key"}:
            raise InvalidOption(
                f"a viewer on the network has 'endpoint', 'token' and 'server_key'; got {', '.join(address)}"
            )
        key = address.get("server_key", "")
        if len(key) not in (0, _KEY_LENGTH):
            raise InvalidOption(f"a server_key has {_KEY_LENGTH} characters, not {len(key)}")
        endpoint = _endpoint(address["endpoint"])
        return Target(endpoint, endpoint, token=address.get("token", ""), server_key=key)
    if "://" in address:
        return Target(address, _endpoint(address), token=os.environ.get("POLYSTORE_VIEWER_TOKEN", ""))
    name = address if address.partition(".")[0] == viewer else f"{viewer}.{address}"
    files = RuntimeFiles.of(name)
    return Target(name, f"ipc://{files.socket}", files)


def _endpoint(address: str) -> str:
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if not (address.startswith("tcp://") and host and port.isdecimal() and 0 < int(port) < 65536):
        raise InvalidOption(
            f"a viewer on the network is at tcp://HOST:PORT, such as tcp://127.0.0.1:5555; got {address!r}"
        )
    return address
