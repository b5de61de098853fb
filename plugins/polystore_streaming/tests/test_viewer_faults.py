"""Whatever becomes of a viewer, the pipeline goes on and the last state appears when the viewer is back.

Every test runs with each of the ``KINDS`` of viewers; times are printed by ``make stress``.
"""

import os
import signal
import warnings

import numpy as np
import pytest
from viewer_processes import PATIENCE, eventually
from viewer_senders import adds_up, result_of, stream

MIB = 1 << 20
NO_LONGER_THAN = 10.0
"""Seconds; a bound that only a save that waits for its viewer exceeds."""


def image(number, shape=(256, 256)):
    return np.full(shape, number, np.uint16)


def save_all(manager, viewers, states, paths=3):
    """Save states of some paths, and nobody hears of warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in states:
            manager.save(image(number), f"path {number % paths}", backend=viewers.backend)


def state(manager, viewers):
    (counts,) = manager.metrics()[viewers.backend].values()
    return counts["state"]


def assert_shown(manager, viewers, states):
    """Wait until the viewer shows states of their paths."""
    eventually(lambda: state(manager, viewers) == "ready")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert manager.flush(backend=viewers.backend, timeout=PATIENCE) == 0
    sink = manager.stream(backend=viewers.backend)
    for path, number in states.items():
        assert np.array_equal(sink.pixels(path, timeout=PATIENCE), image(number))


def told(found):
    """Say in one line how a sender fared; its memory includes what it shares."""
    dropped, saved = found["counts"]["dropped"], found["saved"]
    names = ("p50", "p99", "worst", "copy p50", "copy p99")
    times = ", ".join(f"{name} {found[name] * 1e3:.2f} ms" for name in names)
    return (
        f"{found['bytes'] / 1e9:.1f} GB offered, memory grown by {found['grown'] / MIB:.0f} MiB, "
        f"{dropped} of {saved} dropped; of a save, and of a plain copy: {times}"
    )


def test_absent_then_there(viewers):
    manager = viewers.manager(autostart=False)
    save_all(manager, viewers, range(30))
    eventually(lambda: state(manager, viewers) == "unreachable")
    save_all(manager, viewers, range(30, 60))
    viewers.start()
    assert_shown(manager, viewers, {"path 0": 57, "path 1": 58, "path 2": 59})


def test_stopped_and_continued(viewers):
    manager = viewers.manager()
    save_all(manager, viewers, range(3))
    assert_shown(manager, viewers, {"path 0": 0})
    with viewers.stopped():
        save_all(manager, viewers, range(300))
        assert manager.flush(backend=viewers.backend, timeout=0.1) > 0
        eventually(lambda: state(manager, viewers) == "silent")
    assert_shown(manager, viewers, {"path 0": 297, "path 1": 298, "path 2": 299})


def test_stopped_while_it_starts(viewers):
    manager = viewers.manager()
    save_all(manager, viewers, range(1))
    (pid,) = eventually(viewers.processes)
    os.kill(pid, signal.SIGSTOP)
    save_all(manager, viewers, range(300))
    assert manager.flush(backend=viewers.backend, timeout=0.1) > 0
    os.kill(pid, signal.SIGCONT)
    assert_shown(manager, viewers, {"path 0": 297, "path 1": 298, "path 2": 299})


@pytest.mark.parametrize("frames", [0, 1, 7, 40])
def test_killed_and_restarted(viewers, frames):
    manager = viewers.manager()
    save_all(manager, viewers, range(3))
    assert_shown(manager, viewers, {"path 0": 0})
    save_all(manager, viewers, range(3, 3 + frames))
    viewers.kill()
    save_all(manager, viewers, range(100, 130))
    viewers.start()
    assert_shown(manager, viewers, {"path 0": 129, "path 1": 127, "path 2": 128})


def test_killed_while_it_starts(viewers):
    manager = viewers.manager()
    save_all(manager, viewers, range(1))
    (pid,) = eventually(viewers.processes)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: state(manager, viewers) == "unreachable")
    save_all(manager, viewers, range(30))
    viewers.start()
    assert_shown(manager, viewers, {"path 0": 27, "path 1": 28, "path 2": 29})


def test_restarted_again_and_again(viewers):
    manager = viewers.manager(autostart=False)
    for number in range(3):
        viewers.start()
        save_all(manager, viewers, range(number, number + 3))
        assert_shown(manager, viewers, {f"path {(number + 2) % 3}": number + 2})
        viewers.kill()
    (counts,) = manager.metrics()[viewers.backend].values()
    assert adds_up(counts, 9)


def test_a_sender_killed_in_the_midst_harms_no_other(viewers):
    manager = viewers.manager()
    save_all(manager, viewers, range(3))
    assert_shown(manager, viewers, {"path 0": 0})
    pid = viewers.pid()
    for _ in range(3):
        sender = stream(viewers, shape=(512, 512), seconds=3600, paths=3)
        sender.kill()
        sender.communicate()
        save_all(manager, viewers, range(6))
        assert_shown(manager, viewers, {"path 0": 3, "path 1": 4, "path 2": 5})
    assert viewers.pid() == pid


def test_the_viewer_goes_on_without_the_sender_that_started_it(viewers):
    sender = stream(viewers, shape=(64, 64), seconds=PATIENCE, pause=0.01)
    eventually(viewers.processes)
    sender.kill()
    sender.communicate()
    manager = viewers.manager(autostart=False)
    save_all(manager, viewers, range(3))
    assert_shown(manager, viewers, {"path 0": 0, "path 1": 1, "path 2": 2})


def test_a_stalled_viewer_costs_a_bounded_memory_and_every_frame_is_accounted_for(viewers):
    viewers.start()
    with viewers.stopped():
        sender = stream(viewers, count=128, paths=16, autostart=False)
        found = result_of(sender)
    assert found["bytes"] == 1 << 30
    assert found["grown"] < 256 * MIB
    assert adds_up(found["counts"], found["saved"])
    assert found["counts"]["dropped"] > 90
    assert found["worst"] < NO_LONGER_THAN


@pytest.mark.stress
@pytest.mark.parametrize("fault", ["absent", "stopped", "dead", "running"])
def test_ten_gigabytes_to_a_stalled_viewer(viewers, fault, capsys):
    if fault != "absent":
        viewers.start()
    if fault == "stopped":
        viewers.signal(signal.SIGSTOP)
    if fault == "dead":
        viewers.kill()
    found = result_of(stream(viewers, count=1280, paths=16, pause=0.005, autostart=False))
    if fault == "stopped":
        viewers.signal(signal.SIGCONT)
    with capsys.disabled():
        print(f"\n{viewers.kind.name}, {fault}: {told(found)}")
    assert found["bytes"] > 10e9
    assert found["grown"] < 256 * MIB
    assert adds_up(found["counts"], found["saved"])
