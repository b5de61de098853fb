"""A viewer, and a sender, that take anything; and what is asked of them after each message."""

from __future__ import annotations

import math

import msgpack
import numpy as np
from wire_support import SESSION, OneThreadServer, frame, hello, read_only, shared_memory

from polystore_core.errors import CorruptData
from polystore_streaming.sender._questions import Question
from polystore_streaming.viewer import Mailbox
from polystore_streaming.wire import (
    Ack,
    Acks,
    Bye,
    Closing,
    Counts,
    Piece,
    Ping,
    Pong,
    Refused,
    Reply,
    Request,
    Share,
    Shared,
    Welcome,
    Who,
    compress_piece,
    decode_from_viewer,
    encode,
)

MEMORY = 1 << 20
BUDGET = 1 << 24
ADDRESSES = [(0, b"one"), (0, b"two"), (1, b"far")]

_memory, _fd = shared_memory(MEMORY)
_received = read_only(_fd, MEMORY)

PIECE = compress_piece(memoryview(bytes(48)))

FROM_SENDER = [
    hello(),
    encode(Share(size=MEMORY)),
    encode(frame(place=64)),
    encode(frame(shape=(2, 3, 4), dtype="float32", place=128, contrast=(0.0, 1.0), scale=(1.0, 2.0, 2.0))),
    encode(frame(shape=(4, 4), dtype="uint8", role="labels", place=128, position={"z": 1, "well": "A01"})),
    encode(frame(role="points", place=64, point_size=3.0)),
    encode(frame(role="rois", place=64)),
    encode(frame(shape=(2, 2, 3), dtype="uint8", axes=("y", "x", "rgb"), place=256)),
    encode(frame()),
    encode(frame(shape=(0, 4))),
    encode(frame(shape=(16384, 16384))),
    encode(Piece(seq=1, offset=0, size=48)),
    encode(Request(id=1, what="layers")),
    encode(Request(id=2, what="pixels", layer="a.tif", position={"z": 1})),
    encode(Request(id=3, what="status")),
    encode(Request(id=4, what="open", path="/etc/passwd", backend="disk")),
    encode(Request(id=5, what="remove", layer="a.tif")),
    encode(Request(id=6, what="screenshot")),
    encode(Counts(dropped=7)),
    encode(Ping(number=1)),
    encode(Bye()),
]
"""An honest message of each kind."""

FROM_VIEWER = [
    encode(Welcome(version=1, session=SESSION, viewer="v", pid=1, host="h", credits=8, lease="/tmp/l")),
    encode(Refused(reason="no")),
    encode(Shared(session=SESSION, nonce=bytes(32))),
    encode(Acks(session=SESSION, frames=(Ack(seq=1, outcome="shown"), Ack(seq=2, outcome="refused")))),
    encode(Reply(id=1, arrays=frame().arrays)),
    encode(Reply(id=1, error="no")),
    encode(Pong(number=1, waiting=2)),
    encode(Who()),
    encode(Closing()),
]


class FuzzedViewer:
    """Takes messages of three senders, one of which has handed memory over and one of which is far away."""

    def __init__(self):
        self.server = OneThreadServer(
            handed_over=lambda session: _received if session == SESSION else None, clock=self._tick
        )
        self._mailbox = Mailbox(most_bytes=BUDGET)
        self.server.host.mailbox = self.server.receiver._mailbox = self._mailbox
        self._now = 0.0
        self.frames = 0

    def hear(self, sender, *parts):
        """Take one message in."""
        address = ADDRESSES[sender % len(ADDRESSES)]
        self.server.hear(*parts, address=address, is_local=address[0] == 0)
        self.frames += 1

    def rest(self):
        """Show what has arrived, forget everybody, and see that nothing is left."""
        self.server.show()
        self.server.receiver.forget_silent()
        for address in list(self.server.receiver.peers):
            self.server.hear(encode(Bye()), address=address)
        self.server.show()
        assert len(self._mailbox) == 0
        assert self._mailbox._free == BUDGET
        self.server.sent.clear()
        self.server.display.contents.clear()

    def _tick(self):
        self._now += 1e-3
        return self._now


def ask_viewer(header, payload):
    """Take a message of a viewer as a sender with an open question does."""
    try:
        message = decode_from_viewer(header)
    except CorruptData:
        return
    if isinstance(message, Reply):
        question = Question(Request(id=message.id, what="layers"), 0)
        question.answer(message, memoryview(payload))
        try:
            question.wait(0.0, "v")
        except (OSError, CorruptData):
            return


def valid_second_parts():
    """Second parts that make sense, and bombs."""
    return [b"", PIECE, compress_piece(memoryview(bytes(1 << 20))), np.arange(48, dtype=np.uint8).tobytes()]


SECOND_PARTS = valid_second_parts()

EXTREMES = [
    *(None, True, -1, 0, 1, 2**31, 2**48, 2**63 - 1, 2**64 - 1, math.nan, math.inf, -0.0, 1e308, 5e-324),
    *("", "\0", "rgb", "x", "z", "../..", "\U0010ffff", "a" * 64, "a" * 4096, b"", [], {}),
    *([1.0, 2.0], [5e-324, 1e308], ["y", "x"], ["x", "y"], ["z", "x"], {"z": 2**40}, {"channel": "\n"}),
]
"""Values that some field of some message takes, at its limits or beyond."""


def unpacked(headers):
    """Return honest headers as mappings."""
    return [msgpack.unpackb(header) for header in headers]


def damaged_messages(chance, count):
    """Yield the parts of messages to a viewer, most of them with other bytes or another value."""
    for _ in range(count):
        header = chance.choice(FROM_SENDER)
        if chance.random() < 0.3:
            message = msgpack.unpackb(header)
            message[chance.choice(list(message))] = chance.choice(EXTREMES)
            header = msgpack.packb(message)
        changed = bytearray(header)
        for _ in range(chance.randrange(3)):
            begin = chance.randrange(len(changed) + 1)
            changed[begin : begin + chance.randrange(4)] = chance.randbytes(chance.randrange(5))
        parts = [bytes(changed)]
        if chance.random() < 0.2:
            parts.append(chance.choice(SECOND_PARTS))
        while chance.random() < 0.01:
            parts.append(chance.randbytes(chance.randrange(2000)))
        yield parts
