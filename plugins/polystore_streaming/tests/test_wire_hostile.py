"""Messages that a viewer must not believe, one by one."""

from __future__ import annotations

import math

import lz4.block
import msgpack
import numpy as np
import pytest
from recorder import RecorderDisplay
from wire_support import SESSION, OneThreadServer, frame, hello, read_only, shared_memory

from polystore_core.errors import CorruptData
from polystore_streaming.viewer import Mailbox
from polystore_streaming.viewer._peers import CREDITS
from polystore_streaming.wire import (
    MAX_PIECE_BYTES,
    MAX_QUESTIONS,
    Acks,
    Bye,
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
    decode_from_sender,
    decode_from_viewer,
    encode,
)

HUGE = 2**63


@pytest.fixture
def server():
    server = OneThreadServer()
    assert isinstance(server.hear(hello())[0], Welcome)
    return server


@pytest.fixture
def sharing():
    """A viewer that a sender has handed 1 MiB of memory over to."""
    memory, fd = shared_memory()
    server = OneThreadServer(
        RecorderDisplay("kept"),
        handed_over=lambda session: read_only(fd, len(memory)) if session == SESSION else None,
    )
    server.hear(hello())
    assert server.hear(encode(Share(size=len(memory)))) == [Shared(session=SESSION, nonce=bytes(memory[:32]))]
    server.memory = memory
    return server


def changed(**changes):
    """An honest frame in which some fields are replaced; ``None`` leaves a field out."""
    honest = msgpack.unpackb(encode(frame(place=64)))
    honest.update(changes)
    return msgpack.packb({name: value for name, value in honest.items() if value is not Ellipsis})


def array(**changes):
    return changed(arrays=[{"name": "pixels", "dtype": "uint16", "shape": [4, 6], "offset": 0, **changes}])


def nested(depth):
    return b"\x91" * depth + b"\xc0"


HOSTILE_FRAMES = {
    "shape is negative": array(shape=[-4, 6]),
    "shape overflows 64 bits": array(shape=[HUGE, HUGE]),
    "shape overflows when multiplied": array(shape=[2**31, 2**31]),
    "shape is empty but for the address space": array(shape=[0, 2**40, 2**40]),
    "shape is a number": array(shape=4),
    "shape is of fractions": array(shape=[4.0, 6.0]),
    "shape has 17 axes": array(shape=[1] * 17),
    "dtype holds objects": array(dtype="object"),
    "dtype holds objects, by its letter": array(dtype="O"),
    "dtype is structured": array(dtype="u2,u2"),
    "dtype is text": array(dtype="U8"),
    "dtype is big-endian": array(dtype=">u2"),
    "dtype is unknown": array(dtype="uint24"),
    "dtype is a number": array(dtype=2),
    "array begins before the frame": array(offset=-64),
    "array begins behind the frame": array(offset=64),
    "array begins where no array may": array(offset=2),
    "array begins beyond 64 bits": array(offset=2**64 - 64),
    "array has an unknown key": array(strides=[2, 8]),
    "no array": changed(arrays=[]),
    "257 arrays": changed(
        arrays=[{"name": str(n), "dtype": "uint8", "shape": [0]} for n in range(257)], role="rois"
    ),
    "arrays overlap": changed(
        role="rois",
        size=256,
        axes=[],
        arrays=[
            {"name": "a", "dtype": "uint8", "shape": [65], "offset": 0},
            {"name": "b", "dtype": "uint8", "shape": [1], "offset": 64},
        ],
    ),
    "arrays of one name": changed(
        role="rois",
        size=256,
        axes=[],
        arrays=[{"name": "a", "dtype": "uint8", "shape": [1], "offset": 64 * n} for n in range(2)],
    ),
    "two images in one": changed(
        size=256,
        arrays=[{"name": str(n), "dtype": "uint8", "shape": [2, 2], "offset": 64 * n} for n in (0, 1)],
    ),
    "size is negative": changed(size=-1),
    "size is more than the memory": changed(size=2**30),
    "size is more than the address space": changed(size=2**48 + 1),
    "place is negative": changed(place=-64),
    "place is behind the memory": changed(place=2**20),
    "place and size overflow": changed(place=2**48, size=2**48),
    "place is no multiple of 64": changed(place=65),
    "place is text": changed(place="64"),
    "number is negative": changed(seq=-1),
    "number is beyond 64 bits": changed(seq=2**64 - 1),
    "number is true": changed(seq=True),
    "path is bytes": changed(path=b"a"),
    "path is no UTF-8": changed(path="a").replace(b"\xa1a", b"\xa1\xff"),
    "path is endless": changed(path="a" * 5000),
    "path is missing": changed(path=...),
    "layer is none": changed(layer=None),
    "role is unknown": changed(role="mesh"),
    "key is unknown": changed(exec="import os"),
    "key is a number": msgpack.packb({"type": "frame", 7: 7}),
    "type is unknown": changed(type="frames"),
    "type is missing": changed(type=...),
    "type is a list": changed(type=["frame"]),
    "position is a list": changed(position=[1]),
    "position has fractions": changed(position={"z": 0.5}),
    "position is nested": changed(position={"z": {"z": 1}}),
    "position has 17 axes": changed(position={f"a{n}": 0 for n in range(17)}),
    "axes are fewer than the array's": changed(axes=["x"]),
    "axes are repeated": changed(axes=["x", "x"]),
    "axes go on after colours": changed(axes=["rgb", "x"]),
    "colours that are none": changed(axes=["y", "rgb"]),
    "labels of fractions": changed(
        role="labels", size=96, arrays=[{"name": "pixels", "dtype": "float32", "shape": [4, 6]}]
    ),
    "labels of colours": changed(
        role="labels",
        axes=["y", "x", "rgb"],
        arrays=[{"name": "pixels", "dtype": "uint8", "shape": [2, 2, 3]}],
    ),
    "scale is no number": changed(scale=[math.nan, 1.0]),
    "scale is endless": changed(scale=[math.inf, 1.0]),
    "scale is negative": changed(scale=[-1.0, 1.0]),
    "scale is zero": changed(scale=[0.0, 1.0]),
    "scale has too many": changed(scale=[1.0] * 3),
    "contrast is no number": changed(contrast=[math.nan, 1.0]),
    "contrast is endless": changed(contrast=[-math.inf, math.inf]),
    "contrast is upside down": changed(contrast=[2.0, 1.0]),
    "contrast has three": changed(contrast=[0.0, 1.0, 2.0]),
    "point is of no size": changed(point_size=math.nan),
    "point is of negative size": changed(point_size=-1.0),
    "sent at no time": changed(sent=math.nan),
    "sent at the end of time": changed(sent=math.inf),
    "blending is unknown": changed(blending="exec"),
    "colormap is endless": changed(colormap="a" * 65),
    "header is cut": changed()[:-1],
    "header goes on": changed() + b"\xc0",
    "header is empty": b"",
    "header is nested": nested(30_000),
    "header is too long": changed(path="a") + b"\xc0" * 70_000,
    "header claims 4 billion keys": b"\xdf\xff\xff\xff\xff",
    "header claims 4 billion arrays": changed(arrays=...)[:-1] + b"\xa6arrays\xdd\xff\xff\xff\xff",
    "header claims 4 GB of text": b"\xdb\xff\xff\xff\xff",
    "header is an extension": msgpack.packb(msgpack.ExtType(1, b"cos\nsystem\n")),
    "header is a pickle": b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93.",
    "header is a number": b"\x07",
    "header is never used": b"\xc1",
}


@pytest.mark.parametrize("name", HOSTILE_FRAMES)
def test_a_hostile_frame_is_refused_and_its_sender_dropped(sharing, name):
    assert [type(answer) for answer in sharing.hear(HOSTILE_FRAMES[name])] == [Refused]
    assert not sharing.receiver.peers
    assert sharing.hear(encode(frame(place=64))) == [Who()]
    assert len(sharing.host.mailbox) == 0


def test_the_frame_that_the_others_are_made_from_is_shown(sharing):
    sharing.memory[64 : 64 + 48] = np.arange(24, dtype="<u2").tobytes()
    assert sharing.hear(changed()) == []
    (acks,) = sharing.show()
    assert acks.frames[0].outcome == "shown"
    _, pixels = sharing.display.contents["a.tif", ()]
    assert np.array_equal(pixels, np.arange(24, dtype=np.uint16).reshape(4, 6))


def test_what_a_viewer_is_shown_cannot_be_written_to(sharing):
    views = []
    sharing.display._keep = lambda content, values: views.append(values)
    sharing.hear(changed())
    sharing.show()
    with pytest.raises(ValueError, match="read-only"):
        views[0][0, 0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        views[0].flags.writeable = True


@pytest.mark.parametrize("count", [0, 3, 100])
def test_a_message_has_one_part_or_two(server, count):
    assert [type(answer) for answer in server.hear(*[encode(Ping(number=1))] * count)] == [Refused]


@pytest.mark.parametrize(
    "message", [frame(), Ping(number=1), Bye(), Counts(dropped=1), Request(id=1, what="layers")]
)
def test_only_a_piece_has_a_second_part(server, message):
    assert [type(answer) for answer in server.hear(encode(message), b"more")] == [Refused]


def test_a_piece_has_a_second_part(server):
    server.hear(encode(frame()))
    assert [type(answer) for answer in server.hear(encode(Piece(seq=1, offset=0, size=48)))] == [Refused]


ZEROS = compress_piece(memoryview(bytes(48)))

HOSTILE_PIECES = {
    "of another frame": (Piece(seq=2, offset=0, size=48), ZEROS),
    "out of turn": (Piece(seq=1, offset=8, size=40), compress_piece(memoryview(bytes(40)))),
    "behind the end": (Piece(seq=1, offset=0, size=49), compress_piece(memoryview(bytes(49)))),
    "holds less than it says": (Piece(seq=1, offset=0, size=48), compress_piece(memoryview(bytes(8)))),
    "holds more than it says": (Piece(seq=1, offset=0, size=8), ZEROS),
    "is a bomb": (Piece(seq=1, offset=0, size=48), lz4.block.compress(bytes(10**7), store_size=False)),
    "is empty": (Piece(seq=1, offset=0, size=48), b""),
    "is not compressed": (Piece(seq=1, offset=0, size=48), bytes(48)),
    "is cut": (Piece(seq=1, offset=0, size=48), ZEROS[:-1]),
    "refers to what is before it": (Piece(seq=1, offset=0, size=48), b"\x1f\x00\xff\xff\x00"),
}


@pytest.mark.parametrize("name", HOSTILE_PIECES)
def test_a_hostile_piece_is_refused(server, name):
    server.hear(encode(frame()))
    piece, payload = HOSTILE_PIECES[name]
    assert [type(answer) for answer in server.hear(encode(piece), payload)] == [Refused]
    assert server.show() == []


@pytest.mark.parametrize(
    "piece",
    [
        {"seq": 1, "offset": 0, "size": 0},
        {"seq": 1, "offset": 0, "size": MAX_PIECE_BYTES + 1},
        {"seq": 1, "offset": -1, "size": 1},
        {"seq": 1, "offset": 2**40, "size": 1},
        {"seq": 1, "offset": 0},
    ],
)
def test_a_piece_claims_no_impossible_size(server, piece):
    server.hear(encode(frame()))
    assert [type(answer) for answer in server.hear(msgpack.packb({"type": "piece", **piece}), ZEROS)] == [
        Refused
    ]


def test_a_piece_without_a_frame_is_refused(server):
    assert [type(answer) for answer in server.hear(encode(Piece(seq=1, offset=0, size=48)), ZEROS)] == [
        Refused
    ]


def test_a_frame_amid_the_pieces_of_another_is_refused(server):
    server.hear(encode(frame()))
    assert [type(answer) for answer in server.hear(encode(frame(seq=2)))] == [Refused]


def test_a_frame_in_memory_that_was_not_handed_over_is_refused(server):
    assert [type(answer) for answer in server.hear(encode(frame(place=64)))] == [Refused]


def test_memory_of_another_size_than_handed_over_is_refused(sharing):
    sharing.hear(hello())
    assert [type(answer) for answer in sharing.hear(encode(Share(size=1 << 21)))] == [Refused]


def test_who_has_handed_nothing_over_is_told_no_nonce(server):
    assert server.hear(encode(Share(size=1 << 20))) == [Shared(session=SESSION, nonce=b"")]


def test_more_frames_than_credits_are_refused(sharing):
    for number in range(CREDITS):
        assert sharing.hear(encode(frame(seq=number, path=str(number), place=64))) == []
    (refused,) = sharing.hear(encode(frame(seq=99, path="99", place=64)))
    assert "frames at once" in refused.reason


def test_more_questions_than_allowed_are_refused(server):
    for number in range(MAX_QUESTIONS):
        assert server.hear(encode(Request(id=number, what="layers"))) == []
    (refused,) = server.hear(encode(Request(id=99, what="layers")))
    assert "questions at once" in refused.reason


def test_two_questions_of_one_number_are_refused(server):
    server.hear(encode(Request(id=1, what="layers")))
    (refused,) = server.hear(encode(Request(id=1, what="layers")))
    assert "number 1" in refused.reason


def test_whoever_says_hello_again_and_again_does_not_fill_the_mailbox(sharing):
    for number in range(500):
        sharing.hear(hello())
        sharing.hear(encode(Share(size=1 << 20)))
        for credit in range(CREDITS):
            sharing.hear(encode(frame(seq=credit, path=f"{number}/{credit}", place=64)))
    assert len(sharing.host.mailbox) <= 256 + CREDITS


def test_a_claim_of_half_a_gigabyte_takes_no_memory_before_it_comes(server):
    before = resident_bytes()
    for number in range(100):
        address = 0, str(number).encode()
        server.hear(hello(), address=address)
        server.hear(encode(frame(shape=(16384, 16384))), address=address)
    assert resident_bytes() - before < 16 << 20


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_one_that_fills_the_memory_leaves_half_of_the_rest_to_the_next():
    server = OneThreadServer()
    server.host.mailbox.__init__(most_bytes=1 << 20)
    outcomes = {}
    for name in (b"first", b"second", b"third"):
        server.hear(hello(), address=(0, name))
        for number in range(CREDITS):
            server.hear(encode(inline(number, name)), address=(0, name))
            piece = encode(Piece(seq=number, offset=0, size=100_000))
            for acks in server.hear(piece, compress_piece(memoryview(bytes(100_000))), address=(0, name)):
                outcomes.setdefault(name, []).append(acks.frames[0].outcome)
    assert {name: len(refused) for name, refused in outcomes.items()} == {
        b"first": 3,
        b"second": 6,
        b"third": 7,
    }
    server.show()
    server.hear(encode(inline(99, b"first")), address=(0, b"first"))
    assert (
        server.hear(
            encode(Piece(seq=99, offset=0, size=100_000)),
            compress_piece(memoryview(bytes(100_000))),
            address=(0, b"first"),
        )
        == []
    )


def inline(number, name):
    return frame(seq=number, path=f"{name}{number}", shape=(100, 1000), dtype="uint8")


def test_memory_of_the_mailbox_comes_back():
    mailbox = Mailbox(most_bytes=1 << 20)
    server = OneThreadServer()
    server.receiver._mailbox = server.host.mailbox = mailbox
    for turn in range(50):
        address = 0, str(turn % 3).encode()
        server.hear(hello(), address=address)
        server.hear(encode(inline(1, address[1])), address=address)
        server.hear(encode(Request(id=1, what="layers")), address=address)
        if turn % 2:
            server.hear(encode(Bye()), address=address)
        if turn % 5 == 0:
            server.show()
    for address in list(server.receiver.peers):
        server.hear(encode(Bye()), address=address)
    server.show()
    assert mailbox._free == 1 << 20


def test_unknown_peers_are_asked_who_they_are(server):
    for message in (Ping(number=1), Bye(), Counts(dropped=1), frame(), Request(id=1, what="layers")):
        assert server.hear(encode(message), address=(0, b"stranger")) == [Who()]


def test_what_a_stranger_sends_makes_no_peer(server):
    server.hear(b"\xc1", address=(0, b"stranger"))
    assert list(server.receiver.peers) == [(0, b"peer")]


def test_what_one_sender_breaks_is_not_the_others_loss(server):
    server.hear(hello(), address=(0, b"other"))
    server.hear(encode(frame(size=0, shape=(0, 2))), address=(0, b"other"))
    server.hear(b"\xc1")
    assert server.hear(encode(Ping(number=3)), address=(0, b"other")) == [Pong(number=3, waiting=1)]
    assert isinstance(server.show()[0], Acks)


def test_no_more_than_256_senders_are_served_at_once(server):
    answers = [server.hear(hello(), address=(0, str(number).encode()))[0] for number in range(256)]
    assert [type(answer) for answer in answers[-2:]] == [Welcome, Refused]
    assert "256 senders" in answers[-1].reason


def test_senders_that_fell_silent_make_room_for_others():
    now = [0.0]
    server = OneThreadServer(clock=lambda: now[0])
    for name in (b"silent", b"pinging"):
        server.hear(hello(), address=(0, name))
    now[0] = 29.0
    server.hear(encode(Ping(number=1)), address=(0, b"pinging"))
    now[0] = 31.0
    server.receiver.forget_silent()
    assert list(server.receiver.peers) == [(0, b"pinging")]
    assert server.hear(encode(Ping(number=1)), address=(0, b"silent")) == [Who()]


def test_a_sender_that_has_handed_memory_over_may_be_silent(sharing):
    sharing.receiver._clock = lambda: 1e9
    sharing.receiver.forget_silent()
    assert len(sharing.receiver.peers) == 1


def test_another_version_is_told_ours(server):
    (refused,) = server.hear(hello(version=2), address=(0, b"new"))
    assert "version 1 of the protocol, not 2" in refused.reason


@pytest.mark.parametrize("token", ["", "wrong", "secret2", "secre", "ſecret", "\0secret"])
def test_a_wrong_token_is_refused(server, token):
    (refused,) = server.hear(hello(token=token), address=(1, b"tcp"), token="secret")
    assert "token is wrong" in refused.reason
    assert (1, b"tcp") not in server.receiver.peers


def test_files_are_opened_for_local_senders_alone(server):
    request = encode(Request(id=7, what="open", path="/etc/passwd", backend="disk"))
    (reply,) = server.hear(request)
    assert reply == Reply(id=7, error="only a process of this user on this machine may have files opened")
    assert server.show() == []
    server.hear(hello(), address=(0, b"local"), is_local=True)
    server.hear(request, address=(0, b"local"))
    assert server.show() == [Reply(id=7)]


def test_who_has_handed_memory_over_is_local(sharing):
    sharing.hear(encode(Request(id=7, what="open", path="a.zarr", backend="zarr")))
    assert sharing.show() == [Reply(id=7)]


@pytest.mark.parametrize("options", [b"\x93\x01\x02\x03", b"\x07", nested(20_000), b"\x81\x01\x02"])
def test_hostile_options_of_stored_data_are_answered(server, options):
    header = encode(Request(id=7, what="open", path="a", backend="disk"))
    server.hear(hello(), is_local=True)
    body = msgpack.unpackb(header)
    packed = bytes([0x80 + len(body) + 1])
    packed += b"".join(msgpack.packb(item) for pair in body.items() for item in pair)
    packed += msgpack.packb("options") + options
    answers = server.hear(packed) + server.show()
    assert [type(answer) for answer in answers] in ([Refused], [Reply])
    assert isinstance(answers[0], Refused) or answers[0].error


def test_a_display_that_says_what_is_no_text_harms_nobody(server):
    def show(image):
        raise ValueError("no such file: \udcff")

    server.display.show_image = show
    server.hear(encode(frame(size=0, shape=(0, 2))))
    (acks,) = server.show()
    assert acks.frames[0].reason == "'a.tif': no such file: ?"


@pytest.mark.parametrize(
    "pixels",
    [np.zeros(2, object), np.zeros(2, "U3"), np.zeros(2, "u2,u2"), np.broadcast_to(np.uint8(0), 2**29)],
)
def test_an_answer_that_no_sender_would_take_becomes_an_error(server, pixels):
    server.display.pixels = lambda layer, position: pixels
    server.hear(encode(Request(id=1, what="pixels")))
    (reply,) = server.show()
    assert reply.error


def test_an_endless_answer_becomes_an_error(server):
    server.display.layers = lambda: [{"name": "x" * 1000}] * 5000
    server.hear(encode(Request(id=1, what="layers")))
    (reply,) = server.show()
    assert "an answer of" in reply.error


def test_a_table_is_the_viewers_own_before_it_is_read(sharing):
    """Else its sender could change an offset between the check and the use."""
    seen = []
    sharing.display.show_rois = lambda rois: seen.append(rois.table["pixels"])
    sharing.hear(changed(role="rois"))
    sharing.show()
    sharing.memory[64:66] = b"\xff\xff"
    assert seen[0][0, 0] == 0


HOSTILE_ANSWERS = {
    "empty": b"",
    "nested": nested(100_000),
    "a pickle": HOSTILE_FRAMES["header is a pickle"],
    "4 billion acks": b"\x83\xa4type\xa4acks\xa7session\xc4\x10"
    + SESSION
    + b"\xa6frames\xdd\xff\xff\xff\xff",
    "a million acks": msgpack.packb(
        {"type": "acks", "session": SESSION, "frames": [[1, "shown", ""]] * 1_000_00}
    ),
    "unknown outcome": msgpack.packb({"type": "acks", "session": SESSION, "frames": [[1, "__class__", ""]]}),
    "ack as a map": msgpack.packb({"type": "acks", "session": SESSION, "frames": [{"seq": 1}]}),
    "no credits": msgpack.packb(
        {
            "type": "welcome",
            "version": 1,
            "session": SESSION,
            "viewer": "v",
            "pid": 1,
            "host": "h",
            "credits": 0,
        }
    ),
    "endless reason": msgpack.packb({"type": "refused", "reason": "a" * 10_000}),
    "long nonce": msgpack.packb({"type": "shared", "session": SESSION, "nonce": bytes(33)}),
    "arrays that overlap": msgpack.packb(
        {
            "type": "reply",
            "id": 1,
            "arrays": [{"name": n, "dtype": "uint8", "shape": [65]} for n in "ab"],
        }
    ),
    "array of objects": msgpack.packb(
        {"type": "reply", "id": 1, "arrays": [{"name": "a", "dtype": "object", "shape": [1]}]}
    ),
    "array beyond all bounds": msgpack.packb(
        {"type": "reply", "id": 1, "arrays": [{"name": "a", "dtype": "uint8", "shape": [2**40]}]}
    ),
    "more than is allowed": b"\xc0" * (4 << 20) + b"\xc0",
}


@pytest.mark.parametrize("name", HOSTILE_ANSWERS)
def test_a_hostile_answer_is_corrupt(name):
    with pytest.raises(CorruptData, match=r"viewer|header|array|name"):
        decode_from_viewer(HOSTILE_ANSWERS[name])


def test_the_error_of_a_header_does_not_repeat_it():
    with pytest.raises(CorruptData) as caught:
        decode_from_sender(changed(path="a" * 60_000))
    assert len(str(caught.value)) < 500
