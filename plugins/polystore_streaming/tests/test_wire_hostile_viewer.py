"""A viewer that does not keep to the protocol harms no sender, and no other viewer of that sender."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import threading
import time

import msgpack
import numpy as np
import pytest
import zmq
from recorder import RecorderBackend
from wire_fuzzing import FROM_VIEWER
from wire_support import viewer_process

from polystore_core import BackendRegistry, CorruptData, FileManager, InvalidOption, PolyStoreError
from polystore_streaming.wire import (
    Ack,
    Acks,
    ArraySpec,
    Frame,
    Hello,
    Ping,
    Pong,
    Refused,
    Reply,
    Request,
    Welcome,
    Who,
    decode_from_sender,
    encode,
)

pytestmark = pytest.mark.filterwarnings("ignore:recorder_stream:RuntimeWarning")

BACKEND = "recorder_stream"
IMAGE = np.arange(256 * 256, dtype=np.uint16).reshape(256, 256)


class HostileViewer(threading.Thread):
    """Welcomes senders, and from then on says what the test wants to every message."""

    def __init__(self, directory, misbehave, **welcome):
        super().__init__(daemon=True)
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.router.setsockopt(zmq.LINGER, 0)
        self.router.bind(f"ipc://{directory}/recorder.hostile.zmq")
        self.lock = open(directory / "recorder.hostile.lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.misbehave = misbehave
        self.welcome = {"version": 1, "viewer": "hostile", "pid": 1, "host": "h", "credits": 8, **welcome}
        self.session = b""
        self.heard = []
        self.is_over = False
        self.start()

    def say(self, peer, *parts):
        """Send one message."""
        self.router.send_multipart([peer, *parts], zmq.NOBLOCK)

    def run(self):
        while not self.is_over:
            if not self.router.poll(50):
                continue
            peer, header, *_ = self.router.recv_multipart()
            message = decode_from_sender(header)
            self.heard.append(message)
            if isinstance(message, Hello):
                self.session = message.session
                self.say(peer, encode(Welcome(session=self.session, **self.welcome)))
            else:
                self.misbehave(self, peer, message)

    def close(self):
        self.is_over = True
        self.join()
        self.router.close()
        self.context.term()
        self.lock.close()


@pytest.fixture
def facing(tmp_path_factory, monkeypatch):
    """Make a sender that faces a viewer which misbehaves, and perhaps an honest one."""
    opened = []

    def make(misbehave, *, directory=None, viewers=("recorder.hostile",), **welcome):
        directory = directory or tmp_path_factory.mktemp("r")
        directory.chmod(0o700)
        monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", str(directory))
        opened.append(viewer := HostileViewer(directory, misbehave, **welcome))
        registry = BackendRegistry()
        backend = RecorderBackend(viewers=list(viewers), autostart=False, linger=0.0, max_bytes=16 << 20)
        registry.register(BACKEND, backend)
        opened.append(manager := FileManager(registry))
        return viewer, manager

    yield make
    for each in reversed(opened):
        each.close()


def acknowledge(viewer, peer, message, outcome="shown"):
    ack = Ack(seq=message.seq, outcome=outcome)
    viewer.say(peer, encode(Acks(session=viewer.session, frames=(ack,))))


def honest(viewer, peer, message):
    if isinstance(message, Frame):
        acknowledge(viewer, peer, message)
    elif isinstance(message, Ping):
        viewer.say(peer, encode(Pong(number=message.number)))


def says(*messages):
    """Misbehave by saying these to every message."""

    def misbehave(viewer, peer, message):
        for said in messages:
            viewer.say(peer, *(said if isinstance(said, tuple) else (said,)))

    return misbehave


def damages(viewer, peer, message):
    """Misbehave by saying anything, mostly broken, ten times."""
    chance = random.Random(len(viewer.heard))
    for _ in range(10):
        header = bytearray(chance.choice(FROM_VIEWER))
        for _ in range(chance.randrange(3)):
            begin = chance.randrange(len(header) + 1)
            header[begin : begin + chance.randrange(4)] = chance.randbytes(chance.randrange(5))
        viewer.say(peer, bytes(header), chance.randbytes(chance.randrange(100)))


MISBEHAVIOURS = {
    "says nothing": says(),
    "says what is no message": says(b"\xc1"),
    "says anything": damages,
    "nests": says(b"\x91" * 100_000),
    "refuses": says(encode(Refused(reason="I do not like you"))),
    "asks who it is": says(encode(Who())),
    "acknowledges what was never sent": says(
        encode(Acks(session=bytes(16), frames=(Ack(seq=1, outcome="shown"),) * 1000))
    ),
    "answers what was never asked": says((encode(Reply(id=7)), bytes(1 << 20))),
    "answers a ping a hundred times": says(*[encode(Pong(number=1))] * 100),
    "sends a hundred parts": says(tuple([encode(Pong(number=1))] * 100)),
}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_sender_survives_a_viewer_that(facing, name):
    _, manager = facing(MISBEHAVIOURS[name])
    before = resident_mebibytes()
    for number in range(100):
        manager.save(IMAGE, f"{number}.tif", backend=BACKEND)
    (counts,) = manager.metrics()[BACKEND].values()
    assert counts["offered"] == 100
    assert counts["sent"] + counts["dropped"] + counts["waiting"] == 100
    assert resident_mebibytes() - before < 64


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_another_viewer_is_served_beside_one_that(facing, name):
    with viewer_process() as honest_one:
        viewers = ("recorder", "recorder.hostile")
        _, manager = facing(MISBEHAVIOURS[name], directory=honest_one.directory, viewers=viewers)
        sink = manager.stream(backend=BACKEND)
        for number in range(20):
            sink.append(IMAGE + number, f"{number}.tif")
        assert len(sink.layers()) == 20
        assert np.array_equal(sink.pixels("19.tif"), IMAGE + 19)
        assert sink.metrics()["recorder"]["shown"] == 20


def resident_mebibytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_acks_of_another_session_are_void(facing):
    def misbehave(viewer, peer, message):
        if isinstance(message, Frame):
            ack = Ack(seq=message.seq, outcome="shown")
            viewer.say(peer, encode(Acks(session=b"another session!", frames=(ack,))))

    viewer, manager = facing(misbehave)
    manager.save(IMAGE, "a.tif", backend=BACKEND)
    assert manager.flush(backend=BACKEND, timeout=0.5) == 1
    assert any(isinstance(message, Frame) for message in viewer.heard)


def test_a_viewer_that_takes_a_frame_twice_is_counted_once(facing):
    def misbehave(viewer, peer, message):
        if isinstance(message, Frame):
            for _ in range(3):
                acknowledge(viewer, peer, message)

    _, manager = facing(misbehave)
    for number in range(5):
        manager.save(IMAGE, f"{number}.tif", backend=BACKEND)
    assert manager.flush(backend=BACKEND, timeout=20) == 0
    (counts,) = manager.metrics()[BACKEND].values()
    assert counts["shown"] == 5


def test_a_viewer_that_never_acknowledges_gets_no_more_than_its_credits(facing):
    viewer, manager = facing(lambda *_: None, credits=3)
    for number in range(50):
        manager.save(IMAGE, f"{number}.tif", backend=BACKEND)
    assert manager.flush(backend=BACKEND, timeout=0.5) == 50
    assert len({message.seq for message in viewer.heard if isinstance(message, Frame)}) == 3


def test_memory_is_handed_over_only_where_viewers_of_this_user_have_their_sockets(facing, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as elsewhere:
        elsewhere.bind(str(tmp_path / "x"))
        elsewhere.listen()
        elsewhere.setblocking(False)
        viewer, manager = facing(honest, lease=str(tmp_path / "x"))
        manager.save(IMAGE, "a.tif", backend=BACKEND)
        assert manager.flush(backend=BACKEND, timeout=20) == 0
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    frames = [message for message in viewer.heard if isinstance(message, Frame)]
    assert [frame.place for frame in frames] == [None]


def reply(value=None, arrays=(), payload=b"", error=""):
    """Answer every question with this."""

    def misbehave(viewer, peer, message):
        if isinstance(message, Request):
            header = msgpack.unpackb(encode(Reply(id=message.id, arrays=arrays, error=error)))
            viewer.say(peer, msgpack.packb({**header, "value": value}), payload)
        else:
            honest(viewer, peer, message)

    return misbehave


PIXELS = ArraySpec(name="pixels", dtype="uint8", shape=(2, 2))
ODD = ArraySpec(name="0/x", dtype="uint8", shape=(2,))


@pytest.mark.parametrize("value", [None, 7, {"a": 1}, [1, 2], [None], "layers"])
def test_layers_that_are_none_are_corrupt(facing, value):
    _, manager = facing(reply(value))
    with pytest.raises(CorruptData):
        manager.stream(backend=BACKEND).layers()


@pytest.mark.parametrize("arrays", [(), (ODD,)])
def test_an_answer_without_pixels_is_corrupt(facing, arrays):
    _, manager = facing(reply(arrays=arrays, payload=bytes(64)))
    sink = manager.stream(backend=BACKEND)
    for ask in (sink.screenshot, lambda: sink.pixels("a")):
        with pytest.raises(CorruptData):
            ask()


def test_an_answer_that_is_shorter_than_announced_is_corrupt(facing):
    _, manager = facing(reply(arrays=(PIXELS,), payload=bytes(3)))
    with pytest.raises(CorruptData):
        manager.stream(backend=BACKEND).pixels("a")


@pytest.mark.parametrize(
    ("value", "name"),
    [(None, "0/x"), (["a"], "1/x"), (["a"], "x/x"), (["a"], "-1/x"), ([7], "0/x"), (["a"], "x")],
)
def test_regions_that_are_none_are_corrupt(facing, value, name):
    spec = ArraySpec(name=name, dtype="uint8", shape=(2,))
    _, manager = facing(reply(value, arrays=(spec,), payload=bytes(64)))
    with pytest.raises(CorruptData):
        manager.stream(backend=BACKEND).rois()


def test_a_question_that_no_viewer_takes_is_not_sent(facing):
    viewer, manager = facing(reply())
    sink = manager.stream(backend=BACKEND)
    with pytest.raises(InvalidOption, match="a viewer does not take this"):
        sink.remove("a" * 5000)
    with pytest.raises(InvalidOption, match="a viewer does not take this"):
        sink.remove("a\udcff")
    sink.remove("a")
    assert [message.layer for message in viewer.heard if isinstance(message, Request)] == ["a"]


@pytest.mark.parametrize(
    "options", [{"unit": "u" * 65}, {"layer": "\udcff"}, {"layer": "l" * 5000}, {"colormap": "c" * 65}]
)
def test_a_frame_that_no_viewer_takes_is_refused_where_it_is_saved(facing, options):
    _, manager = facing(honest)
    with pytest.raises(InvalidOption, match="a viewer does not take this"):
        manager.save(IMAGE, "a.tif", backend=BACKEND, **options)
    manager.save(IMAGE, "a.tif", backend=BACKEND)
    assert manager.flush(backend=BACKEND, timeout=20) == 0


def test_asking_a_viewer_that_misbehaves_ends(facing):
    _, manager = facing(damages)
    begin = time.monotonic()
    with pytest.raises(PolyStoreError):
        manager.stream(backend=BACKEND).pixels("a", timeout=1.0)
    assert time.monotonic() - begin < 20
