"""A sender that says to a viewer's sockets what the test tells it to."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any

import msgspec
import zmq
from wire_support import Connection, hello, shared_memory

from polystore_streaming.memory import hand_over
from polystore_streaming.wire import (
    ALIGNMENT,
    Ack,
    Acks,
    ArraySpec,
    Frame,
    Reply,
    Request,
    Share,
    Shared,
    Welcome,
    Who,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from viewer_processes import Viewers

MEMORY = 1 << 20
"""What the catalogue of hostile frames reckons with."""
FIRST_PLACE = 64
FIRST_QUESTION = 1 << 32
"""Beyond the numbers that other messages of a test carry."""


class WireSender(Connection):
    """A connection that has been welcomed, with memory that has been handed over.

    Attributes
    ----------
    memory
        What the viewer reads frames in.
    """

    def __init__(self, context: zmq.Context[Any], viewers: Viewers) -> None:
        files = viewers.files()
        super().__init__(context, f"ipc://{files.socket}")
        self.memory, self._fd = shared_memory(MEMORY)
        self._session = os.urandom(16)
        self._number = 0
        self._lease: socket.socket = hand_over(str(files.lease), self._session, self._fd)
        self.greet_again()

    def greet_again(self) -> None:
        """Say hello, and that there is memory."""
        self.say(hello(self._session))
        assert isinstance(self.hear(Welcome), Welcome)
        self.say(encode(Share(size=MEMORY)))
        assert self.hear(Shared).nonce

    def settle(self) -> None:
        """Wait until the viewer has shown everything; greet it again if it has turned us away."""
        answer: Any = None
        while not isinstance(answer, Reply):
            self._number += 1
            question = FIRST_QUESTION + self._number
            self.say(encode(Request(id=question, what="status")))
            while not (isinstance(answer, Who) or (isinstance(answer, Reply) and answer.id == question)):
                answer = self.hear()
                assert answer is not None, "the viewer does not answer"
            if isinstance(answer, Who):
                self.greet_again()
                answer = None

    def show(self, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]) -> Ack | str:
        """Send a frame as it is described, checked by nobody.

        Returns
        -------
        Ack or str
            What the viewer says became of it, or why it turns us away.
        """
        self._number += 1
        specs, end = [], 0
        for name, array in arrays.items():
            specs.append(ArraySpec(name=name, dtype=array.dtype.name, shape=array.shape, offset=end))
            begin = FIRST_PLACE + end
            self.memory[begin : begin + array.nbytes] = array.tobytes()
            end += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
        described = {"path": "odd.tif", "layer": "odd.tif", **fields}
        self.say(
            encode(Frame(seq=self._number, arrays=tuple(specs), size=end, place=FIRST_PLACE, **described))
        )
        answer = self.hear()
        assert answer is not None, "the viewer does not answer"
        return answer.frames[0] if isinstance(answer, Acks) else str(answer.reason)

    def ask(self, what: Any, **more: Any) -> Any:
        """Ask the viewer something; return the value of the answer.

        Raises
        ------
        ValueError
            If the answer is an error.
        """
        self._number += 1
        self.say(encode(Request(id=self._number, what=what, **more)))
        answer = self.hear(Reply)
        assert answer is not None, "the viewer does not answer"
        if answer.error:
            raise ValueError(answer.error)
        return msgspec.msgpack.decode(answer.value)

    def close(self) -> None:
        """End."""
        if not self.socket.closed:
            super().close()
            self._lease.close()
            os.close(self._fd)


@contextlib.contextmanager
def wire_senders(viewers: Viewers) -> Iterator[Any]:
    """Yield a function that makes senders to the running viewer."""
    context: zmq.Context[Any] = zmq.Context()
    opened: list[WireSender] = []

    def make() -> WireSender:
        opened.append(WireSender(context, viewers))
        return opened[-1]

    try:
        yield make
    finally:
        for sender in opened:
            sender.close()
        context.term()
