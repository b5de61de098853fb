"""Both ends of the wire, to be spoken to byte by byte: a viewer's without sockets, and a viewer process's."""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import zmq
from recorder import RecorderDisplay

from polystore_streaming.memory import make_shared
from polystore_streaming.viewer import Receiver
from polystore_streaming.viewer._host import DisplayHost
from polystore_streaming.wire import VERSION, ArraySpec, Frame, Hello, Welcome, decode_from_viewer, encode

PATIENCE_MS = 30_000
SESSION = b"a session of 16!"

DISTRIBUTION = {
    "METADATA": "Metadata-Version: 2.1\nName: recorder\nVersion: 1.0\n",
    "entry_points.txt": (
        "[polystore.backends]\nrecorder_stream = recorder:RecorderBackend [write,stream,flush,metrics]\n"
    ),
}


def hello(session=SESSION, **more):
    """Return the header of a hello."""
    return encode(
        Hello(**{"version": VERSION, "session": session, "pid": 1, "host": "h", "program": "test", **more})
    )


def frame(seq=1, shape=(4, 6), dtype="uint16", **more):
    """Return an image as it is announced, inline unless ``place`` is given."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    spec = ArraySpec(name="pixels", dtype=dtype, shape=shape)
    fields = {
        "seq": seq,
        "path": "a.tif",
        "layer": "a.tif",
        "role": "image",
        "arrays": (spec,),
        "size": size,
        "axes": ("t", "z", "y", "x")[-len(shape) :],
        **more,
    }
    return Frame(**fields)


class GlancingDisplay(RecorderDisplay):
    """Reads every byte that it is given, and keeps nothing."""

    def __init__(self):
        super().__init__("glance")
        self.seen = 0

    def _keep(self, content, values):
        self.seen += len(values.tobytes())

    def show_rois(self, rois):
        self.seen += sum(len(column.tobytes()) for column in rois.table.values())


class OneThreadServer:
    """A viewer whose sockets, server and window are one thread: what it is told it has done on return."""

    def __init__(self, display=None, **options):
        self.display = GlancingDisplay() if display is None else display
        self.host = DisplayHost(self.display)
        self.sent = []
        self.receiver = Receiver("recorder", self.host.mailbox, self._send, self.host.arrived, **options)
        self.host.serve(self)

    def acknowledge(self, peer, ack):
        self.receiver.acknowledge({peer: [ack]})

    def answer(self, peer, parts):
        self.receiver.answer(peer, parts)

    def hear(self, *parts, address=(0, b"peer"), **how):
        """Take one message in; return what is said to it, decoded."""
        before = len(self.sent)
        self.receiver.receive(address, parts, **how)
        return [message for _, message in self.sent[before:]]

    def show(self):
        """Show everything that has arrived; return what is said to it, decoded."""
        before = len(self.sent)
        while self.host.deliver():
            self.host.painted()
        self.host.painted()
        return [message for _, message in self.sent[before:]]

    def _send(self, address, parts):
        assert len(parts) <= 2
        self.sent.append((address, decode_from_viewer(parts[0])))


def shared_memory(size=1 << 20):
    """Return sealed memory as a sender makes it: writable, and its descriptor."""
    memory, fd = make_shared(size)
    assert fd is not None
    return memory, fd


def read_only(fd, size):
    """Return memory as a viewer maps it."""
    return memoryview(mmap.mmap(fd, size, prot=mmap.PROT_READ))


class Connection:
    """A sender's socket that says what the test says."""

    def __init__(self, context, endpoint):
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(endpoint)

    def say(self, *parts):
        """Send one message."""
        self.socket.send_multipart(parts)

    def hear(self, kind=None, patience_ms=PATIENCE_MS):
        """Return the next message, or the next of a kind; ``None`` if nothing comes."""
        while self.socket.poll(patience_ms):
            message = decode_from_viewer(self.socket.recv_multipart()[0])
            if kind is None or isinstance(message, kind):
                return message
        return None

    def greet(self, **more):
        """Say hello; return the answer."""
        self.say(hello(os.urandom(16), **more))
        return self.hear()

    def close(self):
        """End."""
        self.socket.close()


class ViewerProcess:
    """A recorder in a process of its own."""

    def __init__(self, directory, process):
        self.directory = directory
        self.process = process
        self.context = zmq.Context()
        self._open = []

    @property
    def endpoint(self):
        return f"ipc://{self.directory}/recorder.zmq"

    @property
    def lease(self):
        return f"{self.directory}/recorder.mem"

    def connect(self, endpoint=None):
        """Return a new connection."""
        connection = Connection(self.context, endpoint or self.endpoint)
        self._open.append(connection)
        return connection

    def plug(self):
        """Return a bare connection to the socket that memory is handed over through."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(PATIENCE_MS / 1000)
        connection.connect(self.lease)
        self._open.append(connection)
        return connection

    def serves(self):
        """Whether a new sender is welcome and what it sends is shown."""
        connection = self.connect()
        try:
            if not isinstance(connection.greet(), Welcome):
                return False
            connection.say(encode(frame(size=0, shape=(0, 3))))
            answer = connection.hear()
            return answer is not None and answer.frames[0].outcome == "shown"
        finally:
            connection.close()

    def resident_mebibytes(self):
        """Memory of the process, pages that it shares left out."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return (int(fields[1]) - int(fields[2])) * mmap.PAGESIZE / 2**20

    def descriptors(self):
        """How many files and sockets the process has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def close(self):
        for connection in self._open:
            connection.close()
        self.context.term()


def recorder_environment(folder, directory):
    """Install the recorder in a folder; return the environment of processes that are to find it."""
    info = Path(folder, "recorder-1.0.dist-info")
    info.mkdir(parents=True)
    for name, text in DISTRIBUTION.items():
        (info / name).write_text(text)
    tests = str(Path(__file__).parent)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), tests]),
        "POLYSTORE_RUNTIME_DIR": str(directory),
    }


@contextlib.contextmanager
def viewer_process(code="", arguments=()):
    """Run a recorder in a process of its own; ``code`` runs there first, and must end by a call of main."""
    with tempfile.TemporaryDirectory(prefix="ps-") as root:
        directory = Path(root, "run")
        directory.mkdir(mode=0o700)
        environment = recorder_environment(Path(root, "installed"), directory)
        command = ["-c", code] if code else ["-m", "polystore_streaming.viewer", "recorder_stream"]
        with subprocess.Popen(
            [sys.executable, *command, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            viewer = ViewerProcess(directory, process)
            try:
                assert isinstance(viewer.connect().greet(), Welcome)
                yield viewer
            finally:
                viewer.close()
                process.kill()
                said = process.communicate()[0].decode()
                sys.stdout.write(said)
        assert "Traceback" not in said
