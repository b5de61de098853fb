"""Whatever becomes of a viewer, the pipeline goes on and the last state appears when the viewer is back.

Every test runs with each of the ``KINDS`` of viewers; times are printed by ``make stress``.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import psutil
import pytest
from viewer_processes import PATIENCE, eventually
from viewer_senders import adds_up, result_of, stream

MIB = 1 << 20
NO_LONGER_THAN = 10.0
"""Seconds; a bound that only a save that waits for its viewer exceeds."""

PACE = 0.005
"""Seconds that a pipeline takes for an image, besides saving it."""

SECONDS_OF_LIFE = 2.0
"""How long a viewer runs that is restarted again and again."""


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


def assert_shown(manager, viewers, states, shape=(256, 256)):
    """Wait until the viewer shows states of their paths."""
    eventually(lambda: state(manager, viewers) == "ready")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert manager.flush(backend=viewers.backend, timeout=PATIENCE) == 0
    sink = manager.stream(backend=viewers.backend)
    for path, number in states.items():
        assert np.array_equal(sink.pixels(path, timeout=PATIENCE), image(number, shape))


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


def save_at_a_pace(manager, viewers, states, shape):
    """Save states of two paths as a pipeline does; return the seconds that the saves took."""
    taken = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in states:
            state = image(number, shape)
            begin = time.perf_counter()
            manager.save(state, f"path {number % 2}", backend=viewers.backend)
            taken += time.perf_counter() - begin
            time.sleep(PACE)
    return taken


def statuses(viewers):
    """What ``polystore viewers`` says of each viewer that runs."""
    command = [Path(sys.executable).with_name("polystore"), "viewers", "--json"]
    done = subprocess.run(command, env=viewers.environment, capture_output=True, check=True)
    return {found["name"]: found["status"] for found in json.loads(done.stdout)}


def outpace(viewers, saves, shape):
    """Save more than a slow viewer shows; return the counts when it has the last states, and the seconds."""
    viewers.start()
    manager = viewers.manager(autostart=False)
    save_all(manager, viewers, range(1))
    eventually(lambda: state(manager, viewers) == "ready")
    taken = save_at_a_pace(manager, viewers, range(1, saves), shape)
    assert taken < saves / 10
    assert state(manager, viewers) == "ready"
    (counts,) = manager.metrics()[viewers.backend].values()
    assert adds_up(counts, saves)
    last = {f"path {number % 2}": number for number in (saves - 2, saves - 1)}
    assert_shown(manager, viewers, last, shape)
    (counts,) = manager.metrics()[viewers.backend].values()
    assert adds_up(counts, saves)
    assert counts["waiting"] == counts["refused"] == 0
    assert counts["sent"] == counts["shown"] + counts["superseded"]
    assert counts["dropped"] + counts["superseded"] > saves // 2
    told = {name: counts[name] for name in ("shown", "superseded", "refused", "dropped")}
    eventually(lambda: told.items() <= statuses(viewers)[viewers.kind.name].items())
    return counts, taken


def test_a_slow_viewer_holds_nobody_up_and_comes_to_show_the_last_states(slow_viewers):
    outpace(slow_viewers, 100, (256, 256))


@pytest.mark.stress
def test_a_slow_viewer_of_large_images_for_a_long_time(slow_viewers, capsys):
    before = psutil.Process().memory_info().rss
    counts, taken = outpace(slow_viewers, 3000, (2048, 2048))
    grown = psutil.Process().memory_info().rss - before
    with capsys.disabled():
        names = ("offered", "sent", "dropped", "superseded", "shown")
        became = ", ".join(f"{counts[name]} {name}" for name in names)
        print(f"\n{slow_viewers.kind.name}: {became}; a save {taken / 3:.2f} ms, {grown / MIB:.0f} MiB grown")
    assert grown < 256 * MIB


def offer_ten_gigabytes(viewers, fault, capsys):
    """Offer ten gigabytes at a pipeline's pace, to a viewer that has a fault; say how the saves fared."""
    if fault != "absent":
        viewers.start()
    if fault == "stopped":
        viewers.signal(signal.SIGSTOP)
    if fault == "dead":
        viewers.kill()
    sender = stream(viewers, count=1280, paths=16, pause=PACE, autostart=False)
    restarts = 0
    while fault == "restarted" and sender.poll() is None:
        viewers.kill()
        viewers.start()
        restarts += 1
        with contextlib.suppress(subprocess.TimeoutExpired):
            sender.wait(SECONDS_OF_LIFE)
    found = result_of(sender)
    if fault == "stopped":
        viewers.signal(signal.SIGCONT)
    with capsys.disabled():
        how = f"{fault} {restarts} times" if restarts else fault
        print(f"\n{viewers.kind.name}, {how}: {told(found)}")
    assert found["bytes"] > 10e9
    assert found["grown"] < 256 * MIB
    assert adds_up(found["counts"], found["saved"])


@pytest.mark.stress
@pytest.mark.parametrize("fault", ["absent", "stopped", "dead", "restarted", "running"])
def test_ten_gigabytes_to_a_viewer_that_is(viewers, fault, capsys):
    offer_ten_gigabytes(viewers, fault, capsys)


@pytest.mark.stress
def test_ten_gigabytes_to_a_viewer_that_is_slow(slow_viewers, capsys):
    offer_ten_gigabytes(slow_viewers, "slow", capsys)
