"""Frames that go inline: over the network, and where memory is short or cannot be shared."""

import os
import resource
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
from viewer_processes import PATIENCE, eventually

from polystore_core.errors import ViewerUnreachable
from polystore_streaming.processes import read_record

BACKEND = "recorder_stream"

NETWORK = """
import sys
from polystore_streaming.viewer import Listener, run_viewer
run_viewer("recorder_stream", listeners=[Listener(sys.argv[1], token="secret")])
"""


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 65536, shape).astype(np.uint16)


class NetworkViewer:
    """A viewer that listens on loopback too, seen from a machine that has no memory in common with it."""

    def __init__(self, recorders, monkeypatch, elsewhere):
        self.recorders = recorders
        self.files = recorders.files()
        self.endpoint = self.start("tcp://127.0.0.1:0")
        elsewhere.mkdir(mode=0o700)
        monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", str(elsewhere))

    def start(self, endpoint):
        with self.files.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", NETWORK, endpoint],
                env={**os.environ, **self.recorders.variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.recorders.started.append(process)
        return eventually(lambda: read_record(self.files)).endpoint

    def kill(self):
        self.recorders.started[-1].kill()
        self.recorders.started[-1].wait()
        self.files.record.unlink()

    def sink(self, *, token="secret", **configuration):
        viewers = {"endpoint": self.endpoint, "token": token}
        return self.recorders.manager(viewers=viewers, **configuration).stream(backend=BACKEND)

    def end(self):
        for process in self.recorders.started:
            process.kill()


@pytest.fixture
def network_viewer(recorders, monkeypatch, tmp_path):
    viewer = NetworkViewer(recorders, monkeypatch, tmp_path / "r")
    yield viewer
    viewer.end()


def counts_of(sink):
    (counts,) = sink.metrics().values()
    return counts


def test_frames_go_inline_over_the_network(network_viewer):
    sink = network_viewer.sink()
    images = {
        "small": noise((3, 5)),
        "pieces": noise((2048, 2048)),
        "zeros": np.zeros((3000, 1000), np.uint16),
    }
    for path, image in images.items():
        sink.append(image, path)
    for path, image in images.items():
        assert np.array_equal(sink.pixels(path), image)
    assert not counts_of(sink)["shares_memory"]
    assert counts_of(sink)["shown"] == 3


def test_many_large_frames_go_inline_one_after_the_other(network_viewer):
    sink = network_viewer.sink()
    for number in range(12):
        sink.append(noise((1024, 1024), number), f"path {number}", policy="drop_oldest")
    assert sink.flush(PATIENCE) == 0
    for number in (0, 5, 11):
        assert np.array_equal(sink.pixels(f"path {number}"), noise((1024, 1024), number))


def test_an_empty_array_goes_inline(network_viewer):
    sink = network_viewer.sink()
    sink.append(np.zeros((0, 3)), "none", kind="points")
    assert sink.pixels("none").shape == (0, 3)


def test_a_wrong_token_is_told(network_viewer):
    sink = network_viewer.sink(token="guess")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sink.append(noise((3, 3)), "image")
        eventually(lambda: counts_of(sink)["state"] == "unreachable")
    with pytest.raises(ViewerUnreachable, match="refuses: the token is wrong"):
        sink.flush(PATIENCE)


def test_a_viewer_on_the_network_that_is_killed_gets_everything_when_it_is_back(network_viewer):
    sink = network_viewer.sink()
    for number in range(3):
        sink.append(noise((600, 600), number), f"path {number}")
    assert sink.flush(PATIENCE) == 0
    network_viewer.kill()
    eventually(lambda: counts_of(sink)["state"] == "unreachable")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sink.append(noise((600, 600), 7), "path 1")
    network_viewer.start(network_viewer.endpoint)
    eventually(lambda: counts_of(sink)["state"] == "ready")
    assert sink.flush(PATIENCE) == 0
    for path, seed in (("path 0", 0), ("path 1", 7), ("path 2", 2)):
        assert np.array_equal(sink.pixels(path), noise((600, 600), seed))


def test_a_viewer_killed_in_the_midst_of_an_inline_frame_gets_it_whole_when_it_is_back(network_viewer):
    sink = network_viewer.sink()
    sink.append(noise((3, 3)), "first")
    assert sink.flush(PATIENCE) == 0
    os.kill(network_viewer.recorders.started[-1].pid, signal.SIGSTOP)
    sink.append(noise((4096, 4096)), "image")
    eventually(lambda: counts_of(sink)["sent"] == 2)
    network_viewer.kill()
    network_viewer.start(network_viewer.endpoint)
    eventually(lambda: counts_of(sink)["state"] == "ready")
    assert np.array_equal(sink.pixels("image"), noise((4096, 4096)))


def test_nobody_on_the_network_is_told_after_a_while(recorders):
    manager = recorders.manager(viewers="tcp://127.0.0.1:9")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        manager.save(noise((3, 3)), "image", backend=BACKEND)
    with pytest.raises(ViewerUnreachable, match=r"no viewer answers at tcp://127\.0\.0\.1:9"):
        manager.flush(backend=BACKEND, timeout=PATIENCE)


def test_a_viewer_here_and_one_on_the_network_get_the_same(network_viewer):
    viewers = [{"endpoint": network_viewer.endpoint, "token": "secret"}, "here"]
    sink = network_viewer.recorders.manager(viewers=viewers).stream(backend=BACKEND)
    sink.append(noise((500, 500)), "image")
    assert sink.flush(PATIENCE) == 0
    assert [counts["shares_memory"] for counts in sink.metrics().values()] == [False, True]
    assert [counts["shown"] for counts in sink.metrics().values()] == [1, 1]
    here = network_viewer.recorders.manager(viewers="here").stream(backend=BACKEND)
    assert np.array_equal(here.pixels("image"), noise((500, 500)))
    here.close_viewer()


SENDER = """
import sys, warnings
import numpy as np
from polystore_core import FileManager

backend = "recorder_stream"
warnings.simplefilter("ignore")
manager = FileManager()
image = np.random.default_rng(0).integers(0, 65536, (1000, 1000)).astype(np.uint16)
for number in range(20):
    image[0, 0] = number
    manager.save(image, f"path {number}", backend=backend)
assert manager.flush(backend=backend, timeout=60) == 0
sink = manager.stream(backend=backend)
shown = [layer["name"] for layer in sink.layers()]
assert all(sink.pixels(name)[0, 0] == int(name.split()[1]) for name in shown)
counts = manager.metrics()[backend]["recorder"]
assert counts["offered"] == 20 == counts["sent"] + counts["dropped"]
assert counts["shown"] + counts["superseded"] == counts["sent"] == len(shown)
print(counts["shares_memory"], counts["sent"])
"""


def run_limited(recorders, limits, command=(sys.executable, "-c", SENDER)):
    """Run a sender that has less than it would like; a viewer without such limits runs already."""

    def limit():
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    done = subprocess.run(
        command,
        env=recorders.environment,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_without_memory_to_share_frames_go_inline(recorders):
    recorders.start()
    assert run_limited(recorders, {"RLIMIT_FSIZE": 1 << 20}) == ["False", "20"]


def test_without_much_memory_frames_are_sent_or_counted_as_dropped(recorders):
    recorders.start()
    probe = "import zmq, numpy, polystore_streaming.sender; print(open('/proc/self/statm').read().split()[0])"
    pages = int(
        subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    )
    limit = pages * resource.getpagesize() + (150 << 20)
    _, sent = run_limited(recorders, {"RLIMIT_AS": limit})
    assert 1 <= int(sent) <= 20


def test_a_tiny_dev_shm_makes_no_difference(recorders):
    recorders.start()
    mount = 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", mount, "sh", sys.executable, "-c", SENDER]
    assert run_limited(recorders, {}, command) == ["True", "20"]
