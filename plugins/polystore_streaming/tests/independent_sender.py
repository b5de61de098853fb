"""A sender written from the protocol's document alone; run as ``ENDPOINT [LEASE]`` it tells its story."""

from __future__ import annotations

import array
import fcntl
import json
import mmap
import os
import socket
import struct
import sys

import lz4.block
import msgpack
import zmq

F_SEAL_SHRINK = 2


class Sender:
    """One connection to a viewer."""

    def __init__(self, endpoint):
        self.session = os.urandom(16)
        self.context = zmq.Context()
        self.dealer = self.context.socket(zmq.DEALER)
        self.dealer.setsockopt(zmq.LINGER, 1000)
        self.dealer.connect(endpoint)
        self.say("hello", version=1, session=self.session, pid=os.getpid(), host="here", program="mine 1")
        self.welcome = self.hear("welcome")[0]

    def say(self, kind, second=None, **fields):
        """Send one message."""
        header = msgpack.packb({"type": kind, **fields})
        self.dealer.send_multipart([header] if second is None else [header, second])

    def hear(self, kind):
        """Wait for a message of one kind."""
        assert self.dealer.poll(20_000), f"no {kind}"
        header, *second = self.dealer.recv_multipart()
        message = msgpack.unpackb(header)
        assert message["type"] == kind, message
        return message, second

    def hand_over(self, lease):
        """Hand 64 KiB over; return the memory if the viewer has it."""
        nonce = os.urandom(32)
        fd = os.memfd_create("mine", os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, 65536)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, F_SEAL_SHRINK)
        memory = mmap.mmap(fd, 65536)
        memory[:32] = nonce
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.connection.connect(lease)
        rights = array.array("i", [fd])
        self.connection.sendmsg([self.session], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        self.say("share", size=65536)
        assert self.hear("shared")[0]["nonce"] == nonce
        return memory

    def show(self, seq, path, size, **fields):
        """Announce an image of 2 x 3 pixels."""
        pixels = {"name": "pixels", "dtype": "uint16", "shape": [2, 3]}
        self.say(
            "frame",
            seq=seq,
            path=path,
            layer=path,
            role="image",
            arrays=[pixels],
            size=size,
            axes=["y", "x"],
            contrast=[1, 6],
            **fields,
        )


def main(endpoint, lease=""):
    """Show one image in shared memory and one in a piece; print what the viewer says about them."""
    sender = Sender(endpoint)
    told = {"viewer": sender.welcome["viewer"], "lease": sender.welcome["lease"], "acks": []}
    if lease:
        memory = sender.hand_over(lease)
        memory[128:140] = struct.pack("<6H", 1, 2, 3, 4, 5, 6)
        sender.show(1, "shared.tif", 12, place=128)
        told["acks"] += sender.hear("acks")[0]["frames"]
    sender.show(2, "inline.tif", 12)
    piece = lz4.block.compress(struct.pack("<6H", 6, 5, 4, 3, 2, 1), store_size=False)
    sender.say("piece", piece, seq=2, offset=0, size=12)
    told["acks"] += sender.hear("acks")[0]["frames"]
    sender.say("request", id=3, what="layers")
    reply, _ = sender.hear("reply")
    told["layers"] = [layer["name"] for layer in reply["value"]]
    sender.say("request", id=4, what="pixels", layer="inline.tif")
    reply, (second,) = sender.hear("reply")
    (spec,) = reply["arrays"]
    offset = spec.get("offset", 0)
    told["pixels"] = [spec["dtype"], spec["shape"], struct.unpack_from("<6H", second, offset)]
    sender.say("ping", number=5)
    told["pong"] = sender.hear("pong")[0]["number"]
    sender.say("bye")
    print(json.dumps(told))
    sender.dealer.close()
    sender.context.term()


if __name__ == "__main__":
    main(*sys.argv[1:])
