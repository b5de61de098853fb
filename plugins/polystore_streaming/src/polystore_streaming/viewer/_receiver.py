"""Taking in what senders send, believing nothing: from raw messages to the mailbox.

It knows neither sockets nor windows, so that it can be given any message by a test.
"""

from __future__ import annotations

import hmac
import os
import socket as sockets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from polystore_core.errors import CorruptData
from polystore_streaming.memory import NONCE_BYTES
from polystore_streaming.viewer._mailbox import ArrivedFrame, ArrivedRequest, Mailbox
from polystore_streaming.viewer._peers import CREDITS, Address, Assembly, Peer
from polystore_streaming.wire import (
    MAX_FRAME_BYTES,
    MAX_QUESTIONS,
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
    Reply,
    Request,
    Share,
    Shared,
    Welcome,
    Who,
    decode_from_sender,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Receiver"]

_MOST_PEERS = 256

_SILENT_SECONDS = 30.0
"""Senders on the network ping every second."""

_HEADER_COST = 2048
_COST_PER_BYTE = 4
"""What a header takes in memory, unpacked: about this much, and this much per byte of it."""

_NO_ROOM = "too much of this sender waits to be shown already"

Send = Callable[[Address, list[bytes]], None]


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
        Session -> memory, for what has been handed over by a process of the same user.
    clock
        Seconds, monotonic.
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
        clock: Callable[[], float] = time.monotonic,
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
        self._clock = clock

    def receive(
        self,
        address: Address,
        parts: Sequence[bytes | memoryview],
        *,
        token: str = "",
        is_local: bool = False,
    ) -> None:
        """Take in one message; a peer that breaks the protocol is dropped and told why.

        Parameters
        ----------
        address
            Where it came from.
        parts
            Header, and for a piece its bytes.
        token
            What a hello at this address has to bring along; empty for none.
        is_local
            Whether the kernel says that it came from a process of the same user of this machine.
        """
        try:
            message = decode_from_sender(parts[0] if parts else b"")
            if len(parts) != 1 + isinstance(message, Piece):
                raise CorruptData(f"a message of {len(parts)} parts")  # noqa: TRY301
            if isinstance(message, Hello):
                self._greet(address, message, token, is_local=is_local)
            elif (peer := self.peers.get(address)) is None:
                self._send(address, [encode(Who())])
            else:
                peer.heard = self._clock()
                cost = _HEADER_COST + _COST_PER_BYTE * len(parts[0])
                self._take(peer, message, memoryview(parts[-1]), cost)
        except CorruptData as error:
            self._drop(address)
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
            self._drop(address)

    def forget_silent(self) -> None:
        """Forget senders that have handed nothing over, whose end nobody tells us, and that say nothing."""
        deadline = self._clock() - _SILENT_SECONDS
        for address, peer in list(self.peers.items()):
            if peer.memory is None and peer.heard < deadline:
                self._drop(address)

    def _drop(self, address: Address) -> None:
        """Let a sender go; what it sent is shown all the same, unless many come and go like that."""
        peer = self.peers.pop(address, None)
        if peer is None:
            return
        peer.has_left = True
        if peer.assembly is not None:
            self._mailbox.release(peer, peer.assembly.cost)
            peer.assembly = None
        self._mailbox.leave_behind()

    def _take(self, peer: Peer, message: Any, payload: memoryview, cost: int) -> None:
        match message:
            case Frame():
                self._take_frame(peer, message, cost)
            case Piece():
                self._take_piece(peer, message, payload)
            case Share():
                self._share(peer, message)
            case Ping():
                self._send(peer.address, [encode(Pong(number=message.number, waiting=len(self._mailbox)))])
            case Counts():
                peer.dropped = message.dropped
            case Request():
                self._take_request(peer, message, cost)
            case Bye():
                self._drop(peer.address)

    def _greet(self, address: Address, hello: Hello, token: str, *, is_local: bool) -> None:
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
        self._drop(address)
        self.peers[address] = Peer(address, hello.session, heard=self._clock(), is_local=is_local)
        welcome = Welcome(
            version=VERSION,
            session=hello.session,
            viewer=self._viewer,
            pid=os.getpid(),
            host=sockets.gethostname(),
            credits=CREDITS,
            lease=self._lease,
        )
        self._send(address, [encode(welcome)])

    def _share(self, peer: Peer, share: Share) -> None:
        memory = self._handed_over(peer.session)
        if memory is not None and len(memory) != share.size:
            raise CorruptData(f"{share.size} bytes of shared memory announced, {len(memory)} handed over")
        peer.memory = memory
        peer.is_local = peer.is_local or memory is not None
        nonce = b"" if memory is None else bytes(memory[:NONCE_BYTES])
        self._send(peer.address, [encode(Shared(session=peer.session, nonce=nonce))])

    def _take_request(self, peer: Peer, request: Request, cost: int) -> None:
        if peer.questions < 1:
            raise CorruptData(f"more than {MAX_QUESTIONS} questions at once")
        peer.questions -= 1
        if request.what == "open" and not peer.is_local:
            self._deny(peer, request, "only a process of this user on this machine may have files opened")
        elif not self._mailbox.reserve(peer, cost):
            self._deny(peer, request, _NO_ROOM)
        elif self._mailbox.put_request(ArrivedRequest(peer, request, cost)):
            self._arrived()
        else:
            self._mailbox.release(peer, cost)
            raise CorruptData(f"two questions with the number {request.id}")

    def _deny(self, peer: Peer, request: Request, reason: str) -> None:
        self.answer(peer, [encode(Reply(id=request.id, error=reason)), b""])

    def _take_frame(self, peer: Peer, frame: Frame, cost: int) -> None:
        if peer.credits < 1:
            raise CorruptData(f"more than {CREDITS} frames at once")
        if peer.assembly is not None:
            raise CorruptData("a frame before the pieces of the last one")
        peer.has_sent = True
        if frame.place is None:
            if frame.size > MAX_FRAME_BYTES:
                raise CorruptData(f"an inline frame of {frame.size} bytes; {MAX_FRAME_BYTES} are allowed")
            peer.credits -= 1
            self._expect_pieces(peer, frame, cost)
            return
        if peer.memory is None:
            raise CorruptData("a frame in shared memory, and none was handed over")
        end = frame.place + frame.size
        if end > len(peer.memory):
            raise CorruptData(f"a frame ends at byte {end} of {len(peer.memory)}")
        peer.credits -= 1
        if self._mailbox.reserve(peer, cost):
            memory = peer.memory[frame.place : end]
            self._deliver(ArrivedFrame(peer, frame, memory, same_clock=True, cost=cost))
        else:
            self._refuse(peer, frame)

    def _expect_pieces(self, peer: Peer, frame: Frame, cost: int) -> None:
        peer.assembly = Assembly(frame, 0)
        self._reserve(peer, peer.assembly, cost)
        if not frame.size:
            self._complete(peer, peer.assembly)

    def _take_piece(self, peer: Peer, piece: Piece, payload: memoryview) -> None:
        assembly = peer.assembly
        if assembly is None or assembly.frame.seq != piece.seq:
            raise CorruptData("a piece of a frame that was not announced")
        self._reserve(peer, assembly, piece.size)
        if assembly.add(piece, payload):
            self._complete(peer, assembly)

    def _reserve(self, peer: Peer, assembly: Assembly, size: int) -> None:
        if not assembly.is_kept:
            return
        if self._mailbox.reserve(peer, size):
            assembly.cost += size
            return
        self._mailbox.release(peer, assembly.cost)
        assembly.cost = 0
        assembly.is_kept = False

    def _complete(self, peer: Peer, assembly: Assembly) -> None:
        peer.assembly = None
        if assembly.is_kept:
            self._deliver(
                ArrivedFrame(peer, assembly.frame, assembly.memory, same_clock=False, cost=assembly.cost)
            )
        else:
            self._refuse(peer, assembly.frame)

    def _refuse(self, peer: Peer, frame: Frame) -> None:
        self.received += 1
        self.acknowledge(
            {peer: [Ack(seq=frame.seq, outcome="refused", reason=f"{frame.path!r}: {_NO_ROOM}")]}
        )

    def _deliver(self, arrived: ArrivedFrame) -> None:
        self.received += 1
        older = self._mailbox.put_frame(arrived)
        if older is not None:
            self.superseded += 1
            self.acknowledge({older.peer: [Ack(seq=older.frame.seq, outcome="superseded")]})
        self._arrived()
