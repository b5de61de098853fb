"""Taking in what senders send, believing nothing: from raw messages to the mailbox.

It knows neither sockets nor windows, so that it can be given any message by a test.
"""

from __future__ import annotations

import hmac
import os
import socket as sockets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from polystore_core.errors import CorruptData
from polystore_streaming.memory import NONCE_BYTES
from polystore_streaming.viewer._mailbox import ArrivedFrame, ArrivedRequest, Mailbox
from polystore_streaming.wire import (
    MAX_FRAME_BYTES,
    VERSION,
    Ack,
    Acks,
    Bye,
    Counts,
    Frame,
    Hello,
    Piece,
    Ping,
    Pong,
    Refused,
    Request,
    Share,
    Shared,
    Welcome,
    Who,
    decode_from_sender,
    decompress_piece,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Address", "Peer", "Receiver"]

_CREDITS = 8
_MOST_PEERS = 256
_MOST_QUESTIONS = 64

Address: TypeAlias = tuple[int, bytes]
"""Which socket, and who at its other end."""

Send = Callable[[Address, list[bytes]], None]


class _Assembly:
    """An inline frame of which not all pieces have come."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.bytes = bytearray(frame.size)
        self.filled = 0

    def add(self, piece: Piece, payload: memoryview) -> bool:
        """Add the next piece; True when the frame is complete."""
        end = piece.offset + piece.size
        if piece.offset != self.filled or end > len(self.bytes):
            raise CorruptData(
                f"a piece for the bytes {piece.offset} to {end}; {self.filled} of {len(self.bytes)} have come"
            )
        self.bytes[piece.offset : end] = decompress_piece(payload, piece.size)
        self.filled = end
        return end == len(self.bytes)


class Peer:
    """One sender, from its hello on.

    Attributes
    ----------
    address
        Where answers go.
    session
        What it calls this connection.
    memory
        What it handed over; ``None`` if its frames come inline.
    credits
        Frames that it may send before another one is acknowledged.
    dropped
        Frames that it said it could never send.
    """

    def __init__(self, address: Address, session: bytes) -> None:
        self.address = address
        self.session = session
        self.memory: memoryview | None = None
        self.credits = _CREDITS
        self.questions = _MOST_QUESTIONS
        self.dropped = 0
        self.assembly: _Assembly | None = None


class Receiver:
    """The protocol as a viewer speaks it.

    Parameters
    ----------
    viewer
        Name of the viewer.
    mailbox
        Where what has arrived goes.
    send
        Sends the parts of one message to the address of a peer.
    arrived
        Called after something was put into the mailbox.
    lease
        Path of the socket that memory is handed over through; empty if it cannot be.
    handed_over
        Session -> memory, for what has been handed over.
    """

    def __init__(
        self,
        viewer: str,
        mailbox: Mailbox,
        send: Send,
        arrived: Callable[[], None],
        *,
        lease: str = "",
        handed_over: Callable[[bytes], memoryview | None] = lambda _: None,
    ) -> None:
        self.peers: dict[Address, Peer] = {}
        self.received = 0
        self.superseded = 0
        self._viewer = viewer
        self._mailbox = mailbox
        self._send = send
        self._arrived = arrived
        self._lease = lease
        self._handed_over = handed_over

    def receive(self, address: Address, parts: Sequence[bytes | memoryview], *, token: str = "") -> None:
        """Take in one message; a peer that breaks the protocol is dropped and told why.

        Parameters
        ----------
        address
            Where it came from.
        parts
            Header, and for a piece its bytes.
        token
            What a hello at this address has to bring along; empty for none.
        """
        try:
            if not 1 <= len(parts) <= 2:
                raise CorruptData(f"a message of {len(parts)} parts")  # noqa: TRY301
            self._take(address, decode_from_sender(parts[0]), memoryview(parts[-1]), token)
        except CorruptData as error:
            self.peers.pop(address, None)
            self._send(address, [encode(Refused(reason=str(error)[:1000]))])

    def acknowledge(self, acks: Mapping[Peer, Sequence[Ack]]) -> None:
        """Tell senders what became of their frames."""
        for peer, frames in acks.items():
            peer.credits += len(frames)
            if self.peers.get(peer.address) is peer:
                self._send(peer.address, [encode(Acks(session=peer.session, frames=tuple(frames)))])

    def answer(self, peer: Peer, parts: list[bytes]) -> None:
        """Send the answer to a question."""
        peer.questions += 1
        if self.peers.get(peer.address) is peer:
            self._send(peer.address, parts)

    def forget(self, session: bytes) -> None:
        """Forget a sender whose process has ended."""
        for address in [address for address, peer in self.peers.items() if peer.session == session]:
            del self.peers[address]

    def _take(self, address: Address, message: Any, payload: memoryview, token: str) -> None:
        if isinstance(message, Hello):
            self._greet(address, message, token)
            return
        peer = self.peers.get(address)
        if peer is None:
            self._send(address, [encode(Who())])
            return
        match message:
            case Frame():
                self._take_frame(peer, message)
            case Piece():
                self._take_piece(peer, message, payload)
            case Share():
                self._share(peer, message)
            case Ping():
                self._send(address, [encode(Pong(number=message.number, waiting=len(self._mailbox)))])
            case Counts():
                peer.dropped = message.dropped
            case Request():
                if peer.questions < 1:
                    raise CorruptData(f"more than {_MOST_QUESTIONS} questions at once")
                peer.questions -= 1
                self._mailbox.put_request(ArrivedRequest(peer, message))
                self._arrived()
            case Bye():
                del self.peers[address]

    def _greet(self, address: Address, hello: Hello, token: str) -> None:
        reason = ""
        if hello.version != VERSION:
            reason = f"this viewer speaks version {VERSION} of the protocol, not {hello.version}"
        elif not hmac.compare_digest(hello.token.encode(), token.encode()):
            reason = "the token is wrong; `polystore viewers` shows it on the viewer's machine"
        elif len(self.peers) >= _MOST_PEERS and address not in self.peers:
            reason = f"{_MOST_PEERS} senders are connected already"
        if reason:
            self._send(address, [encode(Refused(reason=reason))])
            return
        self.peers[address] = Peer(address, hello.session)
        welcome = Welcome(
            version=VERSION,
            session=hello.session,
            viewer=self._viewer,
            pid=os.getpid(),
            host=sockets.gethostname(),
            credits=_CREDITS,
            lease=self._lease,
        )
        self._send(address, [encode(welcome)])

    def _share(self, peer: Peer, share: Share) -> None:
        memory = self._handed_over(peer.session)
        if memory is not None and len(memory) != share.size:
            raise CorruptData(f"{share.size} bytes of shared memory announced, {len(memory)} handed over")
        peer.memory = memory
        nonce = b"" if memory is None else bytes(memory[:NONCE_BYTES])
        self._send(peer.address, [encode(Shared(session=peer.session, nonce=nonce))])

    def _take_frame(self, peer: Peer, frame: Frame) -> None:
        if peer.credits < 1:
            raise CorruptData(f"more than {_CREDITS} frames at once")
        if peer.assembly is not None:
            raise CorruptData("a frame before the pieces of the last one")
        if frame.place is None:
            if frame.size > MAX_FRAME_BYTES:
                raise CorruptData(f"an inline frame of {frame.size} bytes; {MAX_FRAME_BYTES} are allowed")
            peer.credits -= 1
            assembly = _Assembly(frame)
            if frame.size:
                peer.assembly = assembly
            else:
                self._deliver(peer, frame, memoryview(assembly.bytes))
            return
        if peer.memory is None:
            raise CorruptData("a frame in shared memory, and none was handed over")
        end = frame.place + frame.size
        if end > len(peer.memory):
            raise CorruptData(f"a frame ends at byte {end} of {len(peer.memory)}")
        peer.credits -= 1
        self._deliver(peer, frame, peer.memory[frame.place : end], same_clock=True)

    def _take_piece(self, peer: Peer, piece: Piece, payload: memoryview) -> None:
        assembly = peer.assembly
        if assembly is None or assembly.frame.seq != piece.seq:
            raise CorruptData("a piece of a frame that was not announced")
        if assembly.add(piece, payload):
            peer.assembly = None
            self._deliver(peer, assembly.frame, memoryview(assembly.bytes))

    def _deliver(self, peer: Peer, frame: Frame, memory: memoryview, *, same_clock: bool = False) -> None:
        self.received += 1
        older = self._mailbox.put_frame(ArrivedFrame(peer, frame, memory, same_clock))
        if older is not None:
            self.superseded += 1
            self.acknowledge({older.peer: [Ack(seq=older.frame.seq, outcome="superseded")]})
        self._arrived()
