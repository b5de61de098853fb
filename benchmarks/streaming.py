"""frames of 2048 x 2048 pixels to another process, to memcpy and to a new named segment per frame.

A frame counts when the receiving process has acknowledged it. The copies of memcpy go to 8 buffers in turn,
so that the processor's cache flatters nobody.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import zmq
from numpy.typing import NDArray

from benchmarks._compare import Case, ratio
from benchmarks._frame_receiver import KEPT, ReceiverBackend
from benchmarks._images import field_images
from benchmarks._table import line
from polystore import BackendRegistry, FileManager

if TYPE_CHECKING:
    from collections.abc import Iterator

Image = NDArray[np.uint16]

_BACKEND = "receiver_stream"
_BUFFERS = 8
_PATHS = tuple(f"live/{number}.tif" for number in range(_BUFFERS))


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield whole batches of frames, then what one save costs its caller; print the spread of that."""
    images = field_images(_BUFFERS, 64 if quick else 2048)
    count = 16 if quick else 128
    copies = Copies(images)
    with ExitStack() as stack:
        manager = stack.enter_context(receiving(folder))
        ours = Stream(manager, images)
        yield Case(
            f"{count} frames, to memcpy",
            lambda: ours.send(count),
            lambda: copies.make(count),
            None if quick else ratio(1.25),
            same=lambda *_: ours.arrives(),
        )
        segments = stack.enter_context(Segments(images))
        yield Case(
            f"{count} frames, to a segment for each",
            lambda: ours.send(count),
            lambda: segments.send(count),
            None if quick else ratio(1 / 6),
            same=lambda *_: True,
        )
        yield Case(
            "save of a frame, to memcpy",
            lambda: ours.save(0),
            lambda: copies.make(1),
            None if quick else ratio(1.5),
            same=lambda *_: ours.arrives(),
            prepare=ours.flush,
        )
        for name, pause in (("paced", True), ("flat out", False)):
            for text in spread(name, ours, copies, 20 if quick else 1000, pause=pause):
                print(text)


def spread(name: str, ours: Stream, copies: Copies, count: int, *, pause: bool) -> Iterator[str]:
    """Say how long saves, and copies between them, took the thread that asked for them."""
    saves: list[float] = []
    bare: list[float] = []
    for number in range(count):
        if pause:
            ours.flush()
        saves.append(seconds(lambda number=number: ours.save(number)))
    ours.flush()
    for _ in range(count):
        bare.append(seconds(lambda: copies.make(1)))
    for what, of in (
        ("median", median),
        ("p99", lambda times: quantiles(times, n=100)[98]),
        ("longest", max),
    ):
        mine, other = of(saves), of(bare)
        cells = [f"{what} of {count} saves, {name}", f"{1e3 * mine:.3g} ms", f"{1e3 * other:.3g} ms"]
        yield line([*cells, f"{mine / other:.2f}", "", "1", "", ""])


def seconds(work: Any) -> float:
    """How long something takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


class Copies:
    """Plain copies into buffers that exist."""

    def __init__(self, images: list[Image]) -> None:
        self._images = images
        self._buffers = [np.empty_like(image) for image in images]
        for buffer in self._buffers:
            buffer.fill(1)
        self._next = 0

    def make(self, count: int) -> None:
        """Copy so many frames."""
        for _ in range(count):
            place = self._next % _BUFFERS
            np.copyto(self._buffers[place], self._images[place])
            self._next += 1


class Stream:
    """Frames through PolyStore."""

    def __init__(self, manager: FileManager, images: list[Image]) -> None:
        self._manager = manager
        self._images = images

    def save(self, number: int) -> None:
        """Save one frame."""
        place = number % _BUFFERS
        self._manager.save(self._images[place], _PATHS[place], backend=_BACKEND, policy="block")

    def send(self, count: int) -> None:
        """Save so many frames and wait until all are acknowledged."""
        for number in range(count):
            self.save(number)
        self.flush()

    def flush(self) -> None:
        """Wait until all are acknowledged."""
        if self._manager.flush(backend=_BACKEND, timeout=60):
            raise TimeoutError("frames have not arrived")

    def arrives(self) -> bool:
        """Whether a frame is at the other end what it was here, and none was dropped."""
        sink: Any = self._manager.stream(backend=_BACKEND)
        sink.append(self._images[1], KEPT)
        (counts,) = sink.metrics().values()
        shares = counts["shares_memory"] and not counts["dropped"] and not counts["refused"]
        return bool(shares and np.array_equal(sink.pixels(KEPT), self._images[1]))


@contextmanager
def receiving(folder: Path) -> Iterator[FileManager]:
    """Run the receiving process."""
    installed, runtime = folder / "installed", folder / "run"
    info = installed / "receiver-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: receiver\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[polystore.backends]\n{_BACKEND} = _frame_receiver:ReceiverBackend [write,stream,flush,metrics]\n"
    )
    path = os.pathsep.join([str(installed), str(Path(__file__).parent)])
    with patch.dict(os.environ, POLYSTORE_RUNTIME_DIR=str(runtime), PYTHONPATH=path):
        registry = BackendRegistry()
        registry.register(_BACKEND, ReceiverBackend())
        manager = FileManager(registry)
        sink: Any = manager.stream(backend=_BACKEND)
        sink.layers()
        try:
            yield manager
        finally:
            sink.close_viewer()
            manager.close()


class Segments:
    """Frames through segments that are made, and removed, for each."""

    def __init__(self, images: list[Image]) -> None:
        self._images = images
        self._context = zmq.Context()
        self._source = self._context.socket(zmq.PUSH)
        self._sink = self._context.socket(zmq.PULL)
        command = [sys.executable, str(Path(__file__).with_name("_segment_receiver.py"))]
        for socket in (self._source, self._sink):
            port = socket.bind_to_random_port("tcp://127.0.0.1")
            command.append(f"tcp://127.0.0.1:{port}")
        self._process = subprocess.Popen(command)
        self._sink.recv()

    def __enter__(self) -> Segments:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.send_json({})
        self._process.wait()
        self._source.close()
        self._sink.close()
        self._context.term()

    def send(self, count: int) -> None:
        """Send so many frames and wait until all are acknowledged; no more than 8 are on their way."""
        for number in range(count):
            if number >= _BUFFERS:
                self._acknowledged(number - _BUFFERS)
            self._send(self._images[number % _BUFFERS])
        for number in range(max(0, count - _BUFFERS), count):
            self._acknowledged(number)

    def _send(self, image: Image) -> None:
        segment = SharedMemory(create=True, size=image.nbytes)
        np.copyto(np.ndarray(image.shape, image.dtype, segment.buf), image)
        self._source.send_json({"name": segment.name, "shape": image.shape, "dtype": str(image.dtype)})
        segment.close()
        # The receiver removes it; without this the tracker of this process would complain at exit.
        resource_tracker.unregister(f"/{segment.name.lstrip('/')}", "shared_memory")

    def _acknowledged(self, number: int) -> None:
        said = json.loads(self._sink.recv())
        if said["last"] != int(self._images[number % _BUFFERS][-1, -1]):
            raise AssertionError("a segment holds another frame")
