"""The sending side, at a viewer without a window."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from viewer_processes import PATIENCE, eventually

from polystore_core.errors import (
    InvalidOption,
    StorageError,
    StorageFull,
    UnsupportedData,
    UnsupportedOperation,
    ViewerUnreachable,
)
from polystore_streaming.processes import claim, is_running, let_go, never_preempt

BACKEND = "recorder_stream"
IMAGE = np.arange(12 * 8, dtype=np.uint16).reshape(12, 8)


@pytest.fixture
def manager(recorders):
    return recorders.manager()


@pytest.fixture
def sink(manager):
    with manager.stream(backend=BACKEND, timeout=PATIENCE) as opened:
        yield opened


def test_what_is_saved_appears(manager, sink):
    manager.save(IMAGE, "folder/result.npy", backend=BACKEND)
    assert manager.flush(backend=BACKEND, timeout=PATIENCE) == 0
    (layer,) = sink.layers()
    assert (layer["name"], layer["kind"], layer["axes"]) == ("folder/result.npy", "image", ["y", "x"])
    shown = sink.pixels("folder/result.npy")
    assert shown.dtype == IMAGE.dtype
    assert shown.tolist() == IMAGE.tolist()
    assert layer["pid"] != os.getpid()


def test_a_batch_with_a_pattern_is_one_layer_with_positions(manager, sink):
    paths = [f"plate/A01_s{site}_w{channel}.tif" for site in (1, 2) for channel in (1, 2)]
    images = [IMAGE + number for number in range(4)]
    manager.save_batch(
        images,
        paths,
        backend=BACKEND,
        pattern="{well}_s{site:d}_w{channel:d}.tif",
        channel_names={1: "DAPI"},
        colormap={1: "blue", 2: "#00ff00"},
        scale=0.5,
        unit="micrometer",
    )
    layers = sink.layers()
    assert {layer["name"] for layer in layers} == {"plate"}
    assert [layer["position"] for layer in layers] == [
        {"well": "A01", "field": site, "channel": channel} for site in (1, 2) for channel in (1, 2)
    ]
    assert [layer["channel_name"] for layer in layers] == ["DAPI", None] * 2
    assert [layer["colormap"] for layer in layers] == ["blue", "#00ff00"] * 2
    assert layers[0]["scale"] == [0.5, 0.5]
    there = sink.pixels("plate", {"well": "A01", "field": 2, "channel": 1})
    assert there.tolist() == images[2].tolist()


@pytest.mark.parametrize("dtype", ["bool", "uint8", ">u2", "int32", "uint64", "float32", ">f8", "complex64"])
def test_values_arrive_unchanged(sink, dtype):
    image = (np.arange(60).reshape(6, 10) % 7).astype(dtype)[::2, ::-1]
    sink.append(image, "image")
    assert np.array_equal(sink.pixels("image"), image)


def test_the_frame_is_copied_before_a_save_returns(manager, sink):
    image = IMAGE.copy()
    manager.save(image, "image", backend=BACKEND)
    image[:] = 0
    assert sink.pixels("image").tolist() == IMAGE.tolist()


def test_a_save_makes_one_copy_and_an_allocated_array_none(manager, sink):
    manager.save(IMAGE, "saved", backend=BACKEND)
    array = sink.allocate((512, 512), "uint16")
    array[:] = 7
    sink.append(array, "allocated")
    assert (sink.pixels("allocated") == 7).all()
    assert sink.metrics()["recorder"]["copies"] == 1
    assert manager.metrics()[BACKEND] == sink.metrics()


def test_an_allocated_array_is_read_only_once_appended_and_copied_the_second_time(sink):
    array = sink.allocate(IMAGE.shape, IMAGE.dtype)
    array[:] = IMAGE
    sink.append(array, "first")
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1
    sink.append(array, "second")
    assert sink.pixels("second").tolist() == IMAGE.tolist()
    assert sink.metrics()["recorder"]["copies"] == 1


def test_an_allocated_array_that_is_let_go_gives_its_room_back(recorders):
    sink = recorders.manager(max_bytes=1 << 20).stream(backend=BACKEND)
    for _ in range(10):
        array = sink.allocate((1000, 1000), "uint8")
        array[:] = 1
        del array
    sink.append(np.ones((1000, 1000), np.uint8), "image")
    assert sink.flush(PATIENCE) == 0
    assert sink.metrics()["recorder"]["dropped"] == 0


def test_an_allocated_array_belongs_to_its_own_stream(recorders):
    manager = recorders.manager()
    sink = manager.stream(backend=BACKEND)
    array = sink.allocate(IMAGE.shape, IMAGE.dtype)
    array[:] = IMAGE
    manager.close()
    again = manager.stream(backend=BACKEND)
    again.append(array, "image")
    assert again.pixels("image").tolist() == IMAGE.tolist()
    assert again.metrics()["recorder"]["copies"] == 1


@pytest.mark.parametrize(
    ("shape", "dtype", "error", "message"),
    [
        ((-1, 3), "uint8", InvalidOption, "no negative numbers"),
        ((3, 3), object, UnsupportedData, "viewers do not show object"),
        ((3, 3), "U7", UnsupportedData, "viewers do not show <U7"),
        ((1 << 14, 1 << 14), "uint8", StorageFull, "raise max_bytes"),
    ],
)
def test_an_allocation_that_cannot_be_shown_is_refused(sink, shape, dtype, error, message):
    with pytest.raises(error, match=message):
        sink.allocate(shape, dtype)


def test_points_tables_and_regions_arrive(sink):
    sink.append({"y": np.arange(5.0), "x": np.arange(5.0), "area": np.arange(5)}, "cells")
    sink.append(np.zeros((7, 3)), "spots", kind="points")
    sink.append(np.ones((4, 4), np.int32), "labels", kind="labels")
    kinds = {layer["name"]: layer["kind"] for layer in sink.layers()}
    assert kinds == {"cells": "points", "spots": "points", "labels": "labels"}
    assert sink.pixels("cells").shape == (5, 2)


def test_a_screenshot_is_returned_and_written(sink, tmp_path):
    picture = sink.screenshot(tmp_path / "screen.png")
    assert picture.shape == (4, 6, 3)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "screen.png")), picture)


def test_a_layer_can_be_removed(sink):
    sink.append(IMAGE, "image")
    sink.remove("image")
    sink.remove("never there")
    assert sink.layers() == []


def test_a_question_that_the_viewer_cannot_answer_is_an_error(sink):
    with pytest.raises(StorageError, match="the viewer answered: KeyError"):
        sink.pixels("nowhere")


def test_what_the_viewer_refuses_is_counted_and_told(manager, sink):
    sink.append(np.zeros((3, 3), np.float16), "odd")
    with pytest.warns(RuntimeWarning, match="float16 is not for this viewer"):
        assert sink.flush(PATIENCE) == 0
    manager.save(IMAGE, "fine", backend=BACKEND)
    with pytest.raises(UnsupportedData, match="'recorder' refused: 'odd': float16 is not for this viewer"):
        sink.check()
    sink.check()
    assert sink.metrics()["recorder"]["refused"] == 1


def test_a_closed_sink_takes_nothing(manager):
    sink = manager.stream(backend=BACKEND)
    sink.append(IMAGE, "image")
    sink.close()
    sink.close()
    with pytest.raises(InvalidOption, match=r"this sink was closed; open another one by fm.stream"):
        sink.append(IMAGE, "image")


def test_closing_a_sink_waits_for_what_was_appended(manager):
    with manager.stream(backend=BACKEND, timeout=PATIENCE) as sink:
        for number in range(50):
            sink.append(IMAGE + number, "image", policy="drop_oldest")
    counts = manager.metrics()[BACKEND]["recorder"]
    assert counts["shown"] + counts["superseded"] == 50


def test_a_sink_that_has_its_viewer_closed_warns_of_nothing_until_something_is_missing(recorders):
    manager = recorders.manager()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with manager.stream(backend=recorders.backend) as sink:
            sink.append(np.zeros((4, 4)), "a")
            assert sink.flush(PATIENCE) == 0
            sink.close_viewer()
            eventually(lambda: sink.metrics()["recorder"]["state"] == "unreachable")
    with pytest.warns(RuntimeWarning, match="viewer 'recorder' was closed"):
        manager.save(np.zeros((4, 4)), "b", backend=recorders.backend)


def test_closing_a_sink_warns_of_a_viewer_that_is_not_there(recorders):
    manager = recorders.manager(autostart=False)
    with pytest.warns(RuntimeWarning, match="no viewer 'recorder' runs"):  # noqa: SIM117
        with manager.stream(backend=BACKEND) as sink:
            sink.append(IMAGE, "image")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colour": "red"}, "has no option 'colour'; options: kind, layer"),
        ({"policy": "newest"}, "option 'policy' takes"),
        ({"contrast": (5.0, 1.0)}, "contrast= takes two finite numbers, the lower first"),
        ({"contrast": (0.0, float("nan"))}, "contrast= takes two finite numbers"),
        ({"scale": -1.0}, "scale= takes one number above 0 for each of y, x"),
        ({"scale": (1.0, 2.0, 3.0)}, "scale= takes one number above 0 for each of y, x"),
        ({"axes": "zyx"}, "axes= names each of the 2 axes"),
        ({"axes": "yy"}, "axes= names each of the 2 axes"),
        ({"kind": "shapes"}, "option 'kind' takes"),
        ({"layer": "x" * 5000}, "a viewer does not take this"),
    ],
)
def test_a_wrong_option_is_an_error_at_once(manager, options, message):
    with pytest.raises(InvalidOption, match=message):
        manager.save(IMAGE, "image", backend=BACKEND, **options)


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        ("text", {}, "a viewer shows arrays, tables of points and lists of ROIs, not text"),
        (b"bytes", {}, "not bytes"),
        (np.zeros(5), {}, "an image has at least two axes"),
        (np.zeros((5, 5)), {"kind": "labels"}, r"labels.astype\('uint32'\)"),
        ({"a": np.zeros(3)}, {}, "a table shown as points has the columns 'y' and 'x' in pixels; got a"),
        ({"y": np.zeros(3), "x": np.zeros(3), "name": np.array(["a", "b", "c"])}, {}, "column 'name' of"),
    ],
)
def test_what_no_viewer_shows_is_an_error_at_once(manager, value, options, message):
    with pytest.raises(UnsupportedData, match=message):
        manager.save(value, "value", backend=BACKEND, **options)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"max_bytes": 10}, "max_bytes takes at least 1048576 bytes; got 10"),
        ({"viewers": []}, "viewers= takes one or more viewers, each once"),
        ({"viewers": ["a", "recorder.a"]}, "each once"),
        ({"viewers": "a b"}, "the name of a viewer is made of letters"),
        ({"viewers": "../other"}, "the name of a viewer is made of letters"),
        ({"viewers": "http://127.0.0.1:80"}, "tcp://HOST:PORT"),
        ({"viewers": "tcp://127.0.0.1"}, "tcp://HOST:PORT"),
        ({"viewers": "tcp://127.0.0.1:99999"}, "tcp://HOST:PORT"),
        ({"viewers": {"host": "a"}}, "'endpoint', 'token' and 'server_key'; got host"),
        ({"viewers": {"endpoint": "tcp://127.0.0.1:1", "server_key": "short"}}, "40 characters, not 5"),
        ({"viewers": 5}, "viewers= takes one or more viewers, each once; got 5"),
        ({"viewers": [5]}, "viewers= takes one or more viewers"),
        ({"viewer": "a"}, "has no option 'viewer'"),
        ({"viewers": "x" * 200}, "too long for a socket; set POLYSTORE_RUNTIME_DIR to a shorter path"),
    ],
)
def test_a_wrong_configuration_is_an_error_that_says_what_is_right(recorders, configuration, message):
    with pytest.raises(InvalidOption, match=message):
        recorders.manager(**configuration).save(IMAGE, "image", backend=BACKEND)


def test_overwrite_false_cannot_be_promised(manager):
    with pytest.raises(UnsupportedOperation, match="leave out overwrite=False"):
        manager.save(IMAGE, "image", backend=BACKEND, overwrite=False)


def test_nothing_runs_before_the_first_save(recorders):
    threads = threading.active_count()
    manager = recorders.manager()
    manager.stream(backend=BACKEND)
    assert manager.metrics() == {BACKEND: {}}
    assert manager.flush(backend=BACKEND) == 0
    assert threading.active_count() == threads
    assert recorders.processes() == []


def test_the_thread_that_sends_does_not_push_aside_the_one_that_saves(manager):
    manager.save(IMAGE, "image", backend=BACKEND)
    assert manager.flush(backend=BACKEND, timeout=PATIENCE) == 0
    (sending,) = [thread for thread in threading.enumerate() if thread.name == f"polystore-{BACKEND}"]
    assert os.sched_getscheduler(sending.native_id) == os.SCHED_BATCH
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_a_thread_that_is_idle_by_choice_stays_so():
    policies = []

    def send():
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        never_preempt()
        policies.append(os.sched_getscheduler(0))

    thread = threading.Thread(target=send)
    thread.start()
    thread.join()
    assert policies == [os.SCHED_IDLE]


def test_each_registry_has_a_stream_of_its_own(recorders):
    first, second = recorders.manager(), recorders.manager()
    first.save(IMAGE, "one", backend=BACKEND)
    second.save(IMAGE, "two", backend=BACKEND)
    second.save(IMAGE, "two", backend=BACKEND)
    first.flush(backend=BACKEND, timeout=PATIENCE)
    second.flush(backend=BACKEND, timeout=PATIENCE)
    offered = [manager.metrics()[BACKEND]["recorder"]["offered"] for manager in (first, second)]
    assert offered == [1, 2]
    assert {layer["name"] for layer in first.stream(backend=BACKEND).layers()} == {"one", "two"}


def test_a_manager_with_an_open_stream_pickles_small(manager):
    manager.save(IMAGE, "image", backend=BACKEND)
    pickled = pickle.dumps(manager)
    assert len(pickled) < 2000
    again = pickle.loads(pickled)
    again.save(IMAGE, "again", backend=BACKEND)
    assert again.flush(backend=BACKEND, timeout=PATIENCE) == 0
    again.close()


def test_a_closed_manager_opens_again(manager):
    manager.save(IMAGE, "one", backend=BACKEND)
    manager.close()
    threads = threading.active_count()
    manager.save(IMAGE, "two", backend=BACKEND)
    sink = manager.stream(backend=BACKEND)
    assert {layer["name"] for layer in sink.layers()} == {"one", "two"}
    manager.close()
    eventually(lambda: threading.active_count() <= threads)


def test_threads_append_at_once(recorders):
    manager = recorders.manager(max_bytes=8 << 20)
    sink = manager.stream(backend=BACKEND)

    def stream_a_path(number):
        for step in range(50):
            sink.append(np.full((64, 64), step, np.uint16), f"path {number}", policy="drop_oldest")
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(stream_a_path, range(8))) == list(range(8))
    assert sink.flush(PATIENCE) == 0
    counts = sink.metrics()["recorder"]
    assert (counts["offered"], counts["waiting"]) == (400, 0)
    assert counts["sent"] + counts["dropped"] == 400
    assert counts["shown"] + counts["superseded"] == counts["sent"]
    for number in range(8):
        assert (sink.pixels(f"path {number}") == 49).all()


def test_a_save_that_meets_a_close_goes_on(recorders):
    manager = recorders.manager()
    failures = []

    def save():
        try:
            for number in range(300):
                manager.save(IMAGE, f"path {number % 3}", backend=BACKEND)
        except Exception as error:
            failures.append(error)

    savers = [threading.Thread(target=save) for _ in range(3)]
    for saver in savers:
        saver.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(5):
            manager.close()
    for saver in savers:
        saver.join(PATIENCE)
    assert failures == []


FORK = """
import os, sys, threading
import numpy as np
from polystore_core import FileManager
manager = FileManager()
backend = "recorder_stream"
manager.save(np.zeros((4, 4)), "parent", backend=backend)
assert manager.flush(backend=backend, timeout=60) == 0
before = len(os.listdir("/proc/self/fd"))
if (child := os.fork()) == 0:
    assert threading.active_count() == 1
    assert manager.metrics() == {backend: {}}
    manager.save(np.ones((4, 4)), "child", backend=backend)
    assert manager.flush(backend=backend, timeout=60) == 0
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
manager.save(np.ones((4, 4)), "parent again", backend=backend)
sink = manager.stream(backend=backend)
assert [layer["name"] for layer in sink.layers()] == ["parent", "child", "parent again"]
assert manager.metrics()[backend]["recorder"]["offered"] == 2
"""


def test_a_forked_child_starts_anew_and_its_parent_goes_on(recorders):
    done = recorders.run(FORK)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.count("polystore: started the viewer") == len(done.stderr.splitlines()) == 1


def test_a_parent_that_dies_is_noticed_although_its_child_lives(recorders):
    sink = recorders.manager().stream(backend=BACKEND)
    parent = recorders.spawn(
        """
import os, sys
import numpy as np
from polystore_core import FileManager
manager = FileManager()
manager.save(np.zeros((4, 4)), "parent", backend="recorder_stream")
manager.flush(backend="recorder_stream", timeout=60)
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)
print("forked", flush=True)
sys.stdin.read()
"""
    )
    assert parent.stdout.readline() == "forked\n"
    status = lambda: sink._ask(PATIENCE, what="status")[0]["senders"]  # noqa: E731
    assert status() == 1
    parent.kill()
    eventually(lambda: status() == 0)
    parent.communicate()


def save_one(number):
    from polystore_core import FileManager

    FileManager().save(np.full((8, 8), number), f"path {number}", backend=BACKEND)
    return os.getpid()


POOL = """
import multiprocessing, sys
from test_streaming_sender import save_one

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(4, maxtasksperchild=1) as pool:
        pids = pool.map(save_one, range(12), chunksize=1)
        pool.close()
        pool.join()
    assert len(set(pids)) == 12
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_that_end_right_after_a_save_lose_nothing(recorders, method, tmp_path):
    (tmp_path / "pool.py").write_text(POOL)
    done = subprocess.run(
        [sys.executable, "pool.py", method],
        cwd=tmp_path,
        env=recorders.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("started the viewer") == 1
    sink = recorders.manager().stream(backend=BACKEND)
    assert {layer["name"] for layer in sink.layers()} == {f"path {number}" for number in range(12)}


def test_nothing_is_lost_with_the_manager(recorders):
    done = recorders.run(
        """
import numpy as np
from polystore_core import FileManager
def save(number):
    FileManager().save(np.zeros((4, 4)), f"path {number}", backend="recorder_stream")
for number in range(5):
    save(number)
"""
    )
    assert (done.returncode, done.stdout) == (0, "")
    sink = recorders.manager().stream(backend=BACKEND)
    assert {layer["name"] for layer in sink.layers()} == {f"path {number}" for number in range(5)}


def test_a_manager_for_every_image_piles_nothing_up(recorders):
    recorders.start()
    with recorders.stopped():
        done = recorders.run(
            """
import os, gc
import numpy as np
from polystore_core import BackendRegistry, FileManager
def save(number):
    registry = BackendRegistry({"recorder_stream": {"linger": 0.1}})
    FileManager(registry).save(np.zeros((4, 4)), f"path {number}", backend="recorder_stream")
for number in range(40):
    save(number)
gc.collect()
print(len(os.listdir("/proc/self/fd")) < 400)
"""
        )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    assert "40 of the last frames never reached viewer 'recorder'" in done.stderr


EXIT = """
import numpy as np, warnings
from polystore_core import BackendRegistry, FileManager
warnings.simplefilter("ignore")
manager = FileManager(BackendRegistry({"recorder_stream": {"display": {"fail": "no such screen"}}}))
manager.save(np.zeros((4, 4)), "a", backend="recorder_stream")
manager.save(np.zeros((4, 4)), "b", backend="recorder_stream")
"""


def test_at_exit_one_line_says_what_never_arrived(recorders):
    done = recorders.run(EXIT)
    assert done.returncode == 0
    started, told = done.stderr.splitlines()
    assert started.startswith("polystore: started the viewer 'recorder' (process ")
    assert told == (
        "polystore: 2 of the last frames never reached viewer 'recorder': viewer 'recorder' could not be "
        f"started: RuntimeError: no such screen (log: {recorders.folder}/recorder.log); to try again: "
        "`polystore viewer recorder`"
    )


def test_exit_does_not_wait_for_a_viewer_that_stands_still(recorders):
    recorders.start()
    with recorders.stopped():
        done = recorders.run(EXIT.replace('{"display": {"fail": "no such screen"}}', '{"linger": 3600.0}'))
    assert done.returncode == 0
    assert "2 of the last frames never reached viewer 'recorder'" in done.stderr


def test_an_interrupt_ends_the_wait_at_exit(recorders):
    lock = claim(recorders.files())
    script = EXIT.replace('{"display": {"fail": "no such screen"}}', '{"linger": 3600.0}')
    sender = recorders.spawn(script + 'import atexit\natexit.register(print, "exiting", flush=True)')
    assert sender.stdout.readline() == "exiting\n"

    def has_ended():
        sender.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return sender.wait(1) is not None

    eventually(has_ended)
    _, said = sender.communicate()
    let_go(lock)
    assert "2 of the last frames never reached viewer 'recorder'" in said


def test_several_viewers_get_everything(recorders):
    manager = recorders.manager(viewers=["left", "right"])
    sink = manager.stream(backend=BACKEND)
    sink.append(IMAGE, "image")
    assert sink.flush(PATIENCE) == 0
    assert {name: counts["shown"] for name, counts in sink.metrics().items()} == {
        "recorder.left": 1,
        "recorder.right": 1,
    }
    assert len(recorders.processes()) == 2
    right = recorders.manager(viewers="right").stream(backend=BACKEND)
    assert right.pixels("image").tolist() == IMAGE.tolist()


def test_a_viewer_that_is_gone_does_not_keep_frames_from_the_other(recorders):
    manager = recorders.manager(viewers=["left", "right"])
    sink = manager.stream(backend=BACKEND)
    sink.append(IMAGE, "image")
    assert sink.flush(PATIENCE) == 0
    recorders.kill("left")
    eventually(lambda: sink.metrics()["recorder.left"]["state"] == "unreachable")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sink.append(IMAGE + 1, "image")
        with pytest.raises(ViewerUnreachable, match="polystore viewer recorder --name left"):
            sink.flush(PATIENCE)
    right = recorders.manager(viewers="right").stream(backend=BACKEND)
    assert right.pixels("image").tolist() == (IMAGE + 1).tolist()


def test_a_viewer_that_was_started_again_a_moment_ago_is_waited_for(recorders):
    sink = recorders.manager(autostart=False).stream(backend=BACKEND)
    recorders.start()
    sink.append(IMAGE, "image")
    assert sink.flush(PATIENCE) == 0
    for number in range(5):
        recorders.kill()
        eventually(lambda: sink.metrics()["recorder"]["state"] == "unreachable")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sink.append(IMAGE + number, "image")
        recorders.start()
        eventually(lambda: is_running(recorders.files()))
        assert sink.flush(PATIENCE) == 0
        assert sink.pixels("image").tolist() == (IMAGE + number).tolist()


def test_a_warning_points_at_the_line_of_the_caller(recorders):
    manager = recorders.manager(autostart=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        eventually(lambda: manager.save(IMAGE, "image", backend=BACKEND) or caught)
        for _ in range(10):
            manager.save(IMAGE, "image", backend=BACKEND)
    assert [warning.filename for warning in caught] == [__file__]
    assert str(caught[0].message) == (
        "recorder_stream: no viewer 'recorder' runs; start it by `polystore viewer recorder`"
    )


def test_multiprocessing_is_not_imported_for_nothing(recorders):
    done = recorders.run(
        "import sys, numpy as np\nfrom polystore_core import FileManager\n"
        "FileManager().save(np.zeros((4, 4)), 'a', backend='recorder_stream')\n"
        "print('multiprocessing' in sys.modules)"
    )
    assert done.stdout == "False\n"
