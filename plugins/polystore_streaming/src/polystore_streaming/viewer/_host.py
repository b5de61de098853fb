"""The GUI thread's side: from the mailbox to the display."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np

from polystore_streaming.viewer._content import Status, Stored
from polystore_streaming.viewer._mailbox import ArrivedFrame, ArrivedRequest, Mailbox
from polystore_streaming.viewer._showing import show_frame
from polystore_streaming.wire import (
    ALIGNMENT,
    DTYPES,
    MAX_ANSWER_BYTES,
    MAX_REPLY_BYTES,
    Ack,
    ArraySpec,
    Reply,
    encode,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_streaming.viewer._display import Display
    from polystore_streaming.viewer._server import Server
    from polystore_streaming.wire import Outcome, Request

__all__ = ["DisplayHost"]

_DELIVERY_SECONDS = 0.03
"""How long the window may wait for its turn."""

_STATUS_SECONDS = 0.25


class DisplayHost:
    """Gives a display what has arrived, and the senders their answers.

    Parameters
    ----------
    display
        The display.
    """

    def __init__(self, display: Display) -> None:
        self.mailbox = Mailbox()
        self._display = display
        self._server: Server | None = None
        self._pending = False
        self._shown = 0
        self._refused = 0
        self._paints = 0
        self._unpainted: float | None = None
        self._latency: float | None = None
        self._status = Status()
        self._next_status = 0.0

    def serve(self, server: Server) -> None:
        """Answer through this server."""
        self._server = server

    def arrived(self) -> None:
        """Wake the display, unless it has been; called by the server's thread."""
        if not self._pending:
            self._pending = True
            self._display.wake()

    def deliver(self) -> bool:
        """Show what has arrived, for a bounded time; True if more is waiting."""
        self._pending = False
        deadline = time.monotonic() + _DELIVERY_SECONDS
        while (arrived := self.mailbox.take()) is not None:
            if isinstance(arrived, ArrivedFrame):
                self._show(arrived)
            else:
                self._answer(arrived)
            if time.monotonic() > deadline:
                break
        self._tell_status()
        return len(self.mailbox) > 0

    def painted(self) -> None:
        """Measure how long what is on the screen now took to get there."""
        self._paints += 1
        if self._unpainted is not None:
            self._latency = time.monotonic() - self._unpainted
            self._unpainted = None

    def _show(self, arrived: ArrivedFrame) -> None:
        outcome: Outcome = "shown"
        reason = ""
        try:
            show_frame(self._display, arrived.frame, arrived.memory)
            self._shown += 1
            if arrived.same_clock:
                self._unpainted = arrived.frame.sent
        except Exception as error:
            outcome, reason = "refused", _text(f"{arrived.frame.path!r}: {error}")
            self._refused += 1
        self._serving.acknowledge(arrived.peer, Ack(seq=arrived.frame.seq, outcome=outcome, reason=reason))

    def _answer(self, arrived: ArrivedRequest) -> None:
        request = arrived.request
        payload = b""
        try:
            value, arrays = self._find_answer(request)
            specs, payload = _packed(arrays)
            raw = msgspec.Raw(msgspec.msgpack.encode(value))
            header = encode(Reply(id=request.id, value=raw, arrays=specs))
            if len(header) > MAX_ANSWER_BYTES:
                raise ValueError(f"an answer of {len(header)} bytes; {MAX_ANSWER_BYTES} are allowed")  # noqa: TRY301
        except Exception as error:
            payload = b""
            header = encode(Reply(id=request.id, error=_text(f"{type(error).__name__}: {error}")))
        self._serving.answer(arrived.peer, [header, payload])
        if request.what == "close":
            self._display.close()

    def _find_answer(self, request: Request) -> tuple[Any, Mapping[str, Any]]:
        match request.what:
            case "layers":
                return list(self._display.layers()), {}
            case "pixels":
                return None, {"pixels": self._display.pixels(request.layer, request.position)}
            case "rois":
                return self._rois()
            case "screenshot":
                return None, {"pixels": self._display.screenshot()}
            case "status":
                return {**asdict(self._current_status()), "paints": self._paints}, {}
            case "remove":
                self._display.remove(request.layer)
            case "open":
                self._display.open_stored(_stored(request))
            case "close":
                pass
        return None, {}

    def _rois(self) -> tuple[list[str], dict[str, Any]]:
        tables = self._display.rois()
        columns = {
            f"{number}/{name}": column
            for number, table in enumerate(tables.values())
            for name, column in table.items()
        }
        return list(tables), columns

    def _current_status(self) -> Status:
        receiver = self._serving.receiver
        return Status(
            received=receiver.received,
            shown=self._shown,
            superseded=receiver.superseded,
            refused=self._refused,
            dropped=sum(peer.dropped for peer in list(receiver.peers.values())),
            latency=self._latency,
            senders=sum(peer.has_sent for peer in list(receiver.peers.values())),
        )

    def _tell_status(self) -> None:
        now = time.monotonic()
        if now < self._next_status:
            return
        self._next_status = now + _STATUS_SECONDS
        status = self._current_status()
        if status != self._status:
            self._status = status
            self._display.show_status(status)

    @property
    def _serving(self) -> Server:
        assert self._server is not None
        return self._server


def _text(text: str) -> str:
    """Make something said by a display fit to be sent."""
    return text[:1000].encode(errors="replace").decode()


def _stored(request: Request) -> Stored:
    options = msgspec.msgpack.decode(request.options, type=dict[str, Any])
    return Stored(request.path, request.backend, options)


def _packed(arrays: Mapping[str, Any]) -> tuple[tuple[ArraySpec, ...], bytes]:
    """Lay arrays out one behind the other.

    Raises
    ------
    ValueError
        If they are too many bytes, or hold what cannot be sent.
    """
    specs: list[ArraySpec] = []
    parts: list[bytes] = []
    end = 0
    for name, array in arrays.items():
        values = np.ascontiguousarray(array)
        dtype = cast("Any", values.dtype.name)
        if dtype not in DTYPES:
            raise ValueError(f"array {name!r} holds {dtype}, which cannot be sent")
        specs.append(ArraySpec(name=name, dtype=dtype, shape=np.shape(array), offset=end))
        end += -(-values.nbytes // ALIGNMENT) * ALIGNMENT
        if end > MAX_REPLY_BYTES:
            raise ValueError(f"more than the {MAX_REPLY_BYTES} bytes of one answer")
        parts.append(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
        parts.append(bytes(-values.nbytes % ALIGNMENT))
    return tuple(specs), b"".join(parts)
