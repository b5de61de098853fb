"""Viewers are started once, found again, and missed politely."""

import os
import signal
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import psutil
import pytest
from viewer_processes import PATIENCE, eventually

from polystore_core.errors import AccessDenied, InvalidOption, ViewerUnreachable
from polystore_streaming.processes import (
    ALREADY_RUNS,
    RuntimeFiles,
    claim,
    is_running,
    let_go,
    running_viewers,
    runtime_directory,
)

BACKEND = "recorder_stream"
IMAGE = np.arange(96, dtype=np.uint16).reshape(12, 8)

SEED = """
import numpy as np
from polystore_core import BackendRegistry, FileManager
image = np.arange(96, dtype=np.uint16).reshape(12, 8)
fm = FileManager(BackendRegistry())
fm.save(image, "{path}", backend="recorder_stream")
"""


def layers(recorders, **configuration):
    return recorders.manager(**configuration).stream(backend=BACKEND).layers()


def test_one_line_starts_a_viewer_that_outlives_the_script_and_further_scripts_find_it(recorders):
    said = [recorders.run(SEED.format(path=f"result {number}.npy")).stderr for number in range(3)]
    assert said[0].startswith("polystore: started the viewer 'recorder' (process ")
    assert said[0].count("\n") == 1
    assert said[1:] == ["", ""]
    shown = layers(recorders)
    assert [layer["name"] for layer in shown] == ["result 0.npy", "result 1.npy", "result 2.npy"]
    assert len({layer["pid"] for layer in shown}) == 1


def test_many_scripts_at_once_start_one_viewer(recorders):
    scripts = [recorders.spawn(SEED.format(path=f"path {number}")) for number in range(8)]
    said = [script.communicate(timeout=PATIENCE * 2)[1] for script in scripts]
    assert [script.returncode for script in scripts] == [0] * 8
    assert sorted(text.count("started the viewer") for text in said) == [0] * 7 + [1]
    assert {layer["name"] for layer in layers(recorders)} == {f"path {number}" for number in range(8)}
    assert len(recorders.processes()) == 1


def test_a_viewer_belongs_to_a_session_of_its_own(recorders):
    recorders.run(SEED.format(path="a"))
    pid = recorders.pid()
    assert os.getsid(pid) == pid
    assert psutil.Process(pid).ppid() != os.getpid()


def test_a_viewer_lets_pipelines_go_first(recorders):
    recorders.run(SEED.format(path="a"))
    viewer = psutil.Process(recorders.pid())
    assert viewer.nice() == 10
    assert os.sched_getscheduler(viewer.pid) == os.SCHED_BATCH
    group = Path(f"/proc/{viewer.pid}/autogroup")
    assert not group.exists() or group.read_text().split()[-1] == "10"


def test_a_second_viewer_of_the_same_name_says_so_and_ends(recorders):
    recorders.start()
    command = [sys.executable, "-m", "polystore_streaming.viewer", BACKEND]
    done = subprocess.run(command, env=recorders.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (ALREADY_RUNS, "polystore: viewer 'recorder' runs already\n")


def test_running_viewers_are_listed(recorders):
    recorders.start()
    recorders.start("left")
    found = {record.name: record for record in running_viewers()}
    assert set(found) == {"recorder", "recorder.left"}
    assert found["recorder"].backend == BACKEND
    assert found["recorder.left"].pid == recorders.pid("left")


def test_what_a_dead_viewer_left_behind_is_swept(recorders):
    recorders.start()
    recorders.kill()
    files = recorders.files()
    assert files.socket.exists()
    assert files.record.exists()
    assert list(running_viewers()) == []
    assert not any(left.exists() for left in (files.socket, files.lease, files.record))


def test_what_a_dead_viewer_left_behind_does_not_harm_the_next(recorders):
    recorders.start()
    recorders.kill()
    manager = recorders.manager()
    manager.save(IMAGE, "image", backend=BACKEND)
    assert manager.flush(backend=BACKEND, timeout=PATIENCE) == 0


@pytest.mark.parametrize("litter", [b"", b"{", b'{"name": 1}', b"\xff" * 100])
def test_a_damaged_record_is_no_viewer(recorders, litter):
    recorders.files().record.write_bytes(litter)
    assert list(running_viewers()) == []
    assert not recorders.files().record.exists()


def test_a_viewer_that_ends_leaves_nothing_behind(recorders):
    manager = recorders.manager()
    sink = manager.stream(backend=BACKEND)
    sink.append(IMAGE, "image")
    sink.close_viewer()
    eventually(lambda: not is_running(recorders.files()))
    assert sorted(path.suffix for path in recorders.folder.iterdir()) == [".lock", ".log"]


def test_a_viewer_that_was_started_here_leaves_no_zombie(recorders):
    manager = recorders.manager()
    sink = manager.stream(backend=BACKEND)
    sink.append(IMAGE, "image")
    assert sink.flush(PATIENCE) == 0
    pid = recorders.pid()
    manager.close()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(pid))


def test_a_stopped_viewer_still_runs(recorders):
    recorders.start()
    with recorders.stopped():
        assert is_running(recorders.files())


def test_the_lock_of_a_viewer_is_not_inherited_by_a_forked_child(recorders):
    lock = claim(recorders.files())
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(read, 1)
        os._exit(0)
    let_go(lock)
    try:
        eventually(lambda: not is_running(recorders.files()))
    finally:
        os.write(write, b"!")
        os.waitpid(child, 0)
    os.close(read)
    os.close(write)


def test_a_name_is_claimed_once(recorders):
    lock = claim(recorders.files())
    assert claim(recorders.files()) is None
    let_go(lock)
    again = claim(recorders.files())
    assert again is not None
    let_go(again)


def test_files_of_viewers_are_for_their_user_alone(recorders):
    recorders.run(SEED.format(path="a"))
    for path in (recorders.files().log, recorders.files().lock, recorders.files().lease):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(recorders.folder.stat().st_mode) == 0o700


def test_the_runtime_directory_is_made_for_this_user_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("POLYSTORE_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_directory() == tmp_path / "polystore"
    assert stat.S_IMODE((tmp_path / "polystore").stat().st_mode) == 0o700


def test_a_runtime_directory_that_others_may_enter_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", str(tmp_path / "open"))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o750)
    with pytest.raises(AccessDenied, match=f"others may enter .*; type: chmod 700 {tmp_path}/open"):
        runtime_directory()


def test_a_link_is_no_runtime_directory(monkeypatch, tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", str(tmp_path / "link"))
    with pytest.raises(AccessDenied, match="is not a directory of yours; set POLYSTORE_RUNTIME_DIR to one"):
        runtime_directory()


def test_a_runtime_directory_that_cannot_be_made_is_an_error_that_names_the_variable(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("POLYSTORE_RUNTIME_DIR", str(tmp_path / "file" / "r"))
    with pytest.raises(
        AccessDenied, match=r"cannot be made .*\(Not a directory\); set POLYSTORE_RUNTIME_DIR"
    ):
        runtime_directory()


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a b", "a\n", "ä", "a..b"])
def test_a_name_that_is_no_name_is_refused(recorders, name):
    with pytest.raises(InvalidOption, match="the name of a viewer is made of letters"):
        RuntimeFiles.of(name)


def test_a_path_too_long_for_a_socket_is_refused(recorders):
    with pytest.raises(
        InvalidOption, match="too long for a socket; set POLYSTORE_RUNTIME_DIR to a shorter path"
    ):
        RuntimeFiles.of("x" * 100)


def test_commands_name_kind_and_viewer(recorders):
    assert recorders.files().command == "polystore viewer recorder"
    assert recorders.files("left").command == "polystore viewer recorder --name left"


def failing(recorders):
    return recorders.manager(display={"fail": "no screen here; type: export DISPLAY=:0"})


def test_a_viewer_that_cannot_start_is_one_warning_and_an_error_when_asked(recorders):
    manager = failing(recorders)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        manager.save(IMAGE, "image", backend=BACKEND)
        eventually(lambda: manager.metrics()[BACKEND]["recorder"]["state"] == "unreachable")
        for _ in range(5):
            manager.save(IMAGE, "image", backend=BACKEND)
    reason = (
        "viewer 'recorder' could not be started: RuntimeError: no screen here; type: export DISPLAY=:0 (log: "
        f"{recorders.folder}/recorder.log); to try again: `polystore viewer recorder`"
    )
    assert [str(warning.message) for warning in caught] == [f"recorder_stream: {reason}"]
    sink = manager.stream(backend=BACKEND)
    for ask in (sink.flush, sink.check, sink.layers, lambda: manager.flush(backend=BACKEND)):
        with pytest.raises(ViewerUnreachable) as raised:
            ask()
        assert str(raised.value) == reason
    assert manager.metrics()[BACKEND]["recorder"]["reason"] == reason
    assert manager.metrics()[BACKEND]["recorder"]["offered"] == 6


def test_a_viewer_that_cannot_start_is_started_once(recorders):
    manager = failing(recorders)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        manager.save(IMAGE, "image", backend=BACKEND)
        eventually(lambda: manager.metrics()[BACKEND]["recorder"]["state"] == "unreachable")
        modified = recorders.files().log.stat().st_mtime_ns
        for number in range(100):
            manager.save(IMAGE, f"path {number}", backend=BACKEND)
        with pytest.raises(ViewerUnreachable):
            manager.flush(backend=BACKEND)
    assert recorders.files().log.stat().st_mtime_ns == modified


def test_a_viewer_that_dies_without_a_word_is_no_riddle(recorders):
    recorders.files().log.write_text("of another time\n")
    manager = recorders.manager(display={"fail": ""}, viewers="kind")
    manager.save(IMAGE, "image", backend=BACKEND)
    assert manager.flush(backend=BACKEND, timeout=PATIENCE) == 0


def test_without_autostart_nothing_is_started_and_one_started_later_gets_everything(recorders):
    manager = recorders.manager(autostart=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(3):
            manager.save(IMAGE + number, f"path {number % 2}", backend=BACKEND)
        with pytest.raises(
            ViewerUnreachable, match="no viewer 'recorder' runs; start it by `polystore viewer rec"
        ):
            manager.flush(backend=BACKEND)
        assert recorders.processes() == []
        recorders.start()
        eventually(lambda: manager.metrics()[BACKEND]["recorder"]["state"] == "ready")
    assert manager.flush(backend=BACKEND, timeout=PATIENCE) == 0
    sink = manager.stream(backend=BACKEND)
    assert {layer["name"] for layer in sink.layers()} == {"path 0", "path 1"}
    assert sink.pixels("path 0").tolist() == (IMAGE + 2).tolist()
    sink.check()


def test_a_viewer_closed_by_its_user_is_not_opened_again_and_a_later_one_gets_every_last_state(recorders):
    manager = recorders.manager()
    sink = manager.stream(backend=BACKEND)
    for number in range(3):
        sink.append(IMAGE + number, f"path {number}")
    assert sink.flush(PATIENCE) == 0
    recorders.manager().stream(backend=BACKEND).close_viewer()
    eventually(lambda: sink.metrics()["recorder"]["state"] == "unreachable")
    with pytest.warns(
        RuntimeWarning, match="'recorder' was closed; start it again by `polystore viewer recorder`"
    ):
        sink.append(IMAGE, "path 3")
    eventually(lambda: not is_running(recorders.files()))
    with pytest.raises(ViewerUnreachable, match="was closed; start it again"):
        sink.flush(PATIENCE)
    assert recorders.processes() == []
    recorders.start()
    eventually(lambda: sink.metrics()["recorder"]["state"] == "ready")
    assert sink.flush(PATIENCE) == 0
    assert {layer["name"] for layer in sink.layers()} == {f"path {number}" for number in range(4)}
    assert sink.metrics()["recorder"]["replayed"] == 3


def test_a_viewer_gone_after_it_showed_everything_is_no_loss(recorders):
    manager = recorders.manager()
    manager.save(IMAGE, "image", backend=BACKEND)
    assert manager.flush(backend=BACKEND, timeout=PATIENCE) == 0
    recorders.kill()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        eventually(lambda: manager.metrics()[BACKEND]["recorder"]["state"] == "unreachable")
        manager.close()


def test_a_script_started_while_the_last_viewer_is_closing_gets_a_new_one(recorders):
    for number in range(5):
        sink = recorders.manager().stream(backend=BACKEND)
        sink.append(IMAGE, f"path {number}")
        assert sink.flush(PATIENCE) == 0
        sink.close_viewer()


def test_a_stray_module_in_the_working_directory_is_not_the_viewers_business(recorders, tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit('not this one')")
    done = subprocess.run(
        [sys.executable, "-P", "-c", SEED.format(path="a")],
        cwd=tmp_path,
        env=recorders.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [layer["name"] for layer in layers(recorders)] == ["a"]
