"""Listening on the network: on loopback with a token, anywhere else with encryption too."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from polystore_core.errors import InvalidOption

if TYPE_CHECKING:
    import zmq

__all__ = ["Listener"]

_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a viewer listens on the network.

    Parameters
    ----------
    endpoint
        ``tcp://ADDRESS:PORT``; port 0 takes a free one.
    token
        What senders have to say; a random one by default.
    secret_key
        The viewer's secret CURVE key (Z85, 40 characters); empty for no encryption, on loopback only.

    Raises
    ------
    InvalidOption
        If the address is none, or needs a key and has none.

    Examples
    --------
    >>> from polystore_streaming.viewer import Listener
    >>> Listener("tcp://0.0.0.0:5555", token="t")
    Traceback (most recent call last):
    ...
    polystore_core.errors.InvalidOption: 'tcp://0.0.0.0:5555' can be reached from other machines, so it \
needs CURVE keys; ...
    """

    endpoint: str
    token: str = ""
    secret_key: str = ""

    def __post_init__(self) -> None:
        host, colon, port = self.endpoint.removeprefix("tcp://").rpartition(":")
        try:
            address = ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            address = None
        if (
            address is None
            or not self.endpoint.startswith("tcp://")
            or not (colon and port.isascii() and port.isdecimal() and int(port) <= _LARGEST_PORT)
        ):
            raise InvalidOption(
                f"listen on tcp://ADDRESS:PORT, for example tcp://127.0.0.1:5555; got {self.endpoint!r}"
            )
        if not address.is_loopback and not self.secret_key:
            raise InvalidOption(
                f"{self.endpoint!r} can be reached from other machines, so it needs CURVE keys; pass "
                f"--secret-key FILE, which makes them, or listen on tcp://127.0.0.1:{port}"
            )
        if not self.token:
            object.__setattr__(self, "token", secrets.token_urlsafe(24))

    def bind(self, socket: zmq.Socket[bytes]) -> str:
        """Listen; return the endpoint with the port that was taken.

        Raises
        ------
        InvalidOption
            If that is not possible: the port is taken, or the address is none of this machine.
        """
        import zmq

        socket.ipv6 = "[" in self.endpoint
        if self.secret_key:
            socket.curve_secretkey = self.secret_key.encode()
            socket.curve_publickey = zmq.curve_public(self.secret_key.encode())
            socket.curve_server = True
        try:
            socket.bind(self.endpoint)
        except zmq.ZMQError as error:
            raise InvalidOption(f"cannot listen on {self.endpoint!r}: {error}") from error
        return socket.getsockopt_string(zmq.LAST_ENDPOINT)
