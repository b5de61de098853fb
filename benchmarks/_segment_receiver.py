"""A receiver of frames in named segments, one made for each frame: the design that live views often have.

Run as a script with two endpoints. For each message it attaches the segment, copies the frame out, removes
the segment, and says so.
"""

from __future__ import annotations

import sys
from multiprocessing.shared_memory import SharedMemory
from typing import Any, cast

import numpy as np
import zmq

__all__: list[str] = []


def main(frames: str, acknowledgements: str) -> None:
    """Receive until an empty message."""
    context = zmq.Context()
    source = context.socket(zmq.PULL)
    source.connect(frames)
    sink = context.socket(zmq.PUSH)
    sink.connect(acknowledgements)
    sink.send_json({})
    while message := cast("dict[str, Any]", source.recv_json()):
        segment = SharedMemory(name=message["name"])
        view: Any = np.ndarray(message["shape"], message["dtype"], segment.buf)
        frame = view.copy()
        del view
        segment.close()
        segment.unlink()
        sink.send_json({"last": int(frame[-1, -1])})
    source.close()
    sink.close()
    context.term()


if __name__ == "__main__":
    main(*sys.argv[1:])
