"""What the document of the protocol says is so, and enough to write the other end of it."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import zmq
from recorder import RecorderBackend
from wire_support import Connection, viewer_process
from wire_tables import MESSAGES, PARTS, rows

from polystore_core import BackendRegistry, FileManager, StorageError
from polystore_streaming import wire
from polystore_streaming.viewer import _peers, _receiver, _server
from polystore_streaming.wire import _limits

HERE = Path(__file__).parent
DOCUMENT = (Path(__file__).parents[3] / "docs" / "reference" / "wire.md").read_text()


def section(title):
    """The text below a heading, up to the next."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


@pytest.mark.parametrize("name", [*MESSAGES, *PARTS])
def test_the_table_of_a_message_is_its_class(name):
    table = [
        tuple(cell.strip() for cell in line.split(" | ")[:3])
        for line in section(name).partition("| `what` | `value`")[0].splitlines()
        if line.startswith("| `")
    ]
    told = [(f"| `{key}`", kind, value) for key, kind, value in rows({**MESSAGES, **PARTS}[name])]
    assert table == told


def test_every_message_has_a_section():
    kinds = {*wire.FromSender.__args__, *wire.FromViewer.__args__}
    assert {kind.__struct_config__.tag for kind in kinds} == set(MESSAGES)


@pytest.mark.parametrize(
    "said",
    [
        f"at most {_limits.MAX_HEADER_BYTES}, one to a sender at most {_limits.MAX_ANSWER_BYTES}",
        f"at most {_server._LONGEST_PART} bytes to a viewer",
        f"and {_limits.MAX_REPLY_BYTES} to a sender",
        f"pieces of at most {_limits.MAX_PIECE_BYTES} bytes, is at most {_limits.MAX_FRAME_BYTES} bytes long",
        f"with {_receiver._MOST_PEERS} senders answers `refused`",
        f"At most {_limits.MAX_QUESTIONS} questions",
        f"said nothing for {_receiver._SILENT_SECONDS:.0f} seconds",
        f"at multiples of {_limits.ALIGNMENT}",
        f"Version {wire.VERSION}.",
        ", ".join(f"`{dtype}`" for dtype in wire.DTYPES),
    ],
)
def test_a_limit_in_the_document_holds(said):
    assert " ".join(said.split()) in " ".join(DOCUMENT.replace(" bytes, one", ", one").split())


def test_the_kinds_of_question_are_all_explained():
    explained = re.findall(
        r"^\| `(\w+)` \|", section("request").partition("| `what` | `value`")[2], re.MULTILINE
    )
    kind = next(kind for key, kind, _ in rows(wire.Request) if key == "what")
    assert sorted(explained) == re.findall(r"`(\w+)`", kind)


def exchange():
    """The exchange of the document: who speaks, the header, and the second part or nothing."""
    found = []
    for paragraph in (
        section("An exchange, byte by byte").partition("```text\n")[2].partition("```")[0].split("\n\n")
    ):
        who, *lines = paragraph.strip().splitlines()
        parts = {"": b"", "+": b""}
        for line in lines:
            mark, codes = re.match(r"(\+ )?((?:[0-9a-f]{2,} ?)+)  ?", line).groups()
            parts[(mark or "").strip()] += bytes.fromhex(codes)
        found.append((who, parts[""], parts["+"]))
    return found


def test_the_exchange_in_the_document_is_what_both_ends_understand():
    said = [
        (wire.decode_from_sender if who.startswith("sender") else wire.decode_from_viewer)(header)
        for who, header, _ in exchange()
    ]
    hello, welcome, frame, piece, acks, bye = said
    session = bytes(range(16))
    assert hello == wire.Hello(version=1, session=session, pid=4711, host="lab", program="mine 1")
    assert welcome == wire.Welcome(
        version=1, session=session, viewer="napari", pid=815, host="lab", credits=8
    )
    pixels = wire.ArraySpec(name="pixels", dtype="uint16", shape=(2, 3))
    assert frame == wire.Frame(
        seq=1,
        path="a.tif",
        layer="a.tif",
        role="image",
        arrays=(pixels,),
        size=12,
        axes=("y", "x"),
        contrast=(1.0, 6.0),
    )
    assert piece == wire.Piece(seq=1, offset=0, size=12)
    assert wire.decompress_piece(exchange()[3][2], 12) == struct.pack("<6H", 1, 2, 3, 4, 5, 6)
    assert acks == wire.Acks(session=session, frames=(wire.Ack(seq=1, outcome="shown"),))
    assert bye == wire.Bye()


def test_the_exchange_in_the_document_names_who_speaks():
    assert [who for who, _, _ in exchange()] == [
        "sender: hello",
        "viewer: welcome",
        "sender: frame",
        "sender: piece",
        "viewer: acks",
        "sender: bye",
    ]


def test_a_viewer_keeps_to_the_exchange_in_the_document():
    with viewer_process() as viewer:
        connection = Connection(viewer.context, viewer.endpoint)
        heard = []
        for who, header, second in exchange():
            if who.startswith("sender"):
                connection.say(*[header, second][: 1 + bool(second)])
            else:
                heard.append(connection.hear())
        connection.close()
    welcome, acks = heard
    assert (welcome.version, welcome.session, welcome.credits) == (1, bytes(range(16)), _peers.CREDITS)
    assert acks == wire.decode_from_viewer(exchange()[4][1])


@pytest.mark.parametrize("name", ["independent_sender.py", "independent_viewer.py"])
def test_the_independent_ends_know_nothing_of_polystore(name):
    for node in ast.walk(ast.parse((HERE / name).read_text())):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            assert "polystore" not in ast.dump(node)


@pytest.mark.parametrize("shares", [True, False])
def test_a_sender_written_from_the_document_is_shown(shares):
    with viewer_process() as viewer:
        command = [sys.executable, HERE / "independent_sender.py", viewer.endpoint, *[viewer.lease] * shares]
        told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout)
        assert told["lease"] == viewer.lease
    assert told["viewer"] == "recorder"
    assert told["acks"] == [[1, "shown", ""], [2, "shown", ""]][not shares :]
    assert told["layers"] == ["shared.tif", "inline.tif"][not shares :]
    assert told["pixels"] == ["uint16", [2, 3], [6, 5, 4, 3, 2, 1]]
    assert told["pong"] == 5


def close(endpoint):
    """Close a viewer as the document says."""
    with zmq.Context() as context:
        connection = Connection(context, endpoint)
        assert isinstance(connection.greet(), wire.Welcome)
        connection.say(wire.encode(wire.Request(id=1, what="close")))
        assert [connection.hear(), connection.hear()] == [wire.Reply(id=1), wire.Closing()]
        connection.socket.setsockopt(zmq.LINGER, 1000)
        connection.say(wire.encode(wire.Bye()))
        connection.close()


def test_a_viewer_waits_for_the_bye_of_its_senders():
    with viewer_process() as viewer:
        close(viewer.endpoint)
        assert viewer.process.wait(30) == 0


@contextlib.contextmanager
def independent_viewer(mode, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="ps-") as directory:
        monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", directory)
        command = [sys.executable, HERE / "independent_viewer.py", directory, "recorder", mode]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout.readline() == b"ready\n"
                registry = BackendRegistry()
                registry.register("recorder_stream", RecorderBackend(autostart=False, linger=0.0))
                manager = FileManager(registry)
                yield manager
                manager.close()
                close(f"ipc://{directory}/recorder.zmq")
                assert process.wait(30) == 0
            finally:
                process.kill()


@pytest.mark.parametrize("mode", ["memory", "pieces"])
def test_a_viewer_written_from_the_document_shows_what_is_saved(mode, monkeypatch):
    images = [np.random.default_rng(n).integers(0, 4000, (512, 700 + n), np.uint16) for n in range(6)]
    with independent_viewer(mode, monkeypatch) as manager:
        for number, image in enumerate(images):
            manager.save(image, f"{number}.tif", backend="recorder_stream")
        assert manager.flush(backend="recorder_stream", timeout=30) == 0
        sink = manager.stream(backend="recorder_stream")
        assert [layer["name"] for layer in sink.layers()] == [f"{n}.tif" for n in range(6)]
        for number, image in enumerate(images):
            assert np.array_equal(sink.pixels(f"{number}.tif"), image)
        (metrics,) = sink.metrics().values()
        assert metrics["shares_memory"] is (mode == "memory")
        assert (metrics["offered"], metrics["shown"], metrics["dropped"]) == (6, 6, 0)
        with pytest.raises(StorageError, match="no layer 'none'"):
            sink.pixels("none")
