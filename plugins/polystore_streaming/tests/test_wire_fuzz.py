"""Any messages in any order: viewer and sender refuse what they must, and lose neither memory nor life."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from wire_fuzzing import FROM_SENDER, FROM_VIEWER, FuzzedViewer, ask_viewer, unpacked, valid_second_parts

RUNNER = Path(__file__).with_name("wire_atheris.py")
MESSAGES = 100

extreme_numbers = st.sampled_from(
    [-1, 0, 1, 63, 64, 2**20, 2**31, 2**32, 2**48, 2**48 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)]
)
extreme_values = (
    st.none()
    | st.booleans()
    | extreme_numbers
    | st.sampled_from([float("nan"), float("inf"), -float("inf"), -0.0, 1e308, 5e-324])
    | st.sampled_from(["", "object", "uint16", "rgb", "x", "a" * 4097, "\0", "../..", "\U0010ffff"])
    | st.binary(max_size=40)
)
anything = st.recursive(
    extreme_values | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=10,
)


@st.composite
def changed(draw, honest):
    """An honest message of which one thing, at any depth, is left out, replaced or added."""
    message = dict(draw(st.sampled_from(unpacked(honest))))
    place = message
    while True:
        key = draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        inner = place[key]
        if isinstance(inner, (dict, list)) and inner and draw(st.booleans()):
            place[key] = place = inner.copy()
        else:
            break
    match draw(st.integers(0, 2)):
        case 0:
            place[key] = draw(anything)
        case 1:
            del place[key]
        case 2 if isinstance(place, dict):
            place[draw(st.sampled_from(["size", "place", "offset", "more"]))] = draw(extreme_values)
        case _:
            place.append(draw(extreme_values))
    return msgpack.packb(message)


@st.composite
def damaged(draw, honest):
    """An honest message with bytes overwritten, cut off or added."""
    header = bytearray(draw(st.sampled_from(honest)))
    begin = draw(st.integers(0, len(header)))
    header[begin : begin + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(header)


def headers(honest):
    return st.one_of(
        st.sampled_from(honest),
        changed(honest),
        damaged(honest),
        anything.map(msgpack.packb),
        st.integers(0, 60_000).map(lambda depth: b"\x91" * depth),
        st.binary(max_size=100),
    )


second_parts = st.sampled_from(valid_second_parts()) | st.binary(max_size=60)
parts = st.one_of(
    st.tuples(headers(FROM_SENDER)),
    st.tuples(headers(FROM_SENDER), second_parts),
    st.lists(st.binary(max_size=10), max_size=4),
)
conversations = st.lists(st.tuples(st.integers(0, 2), parts), min_size=MESSAGES // 2, max_size=MESSAGES)
answers = st.lists(st.tuples(headers(FROM_VIEWER), second_parts), max_size=MESSAGES)

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


def converse(viewer, examples, first):
    """Run both fuzzers on examples that the number ``first`` decides; return how many answers were taken."""
    taken = 0

    @seed(first)
    @settings(unhurried, max_examples=examples)
    @given(conversations)
    def to_viewer(conversation):
        for sender, message in conversation:
            viewer.hear(sender, *message)
        viewer.rest()

    @seed(first)
    @settings(unhurried, max_examples=max(1, examples // 4))
    @given(answers)
    def to_sender(conversation):
        nonlocal taken
        for header, payload in conversation:
            ask_viewer(header, payload)
            taken += 1

    to_viewer()
    to_sender()
    return taken


def resident_mebibytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_thousands_of_messages_of_any_kind():
    viewer = FuzzedViewer()
    converse(viewer, 20, first=0)
    before = resident_mebibytes()
    taken = converse(viewer, 60, first=1)
    assert viewer.frames + taken > 2000
    assert resident_mebibytes() - before < 64


@pytest.mark.stress
def test_hundreds_of_thousands_of_messages_of_any_kind():
    viewer = FuzzedViewer()
    rounds, examples = 50, 80
    taken = [converse(viewer, examples, first=0)]
    before = resident_mebibytes()
    taken += [converse(viewer, examples, first) for first in range(1, rounds)]
    gc.collect()
    grown = resident_mebibytes() - before
    print(f"{viewer.frames + sum(taken)} messages by Hypothesis, {grown:.1f} MiB grown")
    assert viewer.frames + sum(taken) > 250_000
    assert grown < 64


MOST_MEBIBYTES = 1024
WITHOUT_ITS_LIMIT = ("-rss_limit_mb=0", f"-malloc_limit_mb={MOST_MEBIBYTES}")
"""Its limit is of the peak that getrusage tells, which a process inherits from the one that made it."""


def fuzz_by_coverage(folder, runs):
    """Run the coverage-guided fuzzer in a process of its own; return what it took, and MiB that it grew."""
    done = subprocess.run(
        [sys.executable, RUNNER, f"-runs={runs}", "-seed=1", "-max_len=4096", *WITHOUT_ITS_LIMIT],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=3600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    found = re.findall(
        r"^(\d+) messages, (-?[\d.]+) MiB grown, (\d+) MiB at most$", done.stdout, re.MULTILINE
    )
    assert found, done.stdout[-5000:]
    taken, grown, most = found[-1]
    assert int(most) < MOST_MEBIBYTES
    return int(taken), float(grown)


def test_thousands_of_messages_guided_by_coverage(tmp_path):
    taken, grown = fuzz_by_coverage(tmp_path, 3000)
    assert taken > 6000
    assert grown < 64


@pytest.mark.stress
def test_a_million_messages_guided_by_coverage(tmp_path):
    taken, grown = fuzz_by_coverage(tmp_path, 120_000)
    print(f"{taken} messages by atheris, {grown:.1f} MiB grown")
    assert taken > 750_000
    assert grown < 64
