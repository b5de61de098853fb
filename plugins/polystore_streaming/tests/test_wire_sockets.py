"""A running viewer under attack through its sockets: it lives, stays small, and serves the others."""

from __future__ import annotations

import array
import fcntl
import mmap
import os
import random
import socket
import subprocess
import sys
import threading
import time

import pytest
from wire_fuzzing import damaged_messages
from wire_support import PATIENCE_MS, frame, hello, shared_memory, viewer_process

from polystore_streaming.memory import hand_over
from polystore_streaming.viewer._peers import CREDITS
from polystore_streaming.wire import (
    Acks,
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
    encode,
)

EMPTY = encode(frame(size=0, shape=(0, 3)))


@pytest.fixture(scope="module")
def viewer():
    with viewer_process() as viewer:
        yield viewer


@pytest.fixture(autouse=True)
def _the_viewer_survives(viewer):
    yield
    assert viewer.process.poll() is None
    assert viewer.serves()


def fuzz(viewer, messages, seed):
    """Send damaged messages; a connection that is refused says hello again."""
    connection = viewer.connect()
    for parts in damaged_messages(random.Random(seed), messages):
        connection.say(*parts)
        while connection.socket.poll(0):
            connection.hear()
    is_answered(connection)
    connection.close()


def others_ping(viewer, attacks, at_least):
    """Attack at least once, and until another sender was answered ``at_least`` times; return how often."""
    enough = threading.Event()

    def attack(work, *arguments):
        work(viewer, *arguments)
        while not enough.is_set():
            work(viewer, *arguments)

    threads = [threading.Thread(target=attack, args=arguments) for arguments in attacks]
    connection = viewer.connect()
    assert isinstance(connection.greet(), Welcome)
    for thread in threads:
        thread.start()
    rounds = 0
    try:
        while any(thread.is_alive() for thread in threads):
            connection.say(EMPTY)
            connection.say(encode(Ping(number=rounds)))
            kinds = {type(connection.hear((Pong, Acks))) for _ in range(2)}
            assert kinds == {Pong, Acks}
            rounds += 1
            if rounds == at_least:
                enough.set()
    finally:
        enough.set()
        for thread in threads:
            thread.join()
    connection.close()
    return rounds


def test_damaged_messages_over_a_socket(viewer):
    fuzz(viewer, 500, seed=0)
    before = viewer.resident_mebibytes()
    others_ping(viewer, [(fuzz, 2000, seed) for seed in (1, 2)], at_least=11)
    assert viewer.resident_mebibytes() - before < 64


@pytest.mark.stress
def test_many_damaged_messages_over_a_socket(viewer):
    fuzz(viewer, 500, seed=0)
    before = viewer.resident_mebibytes()
    rounds = others_ping(viewer, [(fuzz, 100_000, seed) for seed in range(3)], at_least=11)
    print(f"300000 messages by socket, {viewer.resident_mebibytes() - before:.1f} MiB grown, {rounds} others")
    assert viewer.resident_mebibytes() - before < 64


def is_answered(connection):
    """Ping until there is an answer: what a sender does not read in time is not kept for it."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    connection.say(encode(Ping(number=0)))
    while connection.hear((Pong, Who), patience_ms=500) is None:
        assert time.monotonic() < deadline
        connection.say(encode(Ping(number=0)))


def flood(viewer, message, count):
    connection = viewer.connect()
    connection.greet()
    for _ in range(count):
        connection.say(message)
        while connection.socket.poll(0):
            connection.hear()
    is_answered(connection)
    connection.close()


@pytest.mark.parametrize(
    "message", [encode(Ping(number=1)), EMPTY, b"\xc1", encode(Request(id=1, what="layers"))]
)
def test_others_are_answered_while_one_floods(viewer, message):
    others_ping(viewer, [(flood, message, 5000)], at_least=6)


def test_a_part_that_is_too_long_ends_the_connection_alone(viewer):
    connection = viewer.connect()
    connection.greet()
    connection.say(bytes(4 << 20))
    assert viewer.serves()
    connection.close()


def test_bytes_that_are_not_zeromq_end_the_connection_alone(viewer):
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(1000), os.urandom(1000)):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plain:
            plain.connect(viewer.endpoint.removeprefix("ipc://"))
            plain.sendall(garbage)
            assert viewer.serves()


def test_a_flood_of_connections_that_say_nothing(viewer):
    before = viewer.descriptors()
    with OpenConnections(viewer.endpoint.removeprefix("ipc://"), socket.SOCK_STREAM, 600):
        assert viewer.serves()
    assert falls_to(viewer, before + 8)


FEW_DESCRIPTORS = """
import resource
from polystore_streaming.viewer import run_viewer
resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
run_viewer("recorder_stream")
"""


def test_more_connections_than_a_process_usually_may_have_open():
    with viewer_process(FEW_DESCRIPTORS) as viewer:
        with OpenConnections(viewer.endpoint.removeprefix("ipc://"), socket.SOCK_STREAM, 600):
            assert viewer.serves()
        assert viewer.serves()


def test_a_flood_of_connections_that_hand_nothing_over(viewer):
    before = viewer.descriptors()
    with OpenConnections(viewer.lease, socket.SOCK_SEQPACKET, 300) as open_connections:
        assert shares(viewer)
        assert open_connections.ended() >= 300 - 64
        assert viewer.descriptors() < before + 80
    assert falls_to(viewer, before + 8)


def test_a_connection_that_hands_nothing_over_is_ended(viewer):
    silent = viewer.plug()
    assert silent.recv(1) == b""


class OpenConnections:
    def __init__(self, path, kind, count):
        self.path, self.kind, self.count = path, kind, count
        self.sockets = []

    def __enter__(self):
        for _ in range(self.count):
            connection = socket.socket(socket.AF_UNIX, self.kind)
            connection.connect(self.path)
            self.sockets.append(connection)
        return self

    def ended(self):
        """How many the viewer has ended."""
        count = 0
        for connection in self.sockets:
            connection.setblocking(False)
            try:
                count += connection.recv(1) == b""
            except BlockingIOError:
                pass
            except ConnectionResetError:
                count += 1
        return count

    def __exit__(self, *_):
        for connection in self.sockets:
            connection.close()


def falls_to(viewer, descriptors):
    """Whether the viewer lets go of what has ended: it is asked again and again until it has."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while viewer.descriptors() > descriptors and time.monotonic() < deadline:
        assert viewer.serves()
    return viewer.descriptors() <= descriptors


def shares(viewer):
    """Whether the viewer takes memory over and shows a frame in it."""
    memory, fd = shared_memory()
    session = os.urandom(16)
    connection = viewer.connect()
    connection.say(hello(session))
    assert isinstance(connection.hear(), Welcome)
    with hand_over(viewer.lease, session, fd):
        connection.say(encode(Share(size=len(memory))))
        nonce = connection.hear(Shared).nonce
        if nonce:
            connection.say(encode(frame(place=64)))
            assert connection.hear(Acks).frames[0].outcome == "shown"
    connection.close()
    os.close(fd)
    return nonce == memory[:32]


def offered(viewer, *fds, session=None, size=1 << 20):
    """Hand descriptors over as they are; return the nonce that the viewer reads in what it took."""
    session = session or os.urandom(16)
    connection = viewer.connect()
    connection.say(hello(session))
    connection.hear(Welcome)
    plug = viewer.plug()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    plug.sendmsg([session], rights)
    for fd in fds:
        os.close(fd)
    connection.say(encode(Share(size=size)))
    answer = connection.hear()
    connection.close()
    plug.close()
    return answer if isinstance(answer, Refused) else answer.nonce


def memfd(size=1 << 20, seals=fcntl.F_SEAL_SHRINK):
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    os.write(fd, b"n" * 32)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def test_sealed_memory_is_taken(viewer):
    assert shares(viewer)
    assert offered(viewer, memfd()) == b"n" * 32


def test_memory_that_could_be_truncated_is_not_taken(viewer):
    assert offered(viewer, memfd(seals=fcntl.F_SEAL_GROW)) == b""


def test_memory_truncated_after_it_was_taken_cannot_be(viewer):
    fd = memfd()
    assert offered(viewer, os.dup(fd)) == b"n" * 32
    with pytest.raises(PermissionError):
        os.ftruncate(fd, 0)


@pytest.mark.parametrize("size", [1, (1 << 20) - 1, 1 << 40])
def test_memory_of_another_size_than_announced_is_refused(viewer, size):
    assert isinstance(offered(viewer, memfd(), size=size), Refused)


def test_memory_without_a_byte_is_not_taken(viewer):
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    assert offered(viewer, fd, size=0) == b""


def test_more_memory_than_there_are_addresses_is_not_taken(viewer):
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 2**62)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    assert offered(viewer, fd, size=2**48) == b""


def test_several_descriptors_are_not_taken_and_all_closed(viewer):
    before = viewer.descriptors()
    assert offered(viewer, memfd(), memfd()) == b""
    assert offered(viewer, *[memfd() for _ in range(100)]) == b""
    assert falls_to(viewer, before + 4)


def test_no_descriptor_is_not_taken(viewer):
    assert offered(viewer) == b""


@pytest.mark.parametrize("kind", ["file", "null", "directory"])
def test_a_file_is_not_taken_for_memory(viewer, tmp_path, kind):
    (tmp_path / "file").write_bytes(bytes(1 << 20))
    path = {"file": tmp_path / "file", "null": os.devnull, "directory": tmp_path}[kind]
    assert offered(viewer, os.open(path, os.O_RDONLY)) == b""


def test_a_pipe_is_not_taken_for_memory(viewer):
    assert [offered(viewer, fd) for fd in os.pipe()] == [b"", b""]


def test_a_socket_is_not_taken_for_memory(viewer):
    assert [offered(viewer, end.detach()) for end in socket.socketpair()] == [b"", b""]


@pytest.mark.parametrize("session", [b"", b"short", bytes(17), bytes(60_000)])
def test_a_session_has_16_bytes(viewer, session):
    plug = viewer.plug()
    plug.sendmsg([session], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memfd()]))])
    assert plug.recv(1) == b""


def test_memory_of_another_session_cannot_be_replaced(viewer):
    session = os.urandom(16)
    first = viewer.plug()
    socket.send_fds(first, [session], [memfd()])
    other = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(other, 1 << 20)
    fcntl.fcntl(other, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    assert offered(viewer, other, session=session) == b"n" * 32


def test_anything_after_the_memory_ends_the_connection(viewer):
    plug = viewer.plug()
    socket.send_fds(plug, [os.urandom(16)], [memfd()])
    plug.send(b"more")
    assert plug.recv(1) == b""


def test_a_frame_read_from_memory_with_holes(viewer):
    """Pages that a sender punches out of its memory read as zeros; they do not kill the reader."""
    memory, fd = shared_memory()
    os.posix_fallocate(fd, 0, len(memory))
    session = os.urandom(16)
    connection = viewer.connect()
    connection.say(hello(session))
    connection.hear(Welcome)
    with hand_over(viewer.lease, session, fd):
        connection.say(encode(Share(size=len(memory))))
        connection.hear(Shared)
        memory.madvise(mmap.MADV_REMOVE, 0, len(memory))
        connection.say(encode(frame(shape=(512, 512), place=64)))
        assert connection.hear(Acks).frames[0].outcome == "shown"
    os.close(fd)


WITHOUT_DESCRIPTORS = """
import os, resource, socket, sys
from polystore_streaming.viewer._leases import Leases
leases = Leases(sys.argv[1])
plugs = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(3)]
for plug in plugs:
    plug.connect(sys.argv[1])
    plug.setblocking(False)
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, limits[1]))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
for _ in plugs:
    leases.accept()
resource.setrlimit(resource.RLIMIT_NOFILE, limits)
print([plug.recv(1) for plug in plugs])
leases.close()
"""


def test_a_listener_without_descriptors_turns_connections_away(tmp_path):
    """Else it would be ready for ever, and the viewer busy with it."""
    command = [sys.executable, "-W", "ignore", "-c", WITHOUT_DESCRIPTORS, str(tmp_path / "l")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert done.stdout == "[b'', b'', b'']\n"


def test_a_slow_window_holds_up_no_ping():
    with viewer_process(arguments=["--options", '{"seconds_per_frame": 0.2}']) as viewer:
        connection = viewer.connect()
        connection.greet()
        for number in range(CREDITS):
            connection.say(encode(frame(seq=number, path=str(number), size=0, shape=(0, 3))))
        connection.say(encode(Ping(number=1)))
        pong = connection.hear(Pong)
        assert pong.waiting >= CREDITS - 2
        shown = 0
        while shown < CREDITS:
            shown += len(connection.hear(Acks).frames)
        connection.close()


def test_an_inline_frame_arrives_while_others_are_being_sent(viewer):
    def send(viewer, number):
        connection = viewer.connect()
        connection.greet()
        connection.say(encode(frame(seq=number, path=f"big{number}", shape=(1024, 1024))))
        for offset in range(0, 2 << 20, 1 << 20):
            connection.say(
                encode(Piece(seq=number, offset=offset, size=1 << 20)),
                compress_piece(memoryview(os.urandom(1 << 20))),
            )
        assert connection.hear(Acks).frames[0].outcome == "shown"
        connection.close()

    others_ping(viewer, [(send, number) for number in range(4)], at_least=1)


def test_questions_from_the_dark_are_not_answered(viewer):
    connection = viewer.connect()
    connection.say(encode(Request(id=1, what="screenshot")))
    assert connection.hear() == Who()
    connection.greet()
    connection.say(encode(Request(id=1, what="screenshot")))
    assert connection.hear(Reply).id == 1
    connection.close()
