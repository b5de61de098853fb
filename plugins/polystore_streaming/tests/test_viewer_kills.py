"""SIGKILL for senders, viewers and process groups: nothing is left behind, and the next start works.

Every test runs with each of the ``KINDS`` of viewers.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import psutil
import pytest
from viewer_processes import PATIENCE, eventually
from viewer_senders import STREAM, stream

VICTIMS = ("sender", "viewer", "group of the sender", "both")
NOISE = 16 << 20
"""Bytes of shared memory that other programs of this machine may come to use meanwhile."""


def shared_memory():
    """Bytes of shared memory in use on this machine."""
    (line,) = (line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("Shmem:"))
    return int(line.split()[1]) * 1024


def named_segments():
    """Names in /dev/shm, without the semaphores that multiprocessing of other programs makes there."""
    return {name for name in os.listdir("/dev/shm") if not name.startswith("sem.")}


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def zombies():
    return [child for child in psutil.Process().children(recursive=True) if child.status() == "zombie"]


def strike(viewers, chance, victim):
    """Start a sender, in a group of its own, and by it a viewer; kill some of them at some moment."""
    arguments = f'["{viewers.backend}", [512, 512], 3600, 0, 4, 0.0, {{}}]'
    sender = subprocess.Popen(
        [sys.executable, "-c", STREAM, arguments],
        env=viewers.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    moment = threading.Event()
    if chance.random() < 0.7:
        sender.stdout.readline()
    moment.wait(chance.random() * 0.8)
    for pid in viewers.processes() if victim in ("viewer", "both") else []:
        os.kill(pid, signal.SIGKILL)
    moment.wait(chance.random() * 0.05)
    if victim == "group of the sender":
        os.killpg(sender.pid, signal.SIGKILL)
    else:
        sender.kill()
    sender.communicate()


def assert_works(viewers):
    manager = viewers.manager()
    manager.save(np.full((64, 64), 7, np.uint16), "after", backend=viewers.backend)
    assert manager.flush(backend=viewers.backend, timeout=PATIENCE) == 0
    assert (manager.stream(backend=viewers.backend).pixels("after") == 7).all()
    manager.close()


def kill_again_and_again(viewers, times):
    """Kill at random, and look after each blow that the next start works."""
    chance = random.Random(times)
    segments, before = named_segments(), shared_memory()
    for number in range(times):
        strike(viewers, chance, VICTIMS[number % len(VICTIMS)])
        if number % 5 == 4:
            assert_works(viewers)
    assert_works(viewers)
    viewers.end()
    eventually(lambda: not viewers.processes())
    assert named_segments() == segments
    assert eventually(lambda: shared_memory() - before < NOISE)
    eventually(lambda: not zombies())
    return shared_memory() - before


def test_killed_ten_times(viewers):
    kill_again_and_again(viewers, 10)


@pytest.mark.stress
def test_killed_two_hundred_times(viewers, capsys):
    grown = kill_again_and_again(viewers, 200)
    with capsys.disabled():
        print(f"\n{viewers.kind.name}: 200 mixed SIGKILLs; shared memory grown by {grown / 1024:.0f} KiB")


def kill_senders_of(viewers, times):
    """Kill senders of one viewer; return how many descriptors it had, and has."""
    manager = viewers.manager()
    manager.save(np.zeros((64, 64), np.uint16), "image", backend=viewers.backend)
    assert manager.flush(backend=viewers.backend, timeout=PATIENCE) == 0
    pid = viewers.pid()
    before = descriptors(pid)
    for _ in range(times):
        sender = stream(viewers, shape=(512, 512), seconds=3600, paths=2)
        sender.kill()
        sender.communicate()
    eventually(lambda: descriptors(pid) <= before)
    assert viewers.pid() == pid


def test_a_viewer_keeps_no_descriptor_of_dead_senders(viewers):
    kill_senders_of(viewers, 3)


@pytest.mark.stress
def test_a_viewer_keeps_no_descriptor_of_many_dead_senders(viewers):
    kill_senders_of(viewers, 50)


def kill_viewers_of(viewers, times):
    """Kill the viewers of one sender; its descriptors and memory come back to what they were."""
    manager = viewers.manager(autostart=False)
    process = psutil.Process()
    before = 0
    for number in range(times + 1):
        viewers.start()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            manager.save(np.full((64, 64), number, np.uint16), "image", backend=viewers.backend)
            eventually(lambda: manager.metrics()[viewers.backend][viewers.kind.name]["state"] == "ready")
            assert manager.flush(backend=viewers.backend, timeout=PATIENCE) == 0
        if number == 0:
            before = process.num_fds()
        viewers.kill()
        viewers.started.pop().wait()
        eventually(lambda: manager.metrics()[viewers.backend][viewers.kind.name]["state"] == "unreachable")
    eventually(lambda: process.num_fds() <= before)
    eventually(lambda: not zombies())


def test_a_sender_keeps_no_descriptor_of_dead_viewers(viewers):
    kill_viewers_of(viewers, 3)


@pytest.mark.stress
def test_a_sender_keeps_no_descriptor_of_many_dead_viewers(viewers):
    kill_viewers_of(viewers, 50)
