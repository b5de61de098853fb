"""The messages, as they are on the wire.

Each is a msgpack map with a key ``type``; decoding checks it against its class: unknown or missing keys,
wrong types, negative or huge numbers are refused. docs/reference/wire.md describes them for authors of
viewers and senders in other languages.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from polystore_streaming.wire._limits import (
    ALIGNMENT,
    MAX_AXES,
    MAX_COLUMNS,
    MAX_CREDITS,
    MAX_FRAME_BYTES,
    MAX_PIECE_BYTES,
    MAX_SIZE,
    MAX_TEXT,
)

__all__ = [
    "DTYPES",
    "VERSION",
    "Ack",
    "Acks",
    "ArraySpec",
    "Bye",
    "Closing",
    "Counts",
    "Frame",
    "FromSender",
    "FromViewer",
    "Hello",
    "Outcome",
    "Piece",
    "Ping",
    "Pong",
    "Refused",
    "Reply",
    "Request",
    "Role",
    "Share",
    "Shared",
    "Subject",
    "Welcome",
    "Who",
]

VERSION = 1
"""Of the protocol. A viewer refuses a hello of another one."""

Role: TypeAlias = Literal["image", "labels", "points", "rois"]
Outcome: TypeAlias = Literal["shown", "superseded", "refused"]
DType: TypeAlias = Literal[
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]

DTYPES: tuple[str, ...] = get_args(DType)
"""What pixels may be: numpy's names, little-endian."""

Text: TypeAlias = Annotated[str, Meta(max_length=MAX_TEXT)]
Word: TypeAlias = Annotated[str, Meta(max_length=64)]
Size: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_SIZE)]
Place: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_SIZE, multiple_of=ALIGNMENT)]
Number: TypeAlias = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Identity: TypeAlias = Annotated[bytes, Meta(min_length=16, max_length=16)]
Secret: TypeAlias = Annotated[bytes, Meta(max_length=32)]
Key: TypeAlias = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | Annotated[str, Meta(max_length=256)]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What all messages have in common."""


class ArraySpec(_Message, frozen=True):
    """One array of a frame or a reply; ``offset`` counts bytes from the beginning of the frame's memory."""

    name: Annotated[str, Meta(max_length=256)]
    dtype: DType
    shape: Annotated[tuple[Size, ...], Meta(max_length=MAX_AXES)]
    offset: Place = 0


class Hello(_Message, frozen=True, tag="hello"):
    """First message of a sender, on every connection."""

    version: Number
    session: Identity
    pid: Number
    host: Text
    program: Text
    token: Text = ""


class Share(_Message, frozen=True, tag="share"):
    """The memory that was handed over for this session holds ``size`` bytes."""

    size: Size


Subject: TypeAlias = tuple[str, str, str]
"""Role, layer and path: what a frame is the state of."""


class Frame(_Message, frozen=True, tag="frame"):
    """Something to show. Its bytes lie at ``place`` of the shared memory, or follow as pieces."""

    seq: Number
    path: Text
    layer: Text
    role: Role
    arrays: Annotated[tuple[ArraySpec, ...], Meta(min_length=1, max_length=MAX_COLUMNS)]
    size: Size
    place: Place | None = None
    sent: float = 0.0
    position: Annotated[dict[Word, Key], Meta(max_length=MAX_AXES)] = {}
    axes: Annotated[tuple[Word, ...], Meta(max_length=MAX_AXES)] = ()
    scale: Annotated[tuple[float, ...], Meta(max_length=MAX_AXES)] = ()
    unit: Word | None = None
    channel_name: Word | None = None
    colormap: Word | None = None
    blending: Literal["additive", "translucent", "opaque"] | None = None
    contrast: tuple[float, float] | None = None
    contrast_given: bool = False
    point_size: float | None = None

    @property
    def subject(self) -> Subject:
        """What this is the state of: a later frame with the same subject takes its place."""
        return self.role, self.layer, self.path


class Piece(_Message, frozen=True, tag="piece"):
    """Part of an inline frame; the second part of the message holds it as one LZ4 block."""

    seq: Number
    offset: Annotated[int, Meta(ge=0, le=MAX_FRAME_BYTES)]
    size: Annotated[int, Meta(ge=1, le=MAX_PIECE_BYTES)]


class Request(_Message, frozen=True, tag="request"):
    """Ask the viewer something; it answers after what was sent before has been shown."""

    id: Number
    what: Literal["layers", "pixels", "rois", "screenshot", "remove", "open", "status", "close"]
    layer: Text = ""
    position: Annotated[dict[Word, Key], Meta(max_length=MAX_AXES)] = {}
    path: Text = ""
    backend: Word = ""
    options: msgspec.Raw = msgspec.Raw(b"\x80")


class Counts(_Message, frozen=True, tag="counts"):
    """Frames that this sender could never send, for the status of the viewer."""

    dropped: Number


class Ping(_Message, frozen=True, tag="ping"):
    """Are you there?"""

    number: Number


class Bye(_Message, frozen=True, tag="bye"):
    """The sender leaves; nothing follows."""


class Welcome(_Message, frozen=True, tag="welcome"):
    """Answer to a hello: the sender may have ``credits`` frames unacknowledged at any time."""

    version: Number
    session: Identity
    viewer: Word
    pid: Number
    host: Text
    credits: Annotated[int, Meta(ge=1, le=MAX_CREDITS)]
    lease: Text = ""


class Refused(_Message, frozen=True, tag="refused"):
    """Answer to a hello that is not accepted."""

    reason: Text


class Shared(_Message, frozen=True, tag="shared"):
    """Answer to a share: what the viewer reads at the beginning of the memory; empty if it got none."""

    session: Identity
    nonce: Secret


class Ack(_Message, frozen=True, array_like=True):
    """What became of one frame; its memory is the sender's again."""

    seq: Number
    outcome: Outcome
    reason: Text = ""


class Acks(_Message, frozen=True, tag="acks"):
    """What became of some frames of this session."""

    session: Identity
    frames: Annotated[tuple[Ack, ...], Meta(max_length=MAX_CREDITS)]


class Reply(_Message, frozen=True, tag="reply"):
    """Answer to a request; the second part of the message holds the bytes of ``arrays``, if there are any."""

    id: Number
    error: Text = ""
    value: msgspec.Raw = msgspec.Raw(b"\xc0")
    arrays: tuple[ArraySpec, ...] = ()


class Pong(_Message, frozen=True, tag="pong"):
    """Answer to a ping; ``waiting`` frames have arrived but are not shown yet."""

    number: Number
    waiting: Number = 0


class Who(_Message, frozen=True, tag="who"):
    """The viewer does not know this sender: say hello first."""


class Closing(_Message, frozen=True, tag="closing"):
    """The window is being closed."""


FromSender: TypeAlias = Hello | Share | Frame | Piece | Request | Counts | Ping | Bye
FromViewer: TypeAlias = Welcome | Refused | Shared | Acks | Reply | Pong | Who | Closing
