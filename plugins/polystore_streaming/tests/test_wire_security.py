"""Who may talk to a viewer, and what its network senders may not have it do."""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zmq
from wire_support import Connection, frame, hello, viewer_process

from polystore_core.errors import AccessDenied, CorruptData, InvalidOption
from polystore_streaming.processes import runtime_directory
from polystore_streaming.sender import Stream, targets
from polystore_streaming.viewer import Listener, read_or_make_key
from polystore_streaming.wire import Acks, Refused, Reply, Request, Share, Shared, Welcome, encode

SOURCES = Path(__file__).parents[1] / "src"

LISTENING = """
import sys
from polystore_streaming.viewer import Listener, run_viewer
token, key = sys.argv[1:]
run_viewer("recorder_stream", listeners=[Listener("tcp://127.0.0.1:0", token=token, secret_key=key)])
"""


def is_running(viewer):
    """What the viewer wrote about itself."""
    return json.loads((viewer.directory / "recorder.json").read_text())


@pytest.fixture(scope="module")
def viewer():
    with viewer_process(LISTENING, ["secret token", ""]) as viewer:
        viewer.tcp = is_running(viewer)["endpoint"]
        yield viewer


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://0.0.0.0:5555",
        "tcp://192.168.1.7:5555",
        "tcp://[::]:5555",
        "tcp://[2001:db8::1]:5555",
        "tcp://169.254.1.1:0",
        "tcp://255.255.255.255:1",
    ],
)
def test_an_address_that_others_reach_needs_keys(endpoint):
    with pytest.raises(InvalidOption, match="needs CURVE keys"):
        Listener(endpoint, token="t")


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://*:5555",
        "tcp://localhost:5555",
        "tcp://eth0:5555",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:x",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:٣",
        "tcp://127.0.0.1;0.0.0.0:5555",
        "tcp://127.1:5555",
        "udp://127.0.0.1:5555",
        "ipc:///tmp/x",
        "",
    ],
)
def test_what_is_no_address_is_refused(endpoint):
    with pytest.raises(InvalidOption, match="listen on tcp://ADDRESS:PORT"):
        Listener(endpoint, secret_key="k" * 40)


def test_nothing_is_bound_where_keys_are_missing():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(InvalidOption, match="needs CURVE keys"):
        Listener(f"tcp://0.0.0.0:{port}")
    socket.create_server(("127.0.0.1", port)).close()


def test_a_listener_has_a_token_of_its_own():
    tokens = {Listener("tcp://127.0.0.1:0").token for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 32


def test_a_port_that_is_taken_is_told():
    with zmq.Context() as context, context.socket(zmq.ROUTER) as one, context.socket(zmq.ROUTER) as other:
        endpoint = Listener("tcp://127.0.0.1:0").bind(one)
        with pytest.raises(InvalidOption, match="cannot listen on"):
            Listener(endpoint).bind(other)


def test_a_viewer_listens_on_ipv6():
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        assert Listener("tcp://[::1]:0").bind(router).startswith("tcp://[::1]:")


@pytest.mark.parametrize("token", ["", "secret", "secret token "])
def test_a_wrong_token_is_turned_away_over_tcp(viewer, token):
    connection = viewer.connect(viewer.tcp)
    assert isinstance(connection.greet(token=token), Refused)
    connection.say(encode(frame(size=0, shape=(0, 2))))
    assert not isinstance(connection.hear(), Acks)


def test_the_token_lets_a_sender_in(viewer):
    connection = viewer.connect(viewer.tcp)
    assert isinstance(connection.greet(token="secret token"), Welcome)
    connection.say(encode(frame(size=0, shape=(0, 2))))
    assert connection.hear().frames[0].outcome == "shown"


def test_the_viewer_listens_on_loopback_alone(viewer):
    address, _, port = viewer.tcp.removeprefix("tcp://").rpartition(":")
    listening = [
        line.split()[1]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{int(port):04X}")
    ]
    assert address == "127.0.0.1"
    assert listening == [f"0100007F:{int(port):04X}"]


def test_a_sender_on_the_network_opens_no_files(viewer):
    connection = viewer.connect(viewer.tcp)
    connection.greet(token="secret token")
    connection.say(encode(Request(id=1, what="open", path="/etc/passwd", backend="disk")))
    assert connection.hear(Reply).error == "only a process of this user on this machine may have files opened"
    local = viewer.connect()
    local.greet()
    local.say(encode(Request(id=1, what="open", path="/tmp/a.zarr", backend="zarr")))
    assert local.hear(Reply).error == ""


def test_a_sender_on_the_network_reads_no_memory(viewer):
    connection = viewer.connect(viewer.tcp)
    connection.greet(token="secret token")
    connection.say(encode(Share(size=1 << 20)))
    assert connection.hear(Shared).nonce == b""
    connection.say(encode(frame(place=0)))
    assert "none was handed over" in connection.hear(Refused).reason


def test_files_of_a_viewer_are_its_users_alone(viewer):
    assert viewer.directory.stat().st_mode & 0o777 == 0o700
    assert (viewer.directory / "recorder.mem").stat().st_mode & 0o077 == 0


def test_a_runtime_directory_that_others_enter_is_refused(tmp_path, monkeypatch):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o711)
    monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", str(tmp_path / "open"))
    with pytest.raises(AccessDenied, match="chmod 700"):
        runtime_directory()


def test_a_runtime_directory_that_is_a_link_is_refused(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", str(tmp_path / "link"))
    with pytest.raises(AccessDenied, match="not a directory of yours"):
        runtime_directory()


def test_the_runtime_directory_is_made_for_its_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", str(tmp_path / "new"))
    mask = os.umask(0)
    try:
        assert runtime_directory().stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(mask)


STRANGER = """
import os, socket, sys, zmq
os.setgid(65534); os.setuid(65534)
lease, endpoint, greeting = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3])
plain = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
plain.settimeout(20)
plain.connect(lease)
memory = os.memfd_create("m", os.MFD_ALLOW_SEALING)
try:
    socket.send_fds(plain, [bytes(16)], [memory])
    print("lease", plain.recv(1))
except OSError as error:
    print("lease", error)
dealer = zmq.Context().socket(zmq.DEALER)
dealer.setsockopt(zmq.LINGER, 0)
dealer.connect(endpoint)
dealer.send(greeting)
print("answered" if dealer.poll(1000) else "no answer")
"""


def test_a_process_of_another_user_is_turned_away():
    with viewer_process() as viewer:
        viewer.directory.parent.chmod(0o711)
        viewer.directory.chmod(0o711)
        for path in viewer.directory.iterdir():
            path.chmod(0o666)
        as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        command = [*as_root, sys.executable, "-c", STRANGER, viewer.lease, viewer.endpoint, hello().hex()]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert said.stdout.splitlines()[-1:] == ["no answer"], said
        assert said.stdout.startswith(("lease b''", "lease [Errno"))
        assert viewer.serves()


def test_a_viewer_with_keys_is_reached_with_its_public_key_alone(tmp_path):
    public, secret = read_or_make_key(tmp_path / "key")
    wrong = zmq.curve_keypair()[0].decode()
    with viewer_process(LISTENING, ["secret token", secret]) as viewer:
        endpoint = is_running(viewer)["endpoint"]
        for key, token, patience, kind in [
            (public, "secret token", 20_000, Welcome),
            (public, "wrong", 20_000, Refused),
            (wrong, "secret token", 1000, type(None)),
            ("", "secret token", 1000, type(None)),
        ]:
            connection = Connection(viewer.context, "inproc://nowhere")
            if key:
                connection.socket.curve_serverkey = key.encode()
                connection.socket.curve_publickey, connection.socket.curve_secretkey = zmq.curve_keypair()
            connection.socket.connect(endpoint)
            connection.socket.disconnect("inproc://nowhere")
            connection.say(hello(token=token))
            assert isinstance(connection.hear(patience_ms=patience), kind)
            connection.close()
        assert viewer.serves()


def stream_to(address):
    return Stream(
        "recorder_stream",
        targets("recorder", address),
        max_bytes=1 << 20,
        autostart=False,
        linger=0.0,
        display_options={},
    )


def test_a_stream_reaches_a_viewer_with_keys_and_keeps_its_secrets(tmp_path):
    public, secret = read_or_make_key(tmp_path / "key")
    with viewer_process(LISTENING, ["secret token", secret]) as viewer:
        endpoint = is_running(viewer)["endpoint"]
        stream = stream_to({"endpoint": endpoint, "token": "secret token", "server_key": public})
        value, _ = stream.ask(lambda number: Request(id=number, what="status"), 20.0)
        assert value["received"] == 0
        stream.close()
        stream = stream_to({"endpoint": endpoint, "token": "wrong", "server_key": public})
        with pytest.raises(ConnectionError, match="token is wrong"):
            stream.ask(lambda number: Request(id=number, what="status"), 20.0)
        stream.close()


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path):
    mask = os.umask(0)
    try:
        keys = read_or_make_key(tmp_path / "key")
    finally:
        os.umask(mask)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert read_or_make_key(tmp_path / "key") == keys
    assert len({*keys, *read_or_make_key(tmp_path / "other")}) == 4


def test_a_key_that_others_may_read_is_refused(tmp_path):
    read_or_make_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(AccessDenied, match="chmod 600"):
        read_or_make_key(tmp_path / "key")


@pytest.mark.parametrize("content", [b"", b"short", b"k" * 41, b" " * 40, "ü".encode() * 40, b"\xff" * 40])
def test_a_file_without_a_key_is_told(tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(CorruptData, match="holds no CURVE key"):
        read_or_make_key(tmp_path / "key")


FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
FORBIDDEN_NAMES = {"send_pyobj", "recv_pyobj", "allow_pickle", "eval", "exec", "yaml"}


@pytest.mark.parametrize(
    "source", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.relative_to(SOURCES).name
)
def test_no_source_unpickles_or_evaluates(source):
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & FORBIDDEN_MODULES
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in FORBIDDEN_MODULES
        elif isinstance(node, ast.Name):
            assert node.id not in FORBIDDEN_NAMES
        elif isinstance(node, (ast.Attribute, ast.keyword)):
            assert (node.attr if isinstance(node, ast.Attribute) else node.arg) not in FORBIDDEN_NAMES


def test_arrays_of_objects_are_never_sent():
    with pytest.raises(TypeError):
        encode(np.zeros(1, object))
