"""A viewer written from the protocol's document alone; run as ``RUNTIME NAME memory|pieces`` until closed.

It has no window, and answers for the last image of each layer.
"""

from __future__ import annotations

import array
import fcntl
import json
import mmap
import os
import socket
import struct
import sys
import time

import lz4.block
import msgpack
import zmq

CREDITS = 2


class Viewer:
    """What senders say, and what was shown."""

    def __init__(self, runtime, name, mode):
        self.name = name
        self.lock = open(f"{runtime}/{name}.lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.router.bind(f"ipc://{runtime}/{name}.zmq")
        self.lease = f"{runtime}/{name}.mem" if mode == "memory" else ""
        if self.lease:
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.listener.bind(self.lease)
            self.listener.listen()
        record = {
            "name": name,
            "backend": "recorder_stream",
            "pid": os.getpid(),
            "endpoint": f"ipc://{runtime}/{name}.zmq",
            "token": "",
            "started": time.time(),
        }
        with open(f"{runtime}/{name}.json", "w") as file:
            json.dump(record, file)
        self.sessions = {}
        self.memory = {}
        self.open_frames = {}
        self.layers = {}
        self.connections = []
        self.closed = False

    def say(self, peer, kind, second=None, **fields):
        """Send one message."""
        header = msgpack.packb({"type": kind, **fields})
        self.router.send_multipart([peer, header] if second is None else [peer, header, second])

    def serve(self):
        """Answer until asked to close."""
        while self.sessions or not self.closed:
            peer, header, *second = self.router.recv_multipart()
            message = msgpack.unpackb(header)
            kind = message.pop("type")
            if kind != "hello" and peer not in self.sessions:
                self.say(peer, "who")
            else:
                getattr(self, f"take_{kind}")(peer, *second, **message)
        self.router.close(1000)
        self.context.term()

    def take_hello(self, peer, version, session, pid, host, program, token=""):
        if version != 1:
            self.say(peer, "refused", reason="version 1 is spoken here")
            return
        self.sessions[peer] = session
        self.say(
            peer,
            "welcome",
            version=1,
            session=session,
            viewer=self.name,
            pid=os.getpid(),
            host="here",
            credits=CREDITS,
            lease=self.lease,
        )

    def take_share(self, peer, size):
        connection, _ = self.listener.accept()
        user = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
        assert user == os.geteuid()
        session, ancillary, _, _ = connection.recvmsg(16, socket.CMSG_SPACE(4))
        assert session == self.sessions[peer]
        fd = array.array("i", ancillary[0][2])[0]
        self.memory[peer] = mmap.mmap(fd, size, prot=mmap.PROT_READ)
        self.connections.append(connection)
        self.say(peer, "shared", session=session, nonce=self.memory[peer][:32])

    def take_frame(self, peer, seq, size, place=None, **frame):
        frame["size"] = size
        if place is None:
            self.open_frames[seq] = frame, bytearray()
        else:
            self.show(peer, seq, frame, self.memory[peer][place : place + size])

    def take_piece(self, peer, block, seq, offset, size):
        frame, data = self.open_frames[seq]
        assert offset == len(data)
        data += lz4.block.decompress(block, uncompressed_size=size)
        if len(data) == frame["size"]:
            del self.open_frames[seq]
            self.show(peer, seq, frame, bytes(data))

    def show(self, peer, seq, frame, data):
        self.layers[frame["layer"]] = frame, data
        self.say(peer, "acks", session=self.sessions[peer], frames=[[seq, "shown"]])

    def take_request(self, peer, id, what, layer="", **_):
        if what == "layers":
            value = [
                {"name": name, "kind": frame["role"], "visible": True}
                for name, (frame, _) in self.layers.items()
            ]
            self.say(peer, "reply", b"", id=id, value=value)
        elif what == "pixels" and layer in self.layers:
            frame, data = self.layers[layer]
            self.say(peer, "reply", data, id=id, arrays=frame["arrays"])
        elif what == "close":
            self.say(peer, "reply", b"", id=id)
            for sender in self.sessions:
                self.say(sender, "closing")
            self.closed = True
        else:
            self.say(peer, "reply", b"", id=id, error=f"no layer {layer!r}")

    def take_ping(self, peer, number):
        self.say(peer, "pong", number=number)

    def take_counts(self, peer, dropped):
        pass

    def take_bye(self, peer):
        del self.sessions[peer]


if __name__ == "__main__":
    viewer = Viewer(*sys.argv[1:])
    print("ready", flush=True)
    viewer.serve()
