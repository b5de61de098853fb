"""One connection to one viewer, from greeting to goodbye. Everything here belongs to the sender's thread."""

from __future__ import annotations

import contextlib
import os
import socket as sockets
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
import numpy as np
import zmq
from zmq.utils.monitor import recv_monitor_message

from polystore_core.errors import CorruptData, PolyStoreError, ViewerUnreachable
from polystore_streaming.memory import hand_over
from polystore_streaming.processes import is_running, runtime_directory
from polystore_streaming.sender._appearance import contrast_of, lacks_contrast
from polystore_streaming.wire import (
    MAX_FRAME_BYTES,
    MAX_PIECE_BYTES,
    MAX_QUESTIONS,
    MAX_REPLY_BYTES,
    VERSION,
    Ack,
    Acks,
    Bye,
    Closing,
    Counts,
    Hello,
    Piece,
    Ping,
    Refused,
    Reply,
    Share,
    Shared,
    Welcome,
    Who,
    compress_piece,
    decode_from_viewer,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore_streaming.memory import Arena
    from polystore_streaming.sender._frames import Frames, Outgoing
    from polystore_streaming.sender._questions import Question
    from polystore_streaming.sender._target import Target

__all__ = ["Link", "LinkState"]

LinkState: TypeAlias = Literal["starting", "unreachable", "greeting", "ready"]

_PROGRAM = "polystore 1"
_SILENT_PINGS = 3
_MOST_CREDITS = 32
_MOST_MESSAGES = 64
"""Read in one turn, so that a viewer that floods us takes nothing from the others."""


class Link:
    """One viewer as the sender's thread sees it.

    ``starting``: nobody answers yet, but somebody may soon. ``unreachable``: nobody answers; still
    listening for one that comes. ``greeting``: connected, hello and memory are being agreed on. ``ready``:
    frames travel.

    Parameters
    ----------
    target
        Which viewer.
    frames
        What there is to send.
    arena
        The memory that frames lie in.
    context
        Of the sender's thread.

    Attributes
    ----------
    is_dismissed
        Whether this sender has asked the viewer to close.
    """

    def __init__(self, target: Target, frames: Frames, arena: Arena, context: zmq.Context[Any]) -> None:
        self.target = target
        self.state: LinkState = "starting"
        self.since = time.monotonic()
        self.reason = ""
        self.complaint = ""
        self.is_dismissed = False
        self.questions: deque[Question] = deque()
        self._frames = frames
        self._arena = arena
        self._asked: dict[int, Question] = {}
        self._session = b""
        self._has_shown = False
        self._is_absent = False
        self._credits = 1
        self._lease: sockets.socket | None = None
        self._shares = False
        self._outgoing: Iterator[list[bytes]] = iter(())
        self._stuck: list[bytes] | None = None
        self._pings = 0
        self._ping_is_out = False
        self._silent_pings = 0
        self._dropped_told = 0
        self.socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        self._configure()
        self.monitor: zmq.Socket[bytes] = self.socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        )
        self.socket.connect(target.endpoint)

    def _configure(self) -> None:
        # IMMEDIATE: what is sent belongs to a connection that exists, and is forgotten with it.
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, 64)
        self.socket.setsockopt(zmq.RCVHWM, 16)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_REPLY_BYTES)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self.socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        if self.target.files is None:
            self.socket.setsockopt(zmq.HEARTBEAT_IVL, 2000)
            self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 15000)
        self.target.secure(self.socket)

    @property
    def is_silent(self) -> bool:
        """Whether the viewer is connected and has not answered for some seconds."""
        return self.state in ("greeting", "ready") and self._silent_pings > _SILENT_PINGS

    @property
    def may_answer(self) -> bool:
        """Whether the viewer can be reached, or may be soon: one started by hand runs before it is met."""
        if self.state != "unreachable":
            return True
        files = self.target.files
        return self._is_absent and files is not None and is_running(files)

    @property
    def shares_memory(self) -> bool:
        """Whether the viewer reads frames where they lie."""
        return self._shares

    def read_monitor(self) -> None:
        """Follow connects and disconnects."""
        while True:
            try:
                event = recv_monitor_message(self.monitor, zmq.NOBLOCK)["event"]
            except zmq.Again:
                return
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._greet()
            elif event == zmq.EVENT_DISCONNECTED:
                self.read_messages()
                self._gone(f"viewer {self.target.name!r} was closed or died", absent=True)
            else:
                self.give_up(f"viewer {self.target.name!r} has another CURVE key than server_key=")

    def read_messages(self) -> None:
        """Take in what the viewer sends."""
        for _ in range(_MOST_MESSAGES):
            try:
                parts = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            try:
                payload = memoryview(parts[1].buffer) if len(parts) > 1 else memoryview(b"")
                self._take(decode_from_viewer(parts[0].buffer), payload)
            except CorruptData as error:
                self._lost(f"viewer {self.target.name!r} does not keep to the protocol: {error}")

    def advance(self) -> None:
        """Send what may be sent now."""
        while self._send_outgoing() and self.state == "ready":
            following = self._next_question() or self._next_frame()
            if following is None:
                break
            self._outgoing = following
        if (self.questions or self._asked) and not self.may_answer:
            self._fail_questions(self.reason)

    def ping(self) -> None:
        """Ask for a sign of life, unless the last such question is open, and tell what was dropped."""
        if self.state not in ("greeting", "ready"):
            return
        self._silent_pings += 1
        if self._ping_is_out:
            return
        self._pings += 1
        self._ping_is_out = self._send(encode(Ping(number=self._pings)))
        dropped = self._frames.counters(self.target.name).dropped
        if (
            self.state == "ready"
            and dropped != self._dropped_told
            and self._send(encode(Counts(dropped=dropped)))
        ):
            self._dropped_told = dropped

    def expect(self) -> None:
        """Say that somebody may answer soon."""
        self.since = time.monotonic()
        self._enter("starting")

    def give_up(self, reason: str, *, absent: bool = False) -> None:
        """Say that nobody answers and none is being started; one that comes is still welcome.

        Parameters
        ----------
        reason
            What users are told.
        absent
            Whether the viewer does not run: if one does later, it is another one.
        """
        self.reason = reason
        self._is_absent = absent
        self._enter("unreachable")
        self._fail_questions(reason)

    def close(self) -> None:
        """Say goodbye."""
        if self.state in ("greeting", "ready"):
            self._send(encode(Bye()))
            self.socket.setsockopt(zmq.LINGER, 200)
        self._forget_connection()
        self._fail_questions("the stream was closed")
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close()

    def _enter(self, state: LinkState) -> None:
        self.state = state
        self._frames.serve(self.target.name, state != "unreachable")

    def _greet(self) -> None:
        self._forget_connection()
        self._session = os.urandom(16)
        self.reason = ""
        self._enter("greeting")
        hello = Hello(
            version=VERSION,
            session=self._session,
            pid=os.getpid(),
            host=sockets.gethostname(),
            program=_PROGRAM,
            token=self.target.token,
        )
        self._outgoing = iter([[encode(hello)]])

    def _take(self, message: Any, payload: memoryview) -> None:
        self._silent_pings = 0
        self._ping_is_out = False
        match message:
            case Acks(session=self._session):
                for ack in message.frames:
                    self._acknowledged(ack)
            case Reply():
                question = self._asked.pop(message.id, None)
                if question is not None:
                    question.answer(message, payload)
            case Welcome(session=self._session) if self.state == "greeting":
                self._credits = min(message.credits, _MOST_CREDITS)
                self._share(message.lease)
            case Shared(session=self._session) if self.state == "greeting":
                self._start_sending(shares=message.nonce == self._arena.nonce)
            case Refused():
                self._take_back(f"viewer {self.target.name!r} refuses: {message.reason}")
            case Who() if self.state in ("greeting", "ready"):
                self._frames.lost(self.target.name)
                self._fail_questions(f"viewer {self.target.name!r} was restarted")
                self._greet()
            case Closing():
                self._send(encode(Bye()))
                self._gone(f"viewer {self.target.name!r} was closed")
            case _:
                pass

    def _acknowledged(self, ack: Ack) -> None:
        self._has_shown = True
        if self._frames.acknowledge(self.target.name, ack) and ack.reason:
            self.complaint = self.complaint or ack.reason

    def _share(self, lease: str) -> None:
        """Hand the memory over, if the viewer may be on this machine."""
        if self._arena.fd is not None and self._is_ours(lease):
            try:
                self._lease = hand_over(lease, self._session, self._arena.fd)
            except OSError:
                self._lease = None
        if self._lease is None:
            self._start_sending(shares=False)
        else:
            self._outgoing = iter([[encode(Share(size=self._arena.size))]])

    def _is_ours(self, lease: str) -> bool:
        """Whether a viewer may have named this socket: it is where viewers of this user have theirs."""
        return bool(lease) and os.path.dirname(lease) == str(runtime_directory()) and os.path.exists(lease)

    def _start_sending(self, *, shares: bool) -> None:
        self._shares = shares
        self.is_dismissed = False
        self._enter("ready")

    def _next_question(self) -> Iterator[list[bytes]] | None:
        while self.questions and self.questions[0].is_over:
            self.questions.popleft()
        if not self.questions or len(self._asked) >= MAX_QUESTIONS:
            return None
        if self._frames.last_waiting(self.target.name, self.questions[0].after):
            return None
        question = self.questions.popleft()
        self._asked[question.request.id] = question
        self.is_dismissed = question.request.what == "close"
        return iter([[encode(question.request)]])

    def _next_frame(self) -> Iterator[list[bytes]] | None:
        frame = self._frames.next_for(self.target.name, most=self._credits)
        if frame is None:
            return None
        return self._messages_of(frame)

    def _messages_of(self, frame: Outgoing) -> Iterator[list[bytes]]:
        if lacks_contrast(frame.message):
            self._estimate_contrast(frame)
        if self._shares:
            yield [encode(frame.message)]
            return
        if frame.message.size > MAX_FRAME_BYTES:
            reason = f"{frame.message.path!r}: more than the {MAX_FRAME_BYTES} bytes that can be sent inline"
            self._acknowledged(Ack(seq=frame.message.seq, outcome="refused", reason=reason))
            return
        yield [encode(msgspec.structs.replace(frame.message, place=None))]
        memory = self._arena.view(frame.block, frame.message.size)
        for offset in range(0, frame.message.size, MAX_PIECE_BYTES):
            part = memory[offset : offset + MAX_PIECE_BYTES]
            header = Piece(seq=frame.message.seq, offset=offset, size=len(part))
            yield [encode(header), compress_piece(part)]

    def _estimate_contrast(self, frame: Outgoing) -> None:
        """Complete a header here, in the sender's thread, and not while the pipeline waits."""
        (pixels,) = frame.message.arrays
        dtype = np.dtype(pixels.dtype).newbyteorder("<")
        limits = contrast_of(self._arena.array(frame.block, pixels.offset, pixels.shape, dtype))
        frame.message = msgspec.structs.replace(frame.message, contrast=limits)

    def _send_outgoing(self) -> bool:
        """Go on with what is being sent; False if the connection takes no more at the moment."""
        while (parts := self._stuck or next(self._outgoing, None)) is not None:
            self._stuck = None
            if not self._send(*parts):
                self._stuck = parts
                return False
        return True

    @property
    def wants_to_write(self) -> bool:
        """Whether something waits for the connection to take more."""
        return self._stuck is not None

    def _send(self, *parts: bytes) -> bool:
        try:
            self.socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _lost(self, reason: str, *, absent: bool = False) -> None:
        if self.state not in ("greeting", "ready"):
            return
        reason = self.reason or reason
        if self.target.files is not None:
            reason += f"; start it again by `{self.target.files.command}`"
        self._take_back(reason, absent=absent)

    def _gone(self, reason: str, *, absent: bool = False) -> None:
        """Take back what a viewer had that has ended; after one that showed nothing another may come."""
        if self._has_shown or self.state not in ("greeting", "ready"):
            self._lost(reason, absent=absent)
            return
        self._forget_connection()
        self._fail_questions(reason)
        self._frames.lost(self.target.name)
        self.expect()

    def _take_back(self, reason: str, *, absent: bool = False) -> None:
        """Take back what the viewer has in hand: it is gone, or turns us away."""
        self._forget_connection()
        self._frames.lost(self.target.name)
        self.give_up(reason, absent=absent)

    def drop_lease(self) -> None:
        """Close the connection by which a viewer knows that the sender lives."""
        if self._lease is not None:
            with contextlib.suppress(OSError):
                self._lease.close()
            self._lease = None

    def _forget_connection(self) -> None:
        self.drop_lease()
        self._shares = False
        self._outgoing = iter(())
        self._stuck = None
        self._silent_pings = 0
        self._ping_is_out = False
        self._dropped_told = 0

    def _fail_questions(self, reason: str) -> None:
        error: PolyStoreError = ViewerUnreachable(reason)
        for question in (*self._asked.values(), *self.questions):
            question.fail(error)
        self._asked.clear()
        self.questions.clear()
